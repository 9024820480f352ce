import { isUtf8 } from 'node:buffer';
import { type Problem, ProblemError } from '../../core/errors.js';
import { type JsonObject, parseJson } from '../../core/json.js';
import { attempt } from '../attempt.js';
import type { CompiledPack, CompiledSource, SourceItem } from '../types.js';
import { attributeName, isJsonType } from './cloudevents.js';
import { normalizeItem } from './normalize.js';
import { splitSource } from './split.js';

type Headers = Readonly<Record<string, string>>;

/** A record of a topic that is a source. */
export interface TopicRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: Uint8Array;
  readonly headers: Headers;
}

/**
 * The exceptions of a record, all or none: one that cannot be read or mapped makes the whole record a dead letter, so that
 * replaying it has the whole of its effect once. The map is tried here: later it would hold up a case.
 */
export function readRecord(
  pack: CompiledPack,
  sourceName: string,
  record: TopicRecord,
  receivedAt: string,
): { readonly items: readonly SourceItem[] } | { readonly problem: Problem } {
  const source = pack.sources.get(sourceName);
  const headers = headersOf(record);
  const parsed = attempt(() => bodyOf(source, headers, record.value));
  if (parsed.problem !== undefined) return { problem: parsed.problem };
  const request = { body: parsed.value, headers: withoutAttributes(source, headers), receivedAt };
  const { items, problems } = splitSource(pack, sourceName, request);
  const all = [...problems, ...items.flatMap((item) => mapProblems(pack, sourceName, item, receivedAt))];
  const [first] = all;
  if (first === undefined) return { items };
  const more = all.length === 1 ? '' : ` (and ${all.length - 1} more)`;
  return { problem: { ...first, message: `${first.message}${more}` } };
}

function decode(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return new TextDecoder().decode(bytes);
  const hint = 'A topic that is a source carries JSON; Avro and Protobuf need a converter before it, or `value: any`.';
  throw new ProblemError({ code: 'TEXT_INVALID_UNICODE', message: 'The record is not text in UTF-8.', hint });
}

const lowerCase = (headers: Headers): Headers =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase().replace(/^ce_/, 'ce-'), value]),
  );

/** As a request's: names in lower case, those of CloudEvents with `-`; and where the record stood. */
function headersOf({ topic, partition, offset, key, headers }: TopicRecord): Headers {
  return {
    ...lowerCase(headers),
    'kafka-topic': topic,
    'kafka-partition': String(partition),
    'kafka-offset': String(offset),
    ...(key !== null && { 'kafka-key': key }),
  };
}

/** Whether a record without a value is an event without data, and not only a tombstone. */
export const speaksWithoutValue = (pack: CompiledPack, sourceName: string, headers: Headers): boolean =>
  isBinaryEvent(pack.sources.get(sourceName), lowerCase(headers));

/** Binary mode: attributes in headers, the value is the data. A content type of CloudEvents says that it is not. */
const isBinaryEvent = (source: CompiledSource | undefined, headers: Headers): boolean =>
  source?.kind === 'cloudevents' &&
  headers['content-type']?.toLowerCase().startsWith('application/cloudevents') !== true &&
  Object.keys(headers).some(isAttribute);

const isAttribute = (name: string): boolean => name.startsWith('ce-');

function bodyOf(source: CompiledSource | undefined, headers: Headers, bytes: Uint8Array): unknown {
  if (isBinaryEvent(source, headers)) return structured(headers, bytes);
  return source?.topic?.value === 'any' ? anyOf(bytes) : parseJson(decode(bytes));
}

/** An event in binary mode in its structured form: Kafka's headers are not percent-encoded as those of HTTP are. */
function structured(headers: Headers, bytes: Uint8Array): JsonObject {
  const attributes = Object.entries(headers).filter(([name]) => isAttribute(name));
  const type = headers['content-type'];
  return {
    ...Object.fromEntries(attributes.map(([name, value]) => [attributeName(name), value])),
    ...(type !== undefined && { datacontenttype: type }),
    ...dataOf(bytes, type),
  };
}

function dataOf(bytes: Uint8Array, type: string | undefined): JsonObject {
  if (bytes.length === 0) return {};
  if (isJsonType(type)) return { data: parseJson(decode(bytes)) };
  const text = textOf(bytes);
  return text === undefined ? { data_base64: Buffer.from(bytes).toString('base64') } : { data: text };
}

/** What a topic carries whose records need not be JSON, as a queue of dead letters. */
function anyOf(bytes: Uint8Array): unknown {
  const text = textOf(bytes);
  if (text === undefined) return { base64: Buffer.from(bytes).toString('base64') };
  const { value } = attempt(() => parseJson(text));
  return typeof value === 'object' && value !== null ? value : { text };
}

/** Text that can be stored; undefined for other bytes. */
function textOf(bytes: Uint8Array): string | undefined {
  return isUtf8(bytes) && !bytes.includes(0) ? new TextDecoder().decode(bytes) : undefined;
}

/** An event's attributes are in its body now. */
const withoutAttributes = (source: CompiledSource | undefined, headers: Headers): Headers =>
  source?.kind === 'cloudevents'
    ? Object.fromEntries(Object.entries(headers).filter(([name]) => !isAttribute(name)))
    : headers;

/** What the map says of an item; one that says that something is over is not mapped. */
function mapProblems(pack: CompiledPack, sourceName: string, item: SourceItem, receivedAt: string): Problem[] {
  if (item.resolve) return [];
  const mapped = normalizeItem(pack, sourceName, { ...item, fingerprint: item.fingerprint ?? '' }, receivedAt);
  return 'code' in mapped ? [mapped] : [];
}
