/** The ways in which a run, or a case without one, comes to its end. */
import type { CaseState } from '../../core/case.js';
import type { EventData } from '../../core/events.js';
import { type Advance, advance, type Emission, ignore, type Outcome } from '../../core/outcome.js';
import type { RuleTrace } from '../../core/records.js';
import type { Pending, RunState, RunStatus } from '../../core/run.js';
import { type Finish, renderFinish } from '../../packs/index.js';
import { type Progress, progress, type RunContext, stepScopeOf } from './context.js';
import { timersOf } from './remind.js';

/** Why a person is needed: a word for machines and a sentence for people. */
export interface Reason {
  readonly code: string;
  readonly reason: string;
  readonly explain?: readonly RuleTrace[];
}

const ended = (run: RunState, status: RunStatus, now: number): RunState => ({
  ...run,
  status,
  pending: null,
  finishedAt: now,
});

function escalated(run: RunState | null, packVersion: number | null, { code, reason, explain = [] }: Reason): Emission {
  const { runId = null, playbook = null } = run ?? {};
  return { type: 'CaseEscalated', data: { code, reason, runId, playbook, explain: [...explain], packVersion } };
}

/** A person has to go on. A run that was under way has failed; an earlier one is no longer the case's run. */
export function escalate(run: RunState | null, packVersion: number, now: number, why: Reason): Progress {
  return progress({
    status: 'ESCALATED',
    set: { run: run === null ? null : ended(run, 'FAILED', now) },
    emit: [escalated(run, packVersion, why)],
  });
}

/** The run came to its end as the playbook says. */
export function finishRun(context: RunContext, run: RunState, finish: Finish): Progress {
  const { outcome, note } = renderFinish(context.playbook, finish, stepScopeOf(context, run));
  const { runId, playbook, packVersion } = run;
  const set = { run: ended(run, 'SUCCEEDED', context.now) };
  if (outcome === 'escalated') {
    const reason = note ?? `the playbook ${playbook} hands over to a person`;
    return progress({
      status: 'ESCALATED',
      set,
      emit: [escalated(run, packVersion, { code: 'PLAYBOOK_ESCALATED', reason })],
    });
  }
  const data = { runId, playbook, outcome, note, packVersion };
  return progress({ status: 'RESOLVED', set, emit: [{ type: 'PlaybookFinished', data }] });
}

const ENDS = {
  resolve: { status: 'RESOLVED', outcome: 'resolved' },
  cancel: { status: 'CANCELED', outcome: 'canceled' },
} as const;

/** Somebody says that the case is over, or that a person takes it on: what its run waits for is let go. */
export function endByCommand(state: CaseState, told: EventData['CaseCommanded'], now: number): Outcome {
  const { run } = state;
  if (told.command === 'escalate' && state.status === 'ESCALATED') return ignore('the case is ESCALATED already');
  const { status, emission } = endingOf(run, told);
  if (run === null || run.pending === null) {
    const timer = state.policy?.hold?.timerId; // of a policy that holds it
    return advance({ status, ...(timer && { cancelTimers: [timer] }), emit: [emission] });
  }
  const { emit, ...released } = release(run.runId, run.pending, told.reason);
  return advance({ status, set: { run: ended(run, 'CANCELED', now) }, ...released, emit: [...emit, emission] });
}

function endingOf(
  run: RunState | null,
  { command, by, reason }: EventData['CaseCommanded'],
): { readonly status: NonNullable<Advance['status']>; readonly emission: Emission } {
  const { runId = null, playbook = null, packVersion = null } = run ?? {};
  if (command === 'escalate') {
    const why = { code: 'COMMANDED', reason: `${by}: ${reason}` };
    return { status: 'ESCALATED', emission: escalated(run, packVersion, why) };
  }
  const { status, outcome } = ENDS[command];
  const data = { runId, playbook, outcome, note: reason, packVersion };
  return { status, emission: { type: 'PlaybookFinished', data } };
}

function release(runId: string, pending: Pending, reason: string): Omit<Progress, 'kind'> {
  if (pending.kind === 'approval') {
    return { closeWaits: [{ waitId: pending.waitId, status: 'canceled' }], cancelTimers: timersOf(pending), emit: [] };
  }
  const { executionId } = pending;
  return {
    cancelExecutions: [executionId],
    emit: [{ type: 'ToolCanceled', data: { runId, executionId, reason } }],
  };
}
