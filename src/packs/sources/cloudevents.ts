import type { Problem } from '../../core/errors.js';
import type { SourceRequest } from '../types.js';
import type { Draft, Kind, RawItem } from './draft.js';
import { hashOf, isObject, type JsonObject } from './values.js';

/**
 * CloudEvents 1.0 by HTTP: structured, batched (a list) or binary (headers `ce-*`, the body is the data). An item is the
 * event in structured form. Fields: the members of `data`, and `event` with every attribute. The same source and id is
 * the same event, so a repeated delivery is merged.
 */
export const cloudevents: Kind = {
  split: (_pack, request) => {
    if (request.headers['ce-specversion'] !== undefined) return [toItem(fromHeaders(request), '')];
    if (Array.isArray(request.body)) {
      return request.body.map((event: unknown, index) => toItem(event, `items[${index}]`));
    }
    if (isObject(request.body) && request.body.specversion !== undefined) return [toItem(request.body, '')];
    return {
      code: 'SOURCE_MISMATCH',
      message:
        'This source takes CloudEvents, but there is neither `specversion` in the body nor a header `ce-specversion`.',
      path: 'specversion',
      hint: 'Send other JSON to a source of kind `json`, or to POST /exceptions/{tenant}.',
    } satisfies Problem;
  },
  draft: (item): Draft => {
    const { data, ...event } = item as JsonObject;
    const content = isObject(data) ? data : data === undefined ? {} : { data };
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

function fromHeaders({ headers, body }: SourceRequest): JsonObject {
  const event: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith('ce-')) event[name.slice(3)] = decoded(value);
  }
  const type = headers['content-type'];
  return { ...event, ...(type === undefined ? {} : { datacontenttype: type }), data: body };
}

/** The HTTP binding percent-encodes header values; what is not valid encoding was meant literally. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

const REQUIRED = ['id', 'source', 'type'] as const;

function toItem(event: unknown, path: string): RawItem {
  const place = (key: string): string => (path === '' ? key : `${path}.${key}`);
  if (!isObject(event)) {
    return {
      path,
      item: event,
      problems: [{ code: 'ITEM_INVALID', message: 'An event must be a JSON object.', path }],
    };
  }
  const problems: Problem[] = REQUIRED.filter((key) => typeof event[key] !== 'string' || event[key] === '').map(
    (key) => ({
      code: 'CLOUDEVENT_INVALID',
      message: `The attribute \`${key}\` is missing, or not text.`,
      path: place(key),
      hint: 'CloudEvents 1.0 requires id, source, type and specversion.',
    }),
  );
  if (event.specversion !== '1.0') {
    const message = `The version ${JSON.stringify(event.specversion ?? null)} is not 1.0.`;
    problems.push({ code: 'CLOUDEVENT_INVALID', message, path: place('specversion') });
  }
  return problems.length === 0 ? { path, item: event } : { path, item: event, problems };
}
