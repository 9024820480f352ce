/** The end of the time for which a policy held a case: it is decided anew, or let go. */
import type { CaseState } from '../../core/case.js';
import type { CaseEvent } from '../../core/events.js';
import { advance, ignore, type Outcome } from '../../core/outcome.js';
import type { PackVersion } from '../contract.js';

export function windowOver(
  { status, exception, policy }: CaseState,
  { data: { timerId } }: CaseEvent<'AccumulationElapsed'>,
  { version }: PackVersion,
): Outcome {
  const waits = status === 'WAITING' && policy?.hold?.timerId === timerId;
  if (!waits || policy === null || exception === null) return ignore('no policy holds the case any more');
  if (policy.hold?.afterwards === 'reprocess') {
    const data = { exception, packVersion: version };
    return advance({ status: 'NORMALIZED', emit: [{ type: 'ExceptionNormalized', data }] });
  }
  const reason = `${policy.reason}: the time for which it was held is over`;
  return advance({ status: 'SUPPRESSED', emit: [{ type: 'CaseSuppressed', data: { policy: { ...policy, reason } } }] });
}
