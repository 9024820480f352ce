/** A tool call has ended: its run goes on with the result, or fails with the call. */
import type { CaseState } from '../../core/case.js';
import type { CaseEvent, EventData } from '../../core/events.js';
import { ignore, type Outcome } from '../../core/outcome.js';
import type { StepState } from '../../core/run.js';
import type { PackVersion } from '../contract.js';
import { type Progress, record, toNext, visitOf } from './context.js';
import { escalate } from './ending.js';
import { keepSmall } from './result.js';
import { failStep, proceed } from './steps.js';
import { type Suspended, suspendedRun } from './suspended.js';

type Ended = EventData['ToolFinished'];

export function toolFinished(
  state: CaseState,
  { data }: CaseEvent<'ToolFinished'>,
  facts: PackVersion,
  now: number,
): Outcome {
  const { run } = state;
  if (run?.pending?.kind !== 'tool' || run.pending.executionId !== data.executionId) {
    return ignore(`no run waits for the call ${data.executionId}`);
  }
  const suspended = suspendedRun(state, run, 'RUNNING', facts, now);
  return 'kind' in suspended ? suspended : goOn(suspended, data);
}

function goOn(suspended: Suspended, ended: Ended): Progress {
  const { context, run, step } = suspended;
  const visit = visitOf(run, step.id);
  switch (ended.status) {
    case 'succeeded': {
      const result = keepSmall(ended.result ?? null);
      return proceed(context, toNext(record(run, step.id, { status: 'done', visit, result })));
    }
    case 'unknown':
      return giveUp(suspended, 'OUTCOME_UNKNOWN', ended);
    case 'canceled':
      return giveUp(suspended, 'TOOL_CANCELED', ended);
    case 'failed':
    case 'timeout': {
      const failed = failStep(context, run, step, { ...errorOf(ended), visit });
      return 'stop' in failed ? failed.stop : proceed(context, failed.run);
    }
  }
}

/** Whether the call had its effect is not known, so the run must not go on by itself, whatever `onError` says. */
function giveUp({ context, run, step }: Suspended, code: string, ended: Ended): Progress {
  const error = errorOf(ended);
  const failed = record(run, step.id, { status: 'failed', visit: visitOf(run, step.id), error });
  const reason = `the call of step ${step.id} ended as ${ended.status}: ${error.message}`;
  return escalate(failed, run.packVersion, context.now, { code, reason });
}

function errorOf({ error, status }: Ended): NonNullable<StepState['error']> {
  if (error === undefined) return { code: status.toUpperCase(), message: 'the call gave no reason' };
  return { code: error.code, message: error.message };
}
