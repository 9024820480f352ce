import { describe, expect, it } from 'vitest';
import { CASE, DATA, entryOf, ID, NOW, TRACEPARENT } from '../testing/sample-events.js';
import { type Decoded, decodeEvent, encodeEvent, type LogRecord } from './envelope.js';
import { EVENTS, type EventData, type EventType, stageFor } from './events.js';
import { MAX_BYTES } from './json.js';
import type { StageName } from './stages.js';

/** A good record of the triage worker's topic, with what a test changes. */
function record(change: {
  key?: string | null;
  value?: unknown;
  headers?: Record<string, string | undefined>;
}): LogRecord {
  const good = encodeEvent(entryOf('ExceptionNormalized'), 'triage');
  const headers: Record<string, string> = {};
  for (const [name, text] of Object.entries({ ...good.headers, ...change.headers })) {
    if (text !== undefined) headers[name] = text;
  }
  const value = 'value' in change ? change.value : good.value;
  const bytes = value === null || Buffer.isBuffer(value) ? value : Buffer.from(String(value));
  return { offset: 42, key: change.key === undefined ? good.key : change.key, value: bytes, headers };
}

const decode = (from: LogRecord, stage: StageName = 'triage'): Decoded => decodeEvent(from, stage, NOW);

function problemOf(from: LogRecord, stage?: StageName): { code: string; path: string | undefined } {
  const decoded = decode(from, stage);
  if (decoded.ok) throw new Error('it was accepted');
  expect(decoded.problem.hint).toBeTruthy();
  expect(JSON.stringify(decoded.problem)).not.toContain('\\u0000"');
  return { code: decoded.problem.code, path: decoded.problem.path };
}

function edited<T extends EventType>(type: T, change: Partial<EventData[T]>): string {
  return JSON.stringify({ ...DATA[type], ...change });
}

const published = (Object.keys(EVENTS) as EventType[]).filter((type) => stageFor(type) !== null);

describe('an event comes back from its record as it was', () => {
  it.each(published)('%s', (type) => {
    const stage = stageFor(type)!;
    const { topic, key, value, headers } = encodeEvent(entryOf(type), stage);
    expect(topic.startsWith('exceptions')).toBe(true);
    const decoded = decode({ offset: 0, key, value: Buffer.from(value as string), headers }, stage);
    const { eventId, data, ...envelope } = entryOf(type);
    expect(decoded).toEqual({ ok: true, event: { ...envelope, id: eventId, data: JSON.parse(data) } });
  });

  it('without a cause and a trace it has neither header, and comes back with null', () => {
    const { key, value, headers } = encodeEvent(
      { ...entryOf('ExceptionNormalized'), causeId: null, traceparent: null },
      'triage',
    );
    expect(Object.keys(headers)).not.toContain('ce_causeid');
    expect(Object.keys(headers)).not.toContain('traceparent');
    const decoded = decode({ offset: 0, key, value: Buffer.from(value as string), headers });
    expect(decoded).toMatchObject({ ok: true, event: { causeId: null, traceparent: null } });
  });
});

it('the record is a CloudEvent in binary mode: attributes as ce_ headers, the data alone as value', () => {
  expect(encodeEvent(entryOf('ExceptionTriaged'), 'policy')).toEqual({
    topic: 'exceptions.policy',
    key: `demo:${CASE}`,
    value: JSON.stringify(DATA.ExceptionTriaged),
    headers: {
      ce_specversion: '1.0',
      ce_id: ID,
      ce_type: 'ExceptionTriaged',
      ce_source: '/millrace/api',
      ce_time: '2026-11-19T10:00:00.123Z',
      ce_dataschema: 'urn:millrace:event:ExceptionTriaged:1',
      ce_tenantid: 'demo',
      ce_caseid: CASE,
      ce_seq: '7',
      ce_after: '5',
      ce_causeid: ID,
      'content-type': 'application/json',
      traceparent: TRACEPARENT,
    },
  });
});

describe('structured mode', () => {
  const structured = (
    change: Record<string, unknown>,
    contentType = 'application/cloudevents+json; charset=UTF-8',
  ) => ({
    offset: 0,
    key: `demo:${CASE}`,
    headers: { 'content-type': contentType },
    value: Buffer.from(
      JSON.stringify({
        specversion: '1.0',
        id: ID,
        type: 'ExceptionNormalized',
        source: '/millrace/intake',
        time: '2026-11-19T10:00:00Z',
        tenantid: 'demo',
        caseid: CASE,
        seq: 2,
        after: 0,
        data: DATA.ExceptionNormalized,
        ...change,
      }),
    ),
  });

  it.each(['application/cloudevents+json', 'Application/CloudEvents+JSON; charset=UTF-8'])(
    '%s is understood',
    (type) => {
      expect(decode(structured({}, type))).toMatchObject({
        ok: true,
        event: { id: ID, type: 'ExceptionNormalized', emitter: 'intake', seq: 2, after: 0, causeId: null },
      });
    },
  );

  it.each([
    ['an attribute that is null', { id: null }, 'EVENT_ID_INVALID'],
    ['an attribute that is an object without a text form', { id: { toString: 1, valueOf: 1 } }, 'EVENT_ID_INVALID'],
    ['no data', { data: undefined }, 'EVENT_DATA_INVALID'],
    ['half a number', { seq: 1.5 }, 'NUMBER_RANGE'],
  ])('%s is refused', (_what, change, code) => {
    expect(problemOf(structured(change)).code).toBe(code);
  });

  it.each(['7', 'null', '"text"'])('the document %s is no CloudEvent', (text) => {
    expect(problemOf({ ...structured({}), value: Buffer.from(text) }).code).toBe('EVENT_NOT_JSON');
  });
});

