/** Makes dead letters: which id, and what is kept of the record. */
import type { LogRecord } from '../core/envelope.js';
import type { Problem } from '../core/errors.js';
import type { CaseEvent } from '../core/events.js';
import { deterministicId, isUuid } from '../core/ids.js';
import { storable } from '../core/json.js';
import type { StageName } from '../core/stages.js';
import { type DeadLetterDraft, type PositionKey, SYSTEM_TENANT } from '../store/port.js';

/** On a record that was replayed: its dead letter, so that failing again is told there. */
export const REPLAY_HEADER = 'millrace_dead_letter';

/** On a letter of a topic that is a source: which source, so that its replay is read by it. */
export const SOURCE_HEADER = 'millrace_source';

/** What failed, and where. */
export interface Failure {
  readonly stage: StageName;
  readonly position: PositionKey;
  readonly record: LogRecord;
  readonly problem: Problem;
  readonly tenantId: string | null;
  readonly event: CaseEvent | null;
  /** The letter holds the case of its event: sending the event again is replaying the letter. */
  readonly blocks: boolean;
}

/** The id of the letter that holds a case at this event: the same however often and from where the event comes. */
export const blockingId = (tenantId: string, caseId: string, seq: number, stage: StageName): string =>
  deterministicId('dead letter', tenantId, caseId, seq, stage);

export function draftLetter({ stage, position, record, problem, tenantId, event, blocks }: Failure): DeadLetterDraft {
  return {
    deadLetterId: event && blocks ? blockingId(event.tenantId, event.caseId, event.seq, stage) : idOf(position, record),
    tenantId: tenantId ?? SYSTEM_TENANT,
    caseId: event?.caseId ?? null,
    seq: event?.seq ?? null,
    stage,
    topic: position.topic,
    partition: position.partition,
    offset: record.offset,
    code: problem.code,
    message: problem.message,
    path: problem.path ?? null,
    eventType: event?.type ?? (record.headers.ce_type === undefined ? null : storable(record.headers.ce_type)),
    key: record.key === null ? null : storable(record.key),
    value: (record.value ?? Buffer.alloc(0)).toString('base64'),
    headers: storableHeaders(record.headers),
  };
}

function idOf({ group, topic, epoch, partition }: PositionKey, { offset, headers }: LogRecord): string {
  const replayed = headers[REPLAY_HEADER] ?? '';
  return isUuid(replayed) ? replayed : deterministicId(group, topic, epoch, partition, offset);
}

/** What Postgres cannot keep is replaced, and a flood of headers is cut: the letter itself must never be refused. */
function storableHeaders(headers: LogRecord['headers']): Record<string, string> {
  const entries = Object.entries(headers).slice(0, 100);
  return Object.fromEntries(entries.map(([name, value]) => [storable(name), storable(value).slice(0, 4_096)]));
}
