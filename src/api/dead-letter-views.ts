/** Dead letters as the API shows them. */
import { isUtf8 } from 'node:buffer';
import { MAX_DEPTH, nestsDeeper } from '../core/json.js';
import type { LetterInput } from '../core/letters.js';
import { blockingId } from '../runtime/letter.js';
import type { CaseDetail, DeadLetter, DeadLetterCause, DeadLetterPreview, TimelineEntry } from '../store/queries.js';
import type { Cause, Input, Letter, LetterDetail } from './dead-letter-schemas.js';
import { detailOf, eventsOf, timeOf, timeOrNull } from './views.js';

export function letterOf(row: DeadLetter): Letter {
  const { tenantId, deadLetterId, caseId, seq, stage } = row;
  const { status, code, message, path, eventType, attempts, settledBy, reason } = row;
  const self = `/dead-letters/${tenantId}/${deadLetterId}`;
  return {
    id: deadLetterId,
    ...{ status, stage, code, message, path, seq, attempts, settledBy, reason },
    type: eventType,
    exception: caseId,
    holds:
      (status === 'open' || status === 'parked') &&
      caseId !== null &&
      deadLetterId === blockingId(tenantId, caseId, seq ?? 0, stage),
    firstAt: timeOf(row.firstAt),
    lastAt: timeOf(row.lastAt),
    edited: row.edited !== null,
    settledAt: timeOrNull(row.settledAt),
    links: {
      self,
      replay: `${self}/replay`,
      discard: `${self}/discard`,
      ...(caseId !== null && { exception: `/exceptions/${tenantId}/${caseId}` }),
    },
  };
}

export function letterDetailOf(
  row: DeadLetter,
  found: CaseDetail | null,
  timeline: readonly TimelineEntry[],
): LetterDetail {
  const { topic, partition, offset, edited, history } = row;
  return {
    ...letterOf(row),
    ...{ topic, partition, offset },
    input: inputOf(row),
    editedInput: edited === null ? null : inputOf(edited),
    history: history.map(({ at, ...step }) => ({ at: timeOf(at), ...step })),
    case: found === null ? null : detailOf(found),
    timeline: eventsOf(timeline),
  };
}

function inputOf({ key, headers, value }: LetterInput): Input {
  const bytes = Buffer.from(value, 'base64');
  if (!isUtf8(bytes)) return { key, headers, encoding: 'base64', data: value };
  const text = bytes.toString();
  if (nestsDeeper(text, MAX_DEPTH)) return { key, headers, encoding: 'text', data: text };
  try {
    return { key, headers, encoding: 'json', data: JSON.parse(text) as unknown };
  } catch {
    return { key, headers, encoding: 'text', data: text };
  }
}

export const causeOf = ({ eventType, pattern, cases, firstAt, lastAt, ...rest }: DeadLetterCause): Cause => ({
  ...rest,
  type: eventType,
  message: pattern,
  exceptions: cases,
  firstAt: timeOrNull(firstAt),
  lastAt: timeOrNull(lastAt),
});

const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

/** A call's idempotency key is its execution id, which an edit may not change: it is always the same. */
export function previewOf({ letters, causes, cases, calls, edited, parked, at }: DeadLetterPreview) {
  const what = `${counted(letters, 'dead letter')}, ${counted(causes, 'cause')}, ${counted(cases, 'exception')}`;
  const again = `${calls} would call tools again, ${calls} of those with the same idempotency key`;
  const extra = [...(edited > 0 ? [`${edited} edited`] : []), ...(parked > 0 ? [`${parked} parked`] : [])];
  const summary = [what, again, ...extra].join('; ');
  return {
    ...{ at: timeOf(at), letters, causes, exceptions: cases, callsTools: calls, sameIdempotencyKey: calls },
    ...{ edited, parked, summary },
  };
}
