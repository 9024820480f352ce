import { isUtf8 } from 'node:buffer';
import { type Problem, ProblemError } from '../../core/errors.js';
import { parseJson } from '../../core/json.js';
import { attempt } from '../attempt.js';
import type { CompiledPack, SourceItem, SourceRequest } from '../types.js';
import { normalizeItem } from './normalize.js';
import { splitSource } from './split.js';

/** A record of a topic that is a source. */
export interface TopicRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
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
  const parsed = attempt(() => parseJson(decode(record.value)));
  if (parsed.problem !== undefined) return { problem: parsed.problem };
  const body = parsed.value;
  const headers = headersOf(record);
  const given = { body, headers, receivedAt };
  const request = source?.kind === 'cloudevents' ? structured(given) : given;
  const { items, problems } = splitSource(pack, sourceName, request);
  const all = [...problems, ...items.flatMap((item) => mapProblems(pack, sourceName, item, receivedAt))];
  const [first] = all;
  if (first === undefined) return { items };
  const more = all.length === 1 ? '' : ` (and ${all.length - 1} more)`;
  return { problem: { ...first, message: `${first.message}${more}` } };
}

function decode(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return new TextDecoder().decode(bytes);
  const hint = 'A topic that is a source carries JSON; Avro and Protobuf need a converter before it.';
  throw new ProblemError({ code: 'TEXT_INVALID_UNICODE', message: 'The record is not text in UTF-8.', hint });
}

/** As a request's: names in lower case, those of CloudEvents with `-`; and where the record stood. */
function headersOf({ topic, partition, offset, key, headers }: TopicRecord): Readonly<Record<string, string>> {
  const own = Object.entries(headers).map(([name, value]) => [name.toLowerCase().replace(/^ce_/, 'ce-'), value]);
  return {
    ...Object.fromEntries(own),
    'kafka-topic': topic,
    'kafka-partition': String(partition),
    'kafka-offset': String(offset),
    ...(key !== null && { 'kafka-key': key }),
  };
}

/** An event in binary mode in its structured form: Kafka's headers are not percent-encoded as those of HTTP are. */
function structured(request: SourceRequest): SourceRequest {
  const attributes = Object.entries(request.headers).filter(([name]) => name.startsWith('ce-'));
  if (attributes.length === 0) return request;
  const event = Object.fromEntries(attributes.map(([name, value]) => [name.slice(3), value]));
  const type = request.headers['content-type'];
  const data = { ...(type !== undefined && { datacontenttype: type }), data: request.body };
  const headers = Object.entries(request.headers).filter(([name]) => !name.startsWith('ce-'));
  return { ...request, headers: Object.fromEntries(headers), body: { ...event, ...data } };
}

/** What the map says of an item; one that says that something is over is not mapped. */
function mapProblems(pack: CompiledPack, sourceName: string, item: SourceItem, receivedAt: string): Problem[] {
  if (item.resolve) return [];
  const mapped = normalizeItem(pack, sourceName, { ...item, fingerprint: item.fingerprint ?? '' }, receivedAt);
  return 'code' in mapped ? [mapped] : [];
}
