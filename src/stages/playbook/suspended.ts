/** Finds what a suspended run needs to go on, in the pack version that it is pinned to. */
import type { CaseState } from '../../core/case.js';
import { type Outcome, reject } from '../../core/outcome.js';
import type { RunState } from '../../core/run.js';
import { type CompiledStep, findPlaybook } from '../../packs/index.js';
import type { PackVersion } from '../contract.js';
import { fits, misfit } from '../fit.js';
import { NEEDS, type RunContext } from './context.js';

/** A suspended run at the step that it waits in, or before the first one. */
export interface Suspended {
  readonly context: RunContext;
  readonly run: RunState;
  readonly step: CompiledStep;
}

/** The run of a case in the status `expected`; else the outcome that says why it cannot go on. */
export function suspendedRun(
  state: CaseState,
  run: RunState,
  expected: 'RUNNING' | 'WAITING',
  { pack }: PackVersion,
  now: number,
): Suspended | Outcome {
  if (!fits(state, expected, NEEDS)) return misfit(state, expected);
  const playbook = findPlaybook(pack, run.playbook);
  const step = playbook?.steps[run.at];
  if (playbook === undefined || step === undefined) return lostStep(run);
  return { context: { state, pack, playbook, now }, run, step };
}

/** A pinned pack never changes, so this is a fault of the store of packs: a person must look before anything goes on. */
export function lostStep({ playbook, at, packVersion }: RunState): Outcome {
  const message = `Version ${packVersion} of the pack has no step ${at + 1} of this kind in playbook ${playbook}.`;
  return reject('RUN_STEP_LOST', message);
}
