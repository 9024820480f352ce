import { describe, expect, it } from 'vitest';
import { codesOf, packOf, problemsOf } from '../../testing/packs.js';
import { normalizeItem, readRecord, splitSource } from '../index.js';
import type { CompiledPack } from '../types.js';
import type { TopicRecord } from './record.js';

const AT = '2026-11-20T10:00:00.000Z';
const SOURCES = `
sources:
  breaks-topic: { kind: kafka, topic: settlement.breaks, as: trades }
  trades:
    kind: json
    map: { type: "\${{ item.failType }}", entity: "\${{ item.id }}", title: "\${{ headers['kafka-key'] }} \${{ headers['x-desk'] }}" }
    resolve: item.status == 'SETTLED'
  own:
    kind: kafka
    topic: desk.alerts
    from: earliest
    split: \${{ body.list }}
    map: { type: "\${{ item.kind }}" }
  letters: { kind: kafka, topic: sink.dlq, value: any, map: { type: "\${{ headers['kafka-topic'] }}" } }
  events: { kind: cloudevents }
  events-topic: { kind: kafka, topic: platform.events, as: events }
`;
const pack = packOf({ 'sources.yaml': SOURCES });

const record = (value: unknown, rest: Partial<TopicRecord> = {}): TopicRecord => ({
  ...{ topic: 'settlement.breaks', partition: 3, offset: 17, key: 'K-1', headers: {} },
  value: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
  ...rest,
});
const read = (source: string, one: TopicRecord, of: CompiledPack = pack) => readRecord(of, source, one, AT);

function itemsOf(result: ReturnType<typeof readRecord>) {
  if ('problem' in result) throw new Error(result.problem.message);
  return result.items;
}

