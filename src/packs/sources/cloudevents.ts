import { isObject, type JsonObject, parseJson } from '../../core/json.js';
import { attempt } from '../attempt.js';
import type { SourceRequest } from '../types.js';
import { eventProblems, isAddress } from './cloudevents-rules.js';
import { type Draft, type Kind, mismatch, type RawItem } from './draft.js';
import { hashOf } from './values.js';

const CALLED = 'CloudEvents 1.0';

/**
 * CloudEvents 1.0 by HTTP: structured, batched (a list) or binary (headers `ce-*`, the body is the data). An item is the
 * event in structured form. Fields: the members of `data`, and `event` with every attribute. The same source and id is
 * the same event, so a repeated delivery is merged.
 */
export const cloudevents: Kind = {
  called: CALLED,
  sample: {
    headers: { 'content-type': 'application/cloudevents+json' },
    body: {
      specversion: '1.0',
      id: 'b2f1c7',
      source: '/clearing/matching',
      type: 'com.example.trade.unmatched',
      subject: 'T-1001',
      time: '2026-01-05T09:30:00Z',
      datacontenttype: 'application/json',
      data: { severity: 'high', amount: 1500, currency: 'CHF' },
    },
  },
  looksLike: ({ headers, body }) =>
    headers['ce-specversion'] !== undefined ||
    [body].flat().some((event) => isObject(event) && typeof event.specversion === 'string'),
  split: (_pack, request) => {
    const { headers, body } = request;
    const type = (headers['content-type'] ?? '').toLowerCase();
    if (type.startsWith('application/cloudevents-batch')) {
      if (!Array.isArray(body)) return mismatch(CALLED, 'a batch must be a list of events', '(the document)');
      return batch(body);
    }
    if (type.startsWith('application/cloudevents')) return [toItem(body, '')];
    if (headers['ce-specversion'] !== undefined) return [toItem(fromHeaders(request), '')];
    if (Array.isArray(body)) return batch(body);
    if (isObject(body) && body.specversion !== undefined) return [toItem(body, '')];
    const but = 'there is neither `specversion` in the body nor a header `ce-specversion`';
    return mismatch(CALLED, but, 'specversion');
  },
  draft: (item): Draft => {
    const { data, data_base64, ...event } = item as JsonObject;
    const content = contentOf(data, data_base64, event);
    return {
      type: event.type,
      title: content.title ?? content.message ?? event.type,
      severity: event.severity ?? content.severity,
      entity: event.subject,
      occurredAt: event.time,
      fields: { ...content, event },
    };
  },
  fingerprint: (item) => hashOf(String((item as JsonObject).source), String((item as JsonObject).id)),
  resolves: () => false,
};

const batch = (events: readonly unknown[]): RawItem[] => events.map((event, index) => toItem(event, `items[${index}]`));

function toItem(event: unknown, path: string): RawItem {
  const problems = eventProblems(event, path);
  return problems.length === 0 ? { path, item: event } : { path, item: event, problems };
}

/** The members of the data; what is no object stays under `data`. */
function contentOf(data: unknown, base64: unknown, event: JsonObject): JsonObject {
  if (data === undefined && typeof base64 === 'string') return decodedContent(base64, event.datacontenttype);
  if (isObject(data)) return data;
  return data === undefined || data === null ? {} : { data };
}

const JSON_TYPE = /^[^;]*[/+]json\b/i;

/** Data without a type is JSON. */
export const isJsonType = (type: unknown): boolean => JSON_TYPE.test(String(type ?? 'application/json'));

/** Bytes are read where their type says that they are JSON; others stay as they came. */
function decodedContent(base64: string, type: unknown): JsonObject {
  const asTold = { data_base64: base64 };
  if (!isJsonType(type)) return asTold;
  const { value } = attempt(() => parseJson(Buffer.from(base64, 'base64').toString('utf8')));
  return value === undefined ? asTold : isObject(value) ? value : { data: value };
}

function fromHeaders({ headers, body }: SourceRequest): JsonObject {
  const event: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith('ce-')) continue;
    const key = attributeName(name);
    event[key] = attributeOf(key, unquoted(value));
  }
  const type = headers['content-type'];
  return { ...event, ...(type !== undefined && { datacontenttype: type }), ...(body !== undefined && { data: body }) };
}

/** Members of the JSON format that are data: a header of such a name is refused by its whole name. */
const NO_ATTRIBUTE = new Set(['ce-data', 'ce-data_base64']);

/** The attribute that a header is. */
export const attributeName = (header: string): string => (NO_ATTRIBUTE.has(header) ? header : header.slice(3));

/** Some senders do not encode the percent signs of an address once more: what is none when decoded was meant literally. */
function attributeOf(key: string, value: string): string {
  const text = decoded(value);
  return (key === 'source' || key === 'dataschema') && !isAddress(key, text) ? value : text;
}

/** Older senders put values in quotes, as HTTP allows. */
const unquoted = (value: string): string => (/^".*"$/.test(value) ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value);

/** The HTTP binding percent-encodes header values; what is not valid encoding was meant literally. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
