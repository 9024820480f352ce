/**
 * The envelope: CloudEvents 1.0 in Kafka's binary mode (attributes in `ce_*` headers, data as the value).
 * Structured mode is understood too. Data is serialised once by the caller and travels as that text.
 */
import { isUtf8 } from 'node:buffer';
import type { z } from 'zod';
import { type Problem, ProblemError, problemOf, quoted } from './errors.js';
import { type CaseEvent, EMITTERS, type Emitter, EVENTS, type EventType, isEventType } from './events.js';
import { exactCheck } from './exact.js';
import { caseKey, isTenantId, isUuid, traceparentOf } from './ids.js';
import { MAX_BYTES, MAX_DEPTH, nestsDeeper, textProblem } from './json.js';
import { jsonErrorPlace } from './json-place.js';
import { type StageName, TOPIC_OF } from './stages.js';
import { parseTime } from './time.js';

/** A record to publish. */
export interface OutRecord {
  readonly topic: string;
  readonly key: string | null;
  readonly value: string | Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** A record as it was consumed. */
export interface LogRecord {
  readonly offset: number;
  readonly key: string | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** An event with its data already serialised, as it stands in the journal. */
export interface JournalEntry {
  readonly tenantId: string;
  readonly caseId: string;
  readonly seq: number;
  readonly after: number;
  readonly eventId: string;
  readonly type: EventType;
  readonly emitter: Emitter;
  readonly causeId: string | null;
  readonly time: string; // RFC 3339
  readonly traceparent: string | null;
  readonly data: string; // JSON text
}

// Made once: they stand in every event.
const SCHEMAS = new Map(
  Object.entries(EVENTS).map(([type, { version }]) => [type, `urn:millrace:event:${type}:${version}`]),
);
const SOURCES = new Map<string | undefined, Emitter>(EMITTERS.map((emitter) => [`/millrace/${emitter}`, emitter]));

const EXACT = new Map(Object.entries(EVENTS).map(([type, { data }]) => [type, exactCheck(data)]));

const dataschema = (type: EventType): string => SCHEMAS.get(type) as string;

/** The record that carries `entry` on the topic of the stage it is for. */
export function encodeEvent(entry: JournalEntry, to: StageName): OutRecord {
  const headers: Record<string, string> = {
    ce_specversion: '1.0',
    ce_id: entry.eventId,
    ce_type: entry.type,
    ce_source: `/millrace/${entry.emitter}`,
    ce_time: entry.time,
    ce_dataschema: dataschema(entry.type),
    ce_tenantid: entry.tenantId,
    ce_caseid: entry.caseId,
    ce_seq: String(entry.seq),
    ce_after: String(entry.after),
    'content-type': 'application/json',
  };
  if (entry.causeId !== null) headers.ce_causeid = entry.causeId;
  if (entry.traceparent !== null) headers.traceparent = entry.traceparent;
  return { topic: TOPIC_OF[to], key: caseKey(entry.tenantId, entry.caseId), value: entry.data, headers };
}

export type Decoded =
  | { readonly ok: true; readonly event: CaseEvent }
  | { readonly ok: false; readonly problem: Problem };

const MAX_HEADERS = 64;
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_INT = 2_147_483_647;
const EARLIEST = Date.UTC(2000, 0, 1);
const AHEAD_MS = 24 * 60 * 60 * 1000; // clocks may differ; a day ahead is no clock

function refuse(code: string, message: string, hint: string, path?: string): never {
  throw new ProblemError(path === undefined ? { code, message, hint } : { code, message, hint, path });
}

/** Decodes and checks one record of `stage`'s topic; `now` (epoch ms) bounds its time. Never throws. */
export function decodeEvent(record: LogRecord, stage: StageName, now: number): Decoded {
  try {
    return { ok: true, event: decode(record, stage, now) };
  } catch (error) {
    return { ok: false, problem: problemOf(error) };
  }
}

function decode(record: LogRecord, stage: StageName, now: number): CaseEvent {
  checkHeaders(record.headers);
  const text = textOf(record.value);
  const value = parse(text);
  const structured = (record.headers['content-type'] ?? '').toLowerCase().startsWith('application/cloudevents+json');
  const [attributes, data] = structured ? fromStructured(value) : [fromBinary(record.headers), value];
  return build(attributes, data, record.key, stage, now);
}

function checkHeaders(headers: LogRecord['headers']): void {
  let count = 0;
  let bytes = 0;
  for (const name in headers) {
    const text = headers[name] as string;
    count++;
    bytes += name.length + text.length;
    if (name.includes('\u0000') || text.includes('\u0000')) {
      refuse('TEXT_NUL', 'A header holds the character U+0000.', 'Remove it.', 'headers');
    }
  }
  if (count > MAX_HEADERS || bytes > MAX_HEADER_BYTES) {
    refuse(
      'EVENT_HEADERS',
      `${count} headers, ${bytes} bytes.`,
      `At most ${MAX_HEADERS} headers of ${MAX_HEADER_BYTES} bytes in all.`,
    );
  }
}

function textOf(value: Buffer | null): string {
  if (value === null || value.length === 0) {
    refuse(
      'EVENT_EMPTY',
      'The record has no value.',
      'Tombstones and empty records mean nothing here; send the event as JSON.',
    );
  }
  if (value.length > MAX_BYTES) {
    refuse(
      'EVENT_TOO_LARGE',
      `${value.length} bytes.`,
      `At most ${MAX_BYTES} bytes; keep large payloads elsewhere and send a reference.`,
    );
  }
  if (!isUtf8(value)) refuse('EVENT_NOT_JSON', 'The value is not UTF-8.', 'Send JSON in UTF-8.');
  return value.toString('utf8');
}

function parse(text: string): unknown {
  if (nestsDeeper(text, MAX_DEPTH)) {
    refuse('EVENT_TOO_DEEP', `Nested deeper than ${MAX_DEPTH} levels.`, 'Flatten the document.');
  }
  const problem = textProblem(text);
  if (problem)
    refuse(problem, 'A string holds a character that cannot be kept.', 'Remove U+0000 and half surrogate pairs.');
  try {
    return JSON.parse(text);
  } catch {
    return refuse('EVENT_NOT_JSON', `Not valid JSON at ${jsonErrorPlace(text)}.`, 'Send one JSON document.');
  }
}

type Attributes = Readonly<Record<string, string | undefined>>;

function fromBinary(headers: LogRecord['headers']): Attributes {
  return {
    id: headers.ce_id,
    type: headers.ce_type,
    source: headers.ce_source,
    time: headers.ce_time,
    dataschema: headers.ce_dataschema,
    tenantid: headers.ce_tenantid,
    caseid: headers.ce_caseid,
    seq: headers.ce_seq,
    after: headers.ce_after,
    causeid: headers.ce_causeid,
    traceparent: headers.traceparent,
  };
}

function fromStructured(value: unknown): [Attributes, unknown] {
  if (typeof value !== 'object' || value === null)
    refuse('EVENT_NOT_JSON', 'Not an object.', 'A structured CloudEvent is an object.');
  const { data, ...rest } = value as Record<string, unknown>;
  const attributes: Record<string, string> = {};
  for (const [name, word] of Object.entries(rest)) {
    if (typeof word === 'string' || typeof word === 'number') attributes[name] = String(word);
  }
  return [attributes, data];
}

function build(given: Attributes, data: unknown, key: string | null, stage: StageName, now: number): CaseEvent {
  const type = given.type ?? '';
  if (!isEventType(type) || EVENTS[type].to !== stage) {
    refuse(
      'EVENT_TYPE_UNKNOWN',
      `${quoted(type)} is no event of ${TOPIC_OF[stage]}.`,
      'See the event catalogue for what each topic takes.',
      'ce_type',
    );
  }
  if (given.dataschema !== dataschema(type) && versionOf(given.dataschema) !== EVENTS[type].version) {
    const version = versionOf(given.dataschema);
    refuse(
      'EVENT_VERSION_UNSUPPORTED',
      `${type} version ${version}; this worker knows ${EVENTS[type].version}.`,
      'Deploy workers before producers.',
      'ce_dataschema',
    );
  }
  if (given.id === undefined || !isUuid(given.id))
    refuse('EVENT_ID_INVALID', `The id is ${quoted(given.id)}.`, 'The id must be a UUID.', 'ce_id');
  const tenantId = given.tenantid ?? '';
  const caseId = given.caseid ?? '';
  if (!isTenantId(tenantId) || !isUuid(caseId) || key !== caseKey(tenantId, caseId)) {
    refuse(
      'EVENT_KEY_MISMATCH',
      `Key ${quoted(key)} for tenant ${quoted(tenantId)}, case ${quoted(caseId)}.`,
      'The key must be tenant:case.',
      'key',
    );
  }
  const checked = EXACT.get(type)?.(data) ? data : parseData(type, data);
  return {
    id: given.id,
    type,
    emitter: emitterOf(given.source),
    tenantId,
    caseId,
    seq: integer(given.seq, 'ce_seq', 1),
    after: integer(given.after, 'ce_after', 0),
    causeId: given.causeid ?? null,
    time: timeOf(given.time, now),
    traceparent: traceparentOf(given.traceparent),
    data: checked,
  } as CaseEvent;
}

const versionOf = (schema: string | undefined): number => (schema === undefined ? 1 : Number(schema.split(':').pop()));

function parseData(type: EventType, data: unknown): unknown {
  const parsed = EVENTS[type].data.safeParse(data);
  return parsed.success ? parsed.data : refuseData(parsed.error.issues);
}

function refuseData(issues: readonly z.core.$ZodIssue[]): never {
  const first = issues[0] as (typeof issues)[number];
  const code = isRange(first) ? 'NUMBER_RANGE' : 'EVENT_DATA_INVALID';
  refuse(code, first.message, 'See the event catalogue for the shape of its data.', first.path.map(String).join('.'));
}

/** A number of the wrong size, or a fraction where a whole number belongs. */
function isRange(issue: z.core.$ZodIssue): boolean {
  if (issue.code === 'invalid_type') return issue.expected === 'int';
  return (issue.code === 'too_big' || issue.code === 'too_small') && issue.origin === 'number';
}

function emitterOf(source: string | undefined): Emitter {
  const known = SOURCES.get(source);
  if (known) return known;
  return refuse(
    'EVENT_SOURCE_UNKNOWN',
    `The source is ${quoted(source)}.`,
    'Only the workers and the API write to these topics; send new exceptions to the API.',
    'ce_source',
  );
}

function integer(text: string | undefined, path: string, least: number): number {
  const value = Number(/^\d{1,10}$/.exec(text ?? '')?.[0] ?? Number.NaN);
  if (value >= least && value <= MAX_INT) return value;
  return refuse('NUMBER_RANGE', `${path} is ${quoted(text)}.`, `A whole number from ${least} to ${MAX_INT}.`, path);
}

function timeOf(text: string | undefined, now: number): string {
  const given = text ?? '';
  const time = parseTime(given);
  if (time === undefined) return refuse('TIME_INVALID', `ce_time is ${quoted(text)}.`, 'Use RFC 3339.', 'ce_time');
  if (time > now + AHEAD_MS) {
    const message = `ce_time ${given} is more than a day ahead.`;
    refuse('EVENT_FROM_FUTURE', message, 'Check the clock of the producer.', 'ce_time');
  }
  if (time < EARLIEST) {
    const hint = 'No event of this system is older than the year 2000.';
    refuse('EVENT_TOO_OLD', `ce_time is ${given}.`, hint, 'ce_time');
  }
  return given;
}
