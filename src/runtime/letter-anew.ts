/**
 * An edited report whose group takes nothing more. The end of the group stands before whatever is appended to its case
 * now, so there it would be in no group and only be counted: it is accepted as a new report instead.
 */
import type { EventData } from '../core/events.js';
import { deterministicId } from '../core/ids.js';
import type { CaseRow, DeadLetterRecord, Tx } from '../store/port.js';
import type { IngestRequest } from './ingest-reports.js';
import { type BlockingLetter, editedEmission } from './letter-edit.js';

/** The request that it is accepted by; undefined for all else. `row`: its case, locked, as it is before the replay. */
export async function requestAnew(
  tx: Tx,
  { state, seen }: CaseRow,
  letter: BlockingLetter,
  newId: () => string,
): Promise<IngestRequest | undefined> {
  if ((seen[letter.stage] ?? 0) >= letter.seq) return undefined;
  const edited = editedEmission(letter);
  if (edited?.type !== 'ExceptionIngested') return undefined;
  const { accumulate, resolve } = edited.data;
  if (accumulate === undefined || resolve) return undefined; // an end is for this group: no other one knows of it
  const open = await tx.lockOpen([{ tenantId: letter.tenantId, openKey: accumulate.key }]);
  if (open.some((row) => row.state.caseId === state.caseId)) return undefined;
  return requestOf(letter, edited.data, newId(), await tx.now());
}

/** The same id whenever it is asked for: so are those of its events. */
export const requestIdOf = ({ deadLetterId, attempts }: Pick<DeadLetterRecord, 'deadLetterId' | 'attempts'>): string =>
  deterministicId(deadLetterId, 'accepted anew', attempts);

function requestOf(
  letter: DeadLetterRecord,
  { count, ...report }: EventData['ExceptionIngested'],
  newCaseId: string,
  now: number,
): IngestRequest {
  const item = { newCaseId, data: { ...report, receivedAt: new Date(now).toISOString() } };
  return {
    requestId: requestIdOf(letter),
    tenantId: letter.tenantId,
    traceparent: null,
    idempotency: null,
    items: Array.from({ length: count }, () => item), // equal reports are one event again
  };
}
