/** What a decision about one run works with, and small pure steps over a run's checkpoint. */
import type { Advance, Emission } from '../../core/outcome.js';
import type { RunState, StepState } from '../../core/run.js';
import { isoOf } from '../../core/time.js';
import type { CompiledPack, CompiledPlaybook, PlaybookScope, StepScope } from '../../packs/index.js';
import { type Filled, seenOf } from '../fit.js';

/** A case that has come far enough for a playbook. */
export type Evaluated = Filled<'exception' | 'triage' | 'policy'>;
export const NEEDS = ['exception', 'triage', 'policy'] as const;

export interface RunContext {
  readonly state: Evaluated;
  readonly pack: CompiledPack; // the version that the run is pinned to
  readonly playbook: CompiledPlaybook;
  readonly now: number; // epoch ms
}

/** An advance that always says what happened. */
export type Progress = Advance & { readonly emit: readonly Emission[] };
export const progress = (what: Omit<Progress, 'kind'>): Progress => ({ kind: 'advance', ...what });

export function scopeOf(state: Evaluated, now: number, packVersion: number): PlaybookScope {
  const { exception, triage, policy, tenantId: tenant } = state;
  return { exception, triage, policy, seen: seenOf(state), tenant, now, packVersion };
}

export function stepScopeOf({ state, now }: RunContext, run: RunState): StepScope {
  const { runId: id, playbook, packVersion, startedAt } = run;
  const told = { id, playbook, startedAt: isoOf(startedAt) };
  return { steps: run.steps, run: told, ...scopeOf(state, now, packVersion) };
}

/** How often the run has come to a step, the present visit included. */
export const visitOf = (run: RunState, step: string): number => run.steps[step]?.visit ?? 0;

/** The run with what became of a step; nothing is pending any more. */
export const record = (run: RunState, step: string, state: StepState): RunState => ({
  ...run,
  status: 'RUNNING',
  pending: null,
  steps: Object.assign({}, run.steps, { [step]: state }),
});

export const toNext = (run: RunState): RunState => ({ ...run, at: run.at + 1 });
