/** What a record of a source's topic comes to: a request for ingestion, a dead letter, or nothing. */
import type { LogRecord } from '../../core/envelope.js';
import type { Problem } from '../../core/errors.js';
import { traceparentOf } from '../../core/ids.js';
import { readRecord, type SourceItem, speaksWithoutValue } from '../../packs/index.js';
import type { PackVersion } from '../../stages/contract.js';
import type { DeadLetterDraft, PositionKey } from '../../store/port.js';
import type { IngestRequest } from '../ingest.js';
import { ingestItem } from '../ingest-reports.js';
import { draftLetter, SOURCE_HEADER } from '../letter.js';

/** A tenant's source that reads a topic. */
export interface SourceRef {
  readonly tenantId: string;
  readonly source: string;
  readonly topic: string;
}

/** `skipped`: a tombstone (but not an event of CloudEvents without data), which says nothing that could be an exception. */
export type Prepared = { readonly record: LogRecord } & (
  | { readonly kind: 'request'; readonly request: IngestRequest }
  | { readonly kind: 'problem'; readonly problem: Problem }
  | { readonly kind: 'skipped' }
);

/** Bytes of one exception, as the API takes it: its event says more and must fit as well. */
const MAX_EXCEPTION_BYTES = 240 * 1024;
const NOTHING = new Uint8Array();

export interface Reading {
  readonly of: SourceRef;
  readonly partition: number;
  readonly pack: PackVersion;
  readonly receivedAt: string; // RFC 3339
  readonly newId: () => string;
}

export function prepare(reading: Reading, record: LogRecord): Prepared {
  const { of, partition, pack, receivedAt, newId } = reading;
  const { topic, source, tenantId } = of;
  const { offset, key, headers } = record;
  if (record.value === null && !speaksWithoutValue(pack.pack, source, headers)) return { record, kind: 'skipped' };
  const value = record.value ?? NOTHING;
  const read = readRecord(pack.pack, source, { topic, partition, offset, key, value, headers }, receivedAt);
  if ('problem' in read) return { record, kind: 'problem', problem: read.problem };
  const large = value.byteLength > MAX_EXCEPTION_BYTES ? tooLarge(read.items) : undefined;
  if (large !== undefined) return { record, kind: 'problem', problem: large };
  const items = read.items.map((item) =>
    ingestItem(pack, item, { newCaseId: newId(), source, via: 'kafka', receivedAt }),
  );
  const traceparent = traceparentOf(headers.traceparent);
  return { record, kind: 'request', request: { requestId: newId(), tenantId, items, traceparent, idempotency: null } };
}

function tooLarge(items: readonly SourceItem[]): Problem | undefined {
  for (const [index, { item, body, headers }] of items.entries()) {
    const bytes = Buffer.byteLength(JSON.stringify({ item, body, headers }));
    if (bytes <= MAX_EXCEPTION_BYTES) continue;
    const message = `The exception has ${bytes} bytes, at most ${MAX_EXCEPTION_BYTES} fit.`;
    const hint = 'Keep large parts elsewhere and send a reference.';
    return { code: 'BODY_TOO_LARGE', message, hint, path: `items[${index}]` };
  }
  return undefined;
}

/** The record as it came, for people and for its replay. */
export function letterOf(of: SourceRef, position: PositionKey, record: LogRecord, problem: Problem): DeadLetterDraft {
  const { tenantId, source } = of;
  const draft = draftLetter({
    ...{ stage: 'intake', position, record, problem, tenantId, event: null, blocks: false },
  });
  return { ...draft, headers: { ...draft.headers, [SOURCE_HEADER]: source } };
}