describe('a topic that is a source', () => {
  it('begins with what is new unless the pack says otherwise', () => {
    expect(pack.sources.get('breaks-topic')?.topic).toEqual({
      name: 'settlement.breaks',
      from: 'latest',
      value: 'json',
      place: { file: 'sources.yaml', line: 3, column: 39 },
    });
    expect(pack.sources.get('own')?.topic).toMatchObject({ name: 'desk.alerts', from: 'earliest' });
    expect(pack.sources.get('trades')?.topic).toBeNull();
  });

  it('reads as the source it names: the same exception by both ways has one fingerprint', () => {
    const body = { failType: 'SSI', id: 'T-1' };
    const [byTopic] = itemsOf(read('breaks-topic', record(body, { headers: { 'X-Desk': 'zurich' } })));
    const byHook = splitSource(pack, 'trades', { body, headers: {}, receivedAt: AT }).items[0];
    expect(byTopic?.fingerprint).toBe(byHook?.fingerprint);
    const item = { item: byTopic?.item, headers: byTopic?.headers ?? {}, fingerprint: 'f', resolve: false };
    expect(normalizeItem(pack, 'breaks-topic', item, AT)).toMatchObject({
      ...{ type: 'SSI', entity: 'T-1', source: 'trades', title: 'K-1 zurich' },
    });
  });

  it('may split and map by its own words', () => {
    expect(
      itemsOf(read('own', record({ list: [{ kind: 'A' }, { kind: 'B' }] }, { key: null }))).map(({ item }) => item),
    ).toEqual([{ kind: 'A' }, { kind: 'B' }]);
  });

  it('understands CloudEvents in binary and in structured mode', () => {
    const attributes = { specversion: '1.0', id: '1', source: '/a', type: 'down %41' };
    const headers = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce_${name}`, value]));
    const binary = read(
      'events-topic',
      record({ host: 'h' }, { headers: { ...headers, 'content-type': 'application/json' } }),
    );
    const expected = { ...attributes, datacontenttype: 'application/json', data: { host: 'h' } };
    expect(itemsOf(binary)[0]?.item).toEqual(expected);
    expect(itemsOf(read('events-topic', record({ host: 'h' }, { headers })))[0]?.item).not.toHaveProperty(
      'datacontenttype',
    );
    expect(itemsOf(read('events-topic', record(expected)))[0]?.item).toEqual(expected);
  });

  it('takes the data of an event in binary mode as its type says: JSON, text or bytes', () => {
    const attributes = { ce_specversion: '1.0', ce_id: '1', ce_source: '/a', ce_type: 'down' };
    const dataOf = (value: Buffer, type: string) => {
      const [item] = itemsOf(
        read('events-topic', record('', { value, headers: { ...attributes, 'content-type': type } })),
      );
      const { data, data_base64 } = { ...(item?.item as Readonly<Record<string, unknown>>) };
      return { data, data_base64 };
    };
    expect(dataOf(Buffer.from('{"a":1}'), 'application/problem+json')).toEqual({ data: { a: 1 } });
    expect(dataOf(Buffer.from('{"a":1}'), 'text/plain')).toEqual({ data: '{"a":1}' });
    expect(dataOf(Buffer.from([0, 65]), 'text/plain')).toEqual({ data_base64: 'AEE=' });
    expect(dataOf(Buffer.from([255]), 'application/avro')).toEqual({ data_base64: '/w==' });
    expect(dataOf(Buffer.from(''), 'application/json')).toEqual({});
    const headers = { ...attributes, ce_data: 'x' };
    expect(read('events-topic', record('', { headers }))).toMatchObject({ problem: { path: 'ce-data' } });
  });

  it('takes an event in structured mode where the content type says so, whatever else is in the headers', () => {
    const event = { specversion: '1.0', id: '2', source: '/b', type: 'up' };
    const headers = {
      ce_specversion: '1.0',
      ce_id: '1',
      'content-type': 'Application/CloudEvents+JSON; charset=UTF-8',
    };
    expect(itemsOf(read('events-topic', record(event, { headers })))[0]?.item).toEqual(event);
  });

  it('with `value: any` what is no JSON is text, and what is no text is base64', () => {
    const any = (value: Buffer) => itemsOf(read('letters', record('', { value })))[0]?.item;
    expect(any(Buffer.from('{"a":1}'))).toEqual({ a: 1 });
    expect(any(Buffer.from('{a:1}'))).toEqual({ text: '{a:1}' });
    expect(any(Buffer.from('5'))).toEqual({ text: '5' });
    expect(any(Buffer.from('null'))).toEqual({ text: 'null' });
    expect(any(Buffer.from([0, 65]))).toEqual({ base64: 'AEE=' });
    expect(any(Buffer.from([255]))).toEqual({ base64: '/w==' });
  });

  it('takes a record whole or not at all, and says what is wrong with it', () => {
    const bad = record({ list: [{ kind: 'A' }, { other: 1 }, { other: 2 }] });
    expect(read('own', bad)).toMatchObject({
      problem: { code: 'FIELD_MISSING', message: expect.stringContaining('(and 1 more)') },
    });
  });

  it('does not map what says that it is over', () => {
    expect(itemsOf(read('breaks-topic', record({ status: 'SETTLED', id: 'T-1' })))).toMatchObject([{ resolve: true }]);
  });

  it.each([
    ['breaks-topic', record('{"a":'), 'JSON_INVALID'],
    ['breaks-topic', record('', { value: Buffer.from([0xff, 0xfe]) }), 'TEXT_INVALID_UNICODE'],
    ['breaks-topic', record('"text"'), 'SOURCE_MISMATCH'],
    ['breaks-topic', record({ id: 'T-1' }), 'FIELD_MISSING'],
    ['events-topic', record({ a: 1 }), 'SOURCE_MISMATCH'],
    ['gone', record({}), 'SOURCE_UNKNOWN'],
  ])('of %s a record that cannot be read has a code', (source, one, code) => {
    expect(read(source, one)).toMatchObject({ problem: { code } });
  });
});

describe('a topic source with mistakes', () => {
  const sources = (text: string) => ({ 'sources.yaml': `sources:\n${text}` });
  it.each([
    ['a: { kind: kafka }', ['sources.yaml:2:6 FIELD_MISSING']],
    ['a: { kind: kafka, topic: "a b" }', ['sources.yaml:2:28 TOPIC_INVALID']],
    ['a: { kind: kafka, topic: exceptions.triage }', ['sources.yaml:2:28 TOPIC_RESERVED']],
    ['a: { kind: kafka, topic: exceptions }', ['sources.yaml:2:28 TOPIC_RESERVED']],
    ['a: { kind: kafka, topic: t, value: avro }', ['sources.yaml:2:38 VALUE_UNKNOWN']],
    ['a: { kind: kafka, topic: t, from: middle }', ['sources.yaml:2:37 VALUE_UNKNOWN']],
    ['a: { kind: kafka, topic: t, as: b }', ['sources.yaml:2:35 SOURCE_UNKNOWN']],
    ['a: { kind: kafka, topic: t, as: a }', ['sources.yaml:2:35 SOURCE_UNKNOWN']],
    ['a: { kind: kafka, topic: t, as: generic, resolve: "true" }', ['sources.yaml:2:44 FIELD_UNKNOWN']],
    ['a: { kind: kafka, topic: t, as: b }\n  b: { kind: jsn }', ['sources.yaml:3:14 VALUE_UNKNOWN']],
    ['a: { kind: json, topic: t }', ['sources.yaml:2:20 FIELD_UNKNOWN']],
    ['"a b": { kind: kafka, topic: t }', ['sources.yaml:2:3 NAME_INVALID']],
  ])('%s is told with its place', (text, codes) => {
    expect(codesOf(sources(`  ${text}\n`))).toEqual(codes);
  });

  it('that reads like another topic is told so', () => {
    const [problem] = problemsOf(sources('  a: { kind: kafka, topic: t, as: b }\n  b: { kind: kafka, topic: u }\n'));
    expect(problem?.message).toContain('names a topic');
  });
});
