/** An approval is over: people have decided, or nobody has in time. */
import type { CaseState } from '../../core/case.js';
import type { CaseEvent } from '../../core/events.js';
import { ignore, type Outcome } from '../../core/outcome.js';
import type { ApprovalTerms } from '../../core/records.js';
import type { PendingApproval, RunState } from '../../core/run.js';
import type { ApproveStep } from '../../packs/index.js';
import type { PackVersion } from '../contract.js';
import { type Answer, answerGate, answerStep, expire } from './answer.js';
import type { Progress, RunContext } from './context.js';
import { remind, timersOf } from './remind.js';
import { lostStep, suspendedRun } from './suspended.js';

/** A run that waits for an approval: of a step, or of policy (`step` is null). */
interface Asked {
  readonly context: RunContext;
  readonly run: RunState;
  readonly pending: PendingApproval;
  readonly step: ApproveStep | null;
  readonly terms: ApprovalTerms | null;
}

/** People have decided: the run goes on or ends, and the timer is off. */
export function waitResolved(
  state: CaseState,
  { data }: CaseEvent<'WaitResolved'>,
  facts: PackVersion,
  now: number,
): Outcome {
  const { waitId, decision, by, comment } = data;
  const asked = askedRun(state, waitId, facts, now);
  if ('kind' in asked) return asked;
  const next = answer(asked, waitId, { approved: decision === 'approved', by, comment });
  return { ...next, cancelTimers: timersOf(asked.pending) };
}

/** Nobody has decided: people are reminded, or what then happens was said when the question was asked. */
export function timerFired(
  state: CaseState,
  { data }: CaseEvent<'TimerFired'>,
  facts: PackVersion,
  now: number,
): Outcome {
  const waitId = String(data.data.waitId);
  const asked = askedRun(state, waitId, facts, now);
  if ('kind' in asked) return asked;
  if (data.kind === 'wait.remind') return remind(asked.context, asked, data);
  const ended = expired(asked, waitId);
  return asked.pending.remind === undefined ? ended : { ...ended, cancelTimers: [asked.pending.remind.timerId] };
}

function expired(asked: Asked, waitId: string): Progress {
  const { context, run, step, terms } = asked;
  const onTimeout = terms?.onTimeout ?? 'escalate';
  if (onTimeout === 'escalate') return { ...expire(context, run, step), closeWaits: [{ waitId, status: 'expired' }] };
  return answer(asked, waitId, { approved: onTimeout === 'approve', by: ['timeout'], comment: null });
}

function answer({ context, run, step }: Asked, waitId: string, given: Answer): Progress {
  const next = step === null ? answerGate(context, run, given) : answerStep(context, run, step, given);
  return { ...next, closeWaits: [{ waitId, status: given.approved ? 'approved' : 'rejected' }] };
}

function askedRun(state: CaseState, waitId: string, facts: PackVersion, now: number): Asked | Outcome {
  const { run } = state;
  if (run?.pending?.kind !== 'approval' || run.pending.waitId !== waitId) {
    return ignore(`no run waits for the approval ${waitId}`);
  }
  const { pending } = run;
  const suspended = suspendedRun(state, run, 'WAITING', facts, now);
  if ('kind' in suspended) return suspended;
  const { context, step } = suspended;
  if (run.gate === 'asked') {
    return { context, run, pending, step: null, terms: context.state.policy.approval };
  }
  return step.kind === 'approve' ? { context, run, pending, step, terms: step.terms } : lostStep(run);
}
