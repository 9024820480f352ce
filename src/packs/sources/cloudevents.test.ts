/** The rules of the CloudEvents specification and of its JSON format, one a row. */
import { describe, expect, it } from 'vitest';
import { packOf } from '../../testing/packs.js';
import { normalizeItem, splitSource } from '../index.js';
import type { SourceItem } from '../types.js';

const AT = '2026-06-01T10:00:00.000Z';
const pack = packOf({ 'sources.yaml': 'sources: { ce: { kind: cloudevents } }\n' });
const split = (body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  splitSource(pack, 'ce', { body, headers, receivedAt: AT });
const normalized = (body: unknown, headers?: Readonly<Record<string, string>>) =>
  normalizeItem(pack, 'ce', { ...(split(body, headers).items[0] as SourceItem), fingerprint: 'f' }, AT);

const EVENT = { specversion: '1.0', id: '7', source: '/desk', type: 'trade.failed' };

describe('an event by the rules', () => {
  it.each<readonly [string, object]>([
    ['nothing but what is required', {}],
    ['null for what may be left out', { subject: null, time: null, dataschema: null, datacontenttype: null }],
    ['a source that is a relative reference', { source: '#part' }],
    ['a time in UTC, with nanoseconds', { time: '2026-04-05T17:31:00.123456789Z' }],
    ['a time west of Greenwich', { time: '2026-04-05T16:31:00-01:00' }],
    ['a media type with a parameter', { datacontenttype: 'text/plain; charset=utf-8', data: 'text' }],
    ['extensions of every type', { count: 10, done: true, note: 'text', uri: '//a/b', bytes: 'TWE=' }],
    ['the least and the greatest integer', { least: -(2 ** 31), greatest: 2 ** 31 - 1 }],
    ['a name of digits, and one of more than twenty letters', { 42: 'a', anextensionwithalongname: 'b' }],
    ['a source of every kind of reference', { source: 'urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66' }],
    ['a source that is encoded', { source: '//desk/caf%C3%A9?a=b&c=[1]#(top)' }],
    ['an address as its schema', { dataschema: 'https://schemas.example/trade/1' }],
    ['text of any language, and pictures', { subject: 'Euro € 😀 日本' }],
    ['data that is null', { data: null }],
    ['data beside bytes that are null, which is not set', { data: 5, data_base64: null }],
    ['data of bytes', { data_base64: 'AAEC' }],
  ])('is taken with %s', (_, extra) => {
    expect(split({ ...EVENT, ...extra }).problems).toEqual([]);
  });

  it.each<readonly [string, object]>([
    ['id', { id: undefined }],
    ['id', { id: '' }],
    ['id', { id: 25 }],
    ['id', { id: { a: 1 } }],
    ['source', { source: undefined }],
    ['source', { source: '' }],
    ['type', { type: undefined }],
    ['type', { type: '' }],
    ['specversion', { specversion: undefined }],
    ['specversion', { specversion: '' }],
    ['specversion', { specversion: '0.3' }],
    ['time', { time: 'noon' }],
    ['time', { time: '2026-04-05T18:31Z' }],
    ['time', { time: '2026-04-05T18:31:00X' }],
    ['time', { time: '2026-04-05T18:31:00+25:00' }],
    ['time', { time: '2026-04-05T18:31:00+ab:00' }],
    ['time', { time: '2026-04-05T18:31:00+05' }],
    ['subject', { subject: '' }],
    ['dataschema', { dataschema: '' }],
    ['datacontenttype', { datacontenttype: '' }],
    ['datacontenttype', { datacontenttype: 'json' }],
    ['Note', { Note: 'capital' }],
    ['my.note', { 'my.note': 'dot' }],
    ['count', { count: 1.5 }],
    ['count', { count: 2 ** 40 }],
    ['count', { count: 2 ** 31 }],
    ['count', { count: -(2 ** 31) - 1 }],
    ['list', { list: [] }],
    ['object', { object: {} }],
    ['source', { source: 'a desk' }],
    ['source', { source: '/caf\u00e9' }],
    ['source', { source: '/half%2' }],
    ['source', { source: '<desk>' }],
    ['dataschema', { dataschema: '/relative' }],
    ['dataschema', { dataschema: 'https://a b' }],
    ['id', { id: '7\n' }],
    ['subject', { subject: 'a\u0000' }],
    ['subject', { subject: 'a\u007f' }],
    ['subject', { subject: 'a\u0085' }],
    ['subject', { subject: 'a\ufdd0' }],
    ['subject', { subject: 'a\u{1ffff}' }],
    ['subject', { subject: 'a\ud800' }],
    ['note', { note: '\u0000' }],
    ['data_base64', { data_base64: 'not base64' }],
    ['data_base64', { data: 'x', data_base64: 'AAEC' }],
  ])('is refused at %s for %j', (path, extra) => {
    const { problems, items } = split({ ...EVENT, ...extra }, { 'content-type': 'application/cloudevents+json' });
    expect(items).toEqual([]);
    expect(problems).toMatchObject([{ code: 'CLOUDEVENT_INVALID', path, hint: expect.any(String) as string }]);
  });

  it('several broken rules are all told, with the place in the batch', () => {
    const batch = [EVENT, { ...EVENT, id: '', time: 'noon' }, 5];
    const { problems, items } = split(batch, { 'content-type': 'application/cloudevents-batch+json' });
    expect(problems.map(({ path }) => path)).toEqual(['items[1].id', 'items[1].time', 'items[2]']);
    expect(items).toHaveLength(1);
  });
});

describe('the HTTP binding', () => {
  const BINARY = { 'ce-specversion': '1.0', 'ce-id': '7', 'ce-source': '/desk', 'ce-type': 'trade.failed' };

  it('the content type says the mode, whatever else is there', () => {
    expect(split(EVENT, { 'content-type': 'application/cloudevents+json', 'ce-specversion': '0.1' }).problems).toEqual(
      [],
    );
    expect(split([EVENT], { 'content-type': 'application/cloudevents+json' }).problems).toMatchObject([
      { code: 'ITEM_INVALID', path: '(the document)' },
    ]);
    expect(split(EVENT, { 'content-type': 'application/cloudevents-batch+json' }).problems).toMatchObject([
      { code: 'SOURCE_MISMATCH' },
    ]);
  });
  it('the content type may be written in capitals', () => {
    const type = 'Application/CloudEvents-Batch+JSON';
    expect(split([EVENT], { 'content-type': type, ...BINARY }).items[0]?.item).toEqual(EVENT);
    expect(split(EVENT, { 'content-type': 'Application/CloudEvents+JSON', ...BINARY }).items[0]?.item).toEqual(EVENT);
  });
  it.each([
    ['Euro%20%E2%82%AC%20%F0%9F%98%80', 'Euro € 😀'],
    ['%22quoted%22%20100%25', '"quoted" 100%'],
    ['%e2%82%ac', '€'],
    ['100% of it', '100% of it'],
    ['%C0%A0 is no character', '%C0%A0 is no character'],
  ])('the value %s of a header is %s', (sent, meant) => {
    expect(normalized({}, { ...BINARY, 'ce-subject': sent })).toMatchObject({ entity: meant });
  });
  it('an address whose percent signs were not encoded once more stays an address', () => {
    const [item] = split(
      {},
      { ...BINARY, 'ce-source': '/a%20desk', 'ce-dataschema': 'https%3A//schemas.example' },
    ).items;
    expect(item?.item).toMatchObject({ source: '/a%20desk', dataschema: 'https://schemas.example' });
  });
  it('all values of headers are text, so a number of an extension is one too', () => {
    expect(split({}, { ...BINARY, 'ce-count': '5' }).items[0]?.item).toMatchObject({ count: '5' });
  });
  it.each(['data', 'data_base64', 'my-note', 'my_note'])('a header ce-%s names no attribute', (name) => {
    const { problems } = split(undefined, { ...BINARY, [`ce-${name}`]: 'AAEC' });
    expect(problems).toMatchObject([{ code: 'CLOUDEVENT_INVALID' }]);
    expect(problems[0]?.path).toContain(name);
  });
  it('a binary event may have no body', () => {
    expect(split(undefined, BINARY).items[0]?.item).toEqual(EVENT);
  });
  it('a value in quotes is taken out of them before it is decoded once', () => {
    const headers = { ...BINARY, 'ce-subject': '"a \\"b\\" %25C3"', 'ce-note': '"half' };
    expect(normalized({}, headers)).toMatchObject({ entity: 'a "b" %C3', fields: { event: { note: '"half' } } });
  });
});

describe('data in bytes', () => {
  const fields = (extra: object) => normalized({ ...EVENT, ...extra });
  const base64 = (text: string) => Buffer.from(text).toString('base64');

  it.each<readonly [object, object]>([
    [{ data_base64: base64('{"a":1}') }, { a: 1 }],
    [{ data_base64: base64('[1]'), datacontenttype: 'application/json' }, { data: [1] }],
    [{ data_base64: base64('{"a":1}'), datacontenttype: 'application/problem+json' }, { a: 1 }],
    [{ data_base64: base64('no json') }, { data_base64: base64('no json') }],
    [{ data_base64: base64('{"__proto__":{}}') }, { data_base64: base64('{"__proto__":{}}') }],
    [{ data_base64: base64('x'), datacontenttype: 'image/png' }, { data_base64: base64('x') }],
    [{ data: 'text' }, { data: 'text' }],
  ])('%j becomes the fields %j', (extra, expected) => {
    expect(fields(extra)).toMatchObject({ fields: expected });
  });
});
