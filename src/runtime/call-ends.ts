/** How a tool call ended: what follows from it, as data. */
import type { BlockError, BlockOutcome } from '../blocks/port.js';
import { delayBefore } from '../core/backoff.js';
import { deterministicId } from '../core/ids.js';
import type { ClaimedExecution, ExecutionEnd } from '../store/port.js';
import type { Appendix } from './append.js';

/** A call and what is known of its end; it is written together with the ends of others. */
export interface Ended {
  readonly call: ClaimedExecution;
  readonly end: ExecutionEnd;
}

/** The pause before the next try in ms, or null when this outcome is final. */
export function pauseBefore(
  call: ClaimedExecution,
  tries: number,
  outcome: BlockOutcome,
  error: BlockError,
): number | null {
  const repeatable = outcome.kind !== 'unknown' && error.retryable && call.retry.on.includes(error.class);
  if (!repeatable || tries >= call.retry.tries) return null;
  return Math.max(delayBefore(call.retry, tries + 1, Math.random), error.retryAfterMs ?? 0);
}

export function toolFinished({ call, end }: Ended): Appendix[] {
  if (end.status === 'pending') return [];
  const { tenantId, caseId, executionId, runId, step, packVersion, traceparent, causeId } = call;
  const { status, result, attempt, tries, latencyMs } = end;
  const error = end.error as BlockError | null;
  const data = {
    runId,
    step,
    executionId,
    status,
    attempt,
    tries,
    latencyMs,
    packVersion,
    ...(status === 'succeeded' && { result }),
    ...(error && { error: { code: error.code, errorNumber: error.errorNumber, message: error.message } }),
  };
  const eventId = deterministicId(executionId, 'finished');
  return [{ tenantId, caseId, emission: { type: 'ToolFinished', data }, eventId, causeId, traceparent }];
}

export function failed(code: string, errorNumber: number, message: string): BlockOutcome {
  return { kind: 'failed', error: { code, errorNumber, message, retryable: false, class: 'invalid' } };
}

export function unknownOutcome(): BlockOutcome {
  const message =
    'The worker that made this call died before its answer came. It may have had its effect; a person must look.';
  return {
    kind: 'unknown',
    error: { code: 'OUTCOME_UNKNOWN', errorNumber: 2001, message, retryable: false, class: 'internal' },
  };
}
