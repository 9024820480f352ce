/** What people's answer to an approval, or their silence, means for the run that asked. */
import type { RunState } from '../../core/run.js';
import type { ApproveStep } from '../../packs/index.js';
import { type Progress, type RunContext, record, toNext, visitOf } from './context.js';
import { escalate } from './ending.js';
import { proceed } from './steps.js';

/** An answer: `by` are people, or `timeout`. */
export interface Answer {
  readonly approved: boolean;
  readonly by: readonly string[];
  readonly comment: string | null;
}

/** The run goes on after policy's approval, or ends without it. */
export function answerGate(context: RunContext, run: RunState, answer: Answer): Progress {
  const open: RunState = { ...run, status: 'RUNNING', pending: null };
  return answer.approved ? proceed(context, { ...open, gate: 'passed' }) : refuse(context, open, 'the run', answer);
}

/** The run goes on after a step's approval, goes where the step says after a rejection, or ends with it. */
export function answerStep(context: RunContext, run: RunState, step: ApproveStep, answer: Answer): Progress {
  const visit = visitOf(run, step.id);
  const done = record(run, step.id, { status: 'done', visit, result: answer });
  if (answer.approved) return proceed(context, toNext(done));
  if (step.rejected !== null && visit <= step.rejected.max) {
    const { goto } = step.rejected;
    return proceed(context, { ...done, at: context.playbook.steps.findIndex(({ id }) => id === goto) });
  }
  return refuse(context, done, `step ${step.id}`, answer);
}

function refuse({ now }: RunContext, run: RunState, what: string, { by, comment }: Answer): Progress {
  const why = comment === null ? '' : `: ${comment}`;
  const reason = `${what} was rejected by ${by.join(', ')}${why}`;
  return escalate(run, run.packVersion, now, { code: 'APPROVAL_REJECTED', reason });
}

/** Nobody has decided in time, and a person must see to it. `step` is null for policy's approval. */
export function expire({ now }: RunContext, run: RunState, step: ApproveStep | null): Progress {
  const code = 'APPROVAL_EXPIRED';
  if (step === null) return escalate(run, run.packVersion, now, { code, reason: 'nobody approved the run in time' });
  const reason = `nobody decided step ${step.id} in time`;
  const error = { code, message: reason };
  const failed = record(run, step.id, { status: 'failed', visit: visitOf(run, step.id), error });
  return escalate(failed, run.packVersion, now, { code, reason });
}