describe('a bad record is refused with a code, and never throws', () => {
  it.each<[string, LogRecord, string, string | undefined]>([
    ['no value', record({ value: null }), 'EVENT_EMPTY', undefined],
    ['an empty value', record({ value: '' }), 'EVENT_EMPTY', undefined],
    ['bytes that are not UTF-8', record({ value: Buffer.from([0x7b, 0xff, 0xfe]) }), 'EVENT_NOT_JSON', undefined],
    ['text that is not JSON', record({ value: 'hello' }), 'EVENT_NOT_JSON', undefined],
    ['bytes of zero', record({ value: Buffer.alloc(8) }), 'EVENT_NOT_JSON', undefined],
    ['truncated JSON', record({ value: '{"exception":{"type":"x"' }), 'EVENT_NOT_JSON', undefined],
    ['5,000 levels', record({ value: '['.repeat(5_000) + ']'.repeat(5_000) }), 'EVENT_TOO_DEEP', undefined],
    ['33 levels', record({ value: '['.repeat(33) + ']'.repeat(33) }), 'EVENT_TOO_DEEP', undefined],
    ['5 MB', record({ value: `"${'x'.repeat(5_000_000)}"` }), 'EVENT_TOO_LARGE', undefined],
    ['one byte over the limit', record({ value: Buffer.alloc(MAX_BYTES + 1, 0x20) }), 'EVENT_TOO_LARGE', undefined],
    ['an unknown type', record({ headers: { ce_type: 'TradeFailed' } }), 'EVENT_TYPE_UNKNOWN', 'ce_type'],
    ['a type with NUL', record({ headers: { ce_type: 'a\u0000' } }), 'TEXT_NUL', 'headers'],
    ['a header name with NUL', record({ headers: { 'a\u0000': 'b' } }), 'TEXT_NUL', 'headers'],
    ['no type', record({ headers: { ce_type: undefined } }), 'EVENT_TYPE_UNKNOWN', 'ce_type'],
    ['an inherited name as type', record({ headers: { ce_type: 'constructor' } }), 'EVENT_TYPE_UNKNOWN', 'ce_type'],
    ['a type of another topic', record({ headers: { ce_type: 'ToolFinished' } }), 'EVENT_TYPE_UNKNOWN', 'ce_type'],
    ['a type of no topic', record({ headers: { ce_type: 'ExceptionMerged' } }), 'EVENT_TYPE_UNKNOWN', 'ce_type'],
    [
      'version 99',
      record({ headers: { ce_dataschema: 'urn:millrace:event:ExceptionNormalized:99' } }),
      'EVENT_VERSION_UNSUPPORTED',
      'ce_dataschema',
    ],
    [
      'a foreign schema',
      record({ headers: { ce_dataschema: 'https://example.com/schema' } }),
      'EVENT_VERSION_UNSUPPORTED',
      'ce_dataschema',
    ],
    ['no id', record({ headers: { ce_id: undefined } }), 'EVENT_ID_INVALID', 'ce_id'],
    ['an id that is no UUID', record({ headers: { ce_id: 'evt-1' } }), 'EVENT_ID_INVALID', 'ce_id'],
    ['no key', record({ key: null }), 'EVENT_KEY_MISMATCH', 'key'],
    ['the key of another case', record({ key: `demo:${ID}` }), 'EVENT_KEY_MISMATCH', 'key'],
    ['the key of another tenant', record({ key: `acme:${CASE}` }), 'EVENT_KEY_MISMATCH', 'key'],
    ['a key with NUL', record({ key: 'a\u0000' }), 'EVENT_KEY_MISMATCH', 'key'],
    ['no tenant', record({ headers: { ce_tenantid: undefined } }), 'EVENT_KEY_MISMATCH', 'key'],
    ['a bad tenant', record({ headers: { ce_tenantid: 'a,b' }, key: `a,b:${CASE}` }), 'EVENT_KEY_MISMATCH', 'key'],
    ['no case', record({ headers: { ce_caseid: undefined } }), 'EVENT_KEY_MISMATCH', 'key'],
    ['a case that is no UUID', record({ headers: { ce_caseid: '7' }, key: 'demo:7' }), 'EVENT_KEY_MISMATCH', 'key'],
    ['NUL in a string', record({ value: '{"a":"\\u0000"}' }), 'TEXT_NUL', undefined],
    ['a lone surrogate', record({ value: '{"a":"\\ud800"}' }), 'TEXT_INVALID_UNICODE', undefined],
    ['a sequence number over int32', record({ headers: { ce_seq: '2147483648' } }), 'NUMBER_RANGE', 'ce_seq'],
    ['sequence number zero', record({ headers: { ce_seq: '0' } }), 'NUMBER_RANGE', 'ce_seq'],
    ['a negative sequence number', record({ headers: { ce_after: '-1' } }), 'NUMBER_RANGE', 'ce_after'],
    ['a sequence number in hex', record({ headers: { ce_seq: '0x10' } }), 'NUMBER_RANGE', 'ce_seq'],
    ['1e12 as a sequence number', record({ headers: { ce_seq: '1e12' } }), 'NUMBER_RANGE', 'ce_seq'],
    ['an empty predecessor', record({ headers: { ce_after: '' } }), 'NUMBER_RANGE', 'ce_after'],
    ['no predecessor', record({ headers: { ce_after: undefined } }), 'NUMBER_RANGE', 'ce_after'],
    ['no time', record({ headers: { ce_time: undefined } }), 'TIME_INVALID', 'ce_time'],
    ['a time that is none', record({ headers: { ce_time: 'yesterday' } }), 'TIME_INVALID', 'ce_time'],
    ['two days ahead', record({ headers: { ce_time: '2026-11-22T00:00:00Z' } }), 'EVENT_FROM_FUTURE', 'ce_time'],
    ['of the last century', record({ headers: { ce_time: '1999-12-31T23:59:59Z' } }), 'EVENT_TOO_OLD', 'ce_time'],
    ['a foreign source', record({ headers: { ce_source: '/elsewhere/x' } }), 'EVENT_SOURCE_UNKNOWN', 'ce_source'],
    ['no source', record({ headers: { ce_source: undefined } }), 'EVENT_SOURCE_UNKNOWN', 'ce_source'],
    [
      'a source that only ends well',
      record({ headers: { ce_source: '/impostor/api' } }),
      'EVENT_SOURCE_UNKNOWN',
      'ce_source',
    ],
    ['data of another shape', record({ value: '{"exception":{"type":"x"}}' }), 'EVENT_DATA_INVALID', 'exception.title'],
    ['data that is no object', record({ value: '[]' }), 'EVENT_DATA_INVALID', ''],
    [
      'an empty word',
      record({
        value: edited('ExceptionNormalized', { exception: { ...DATA.ExceptionNormalized.exception, type: '' } }),
      }),
      'EVENT_DATA_INVALID',
      'exception.type',
    ],
    [
      '10,000 headers',
      record({ headers: Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`h${i}`, ''])) }),
      'EVENT_HEADERS',
      undefined,
    ],
    ['a header of 1 MB', record({ headers: { bomb: 'x'.repeat(1_000_000) } }), 'EVENT_HEADERS', undefined],
  ])('%s', (_what, bad, code, path) => {
    expect(problemOf(bad)).toEqual({ code, path });
  });

  it.each([
    ['int 2147483648', 2_147_483_648],
    ['1e12', 1e12],
    ['a fraction', 1.5],
    ['a negative version', -1],
  ])('%s where a whole number belongs', (_what, packVersion) => {
    const bad = record({ value: edited('ExceptionNormalized', { packVersion }) });
    expect(problemOf(bad)).toEqual({ code: 'NUMBER_RANGE', path: 'packVersion' });
  });

  it('a number as text', () => {
    const bad = record({ value: JSON.stringify({ ...DATA.ExceptionNormalized, packVersion: '3' }) });
    expect(problemOf(bad)).toEqual({ code: 'EVENT_DATA_INVALID', path: 'packVersion' });
  });
});

describe('what is at the edge is accepted', () => {
  it.each([
    ['no schema means version 1', record({ headers: { ce_dataschema: undefined } })],
    ['no content type means binary mode', record({ headers: { 'content-type': undefined } })],
    ['a clock that is hours ahead', record({ headers: { ce_time: '2026-11-20T23:59:59Z' } })],
    ['foreign headers', record({ headers: { 'x-team': 'desk' } })],
    ['the greatest sequence number', record({ headers: { ce_seq: '2147483647' } })],
  ])('%s', (_what, good) => {
    expect(decode(good)).toMatchObject({ ok: true, event: { id: ID, type: 'ExceptionNormalized' } });
  });

  it('fields that the catalogue does not know are left out', () => {
    const decoded = decode(record({ value: JSON.stringify({ ...DATA.ExceptionNormalized, extra: 1 }) }));
    expect(decoded).toMatchObject({ ok: true, event: { data: DATA.ExceptionNormalized } });
    expect(JSON.stringify(decoded)).not.toContain('extra');
  });
});
