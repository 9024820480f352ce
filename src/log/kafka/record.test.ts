import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { type BatchContext, type Decoder, patchRecords, readRecord } from './record.js';

interface Encoded {
  readonly buffer: Buffer;
}
interface Written {
  readonly key?: string | null;
  readonly value: string | null;
  readonly headers?: Readonly<Record<string, string | Buffer | readonly string[]>>;
  readonly offsetDelta?: number;
  readonly timestampDelta?: number;
}
interface Theirs {
  readonly key: Buffer | null;
  readonly headers: Record<string, Buffer | Buffer[]>;
}

const require = createRequire(import.meta.url);
const path = 'kafkajs/src/protocol/recordBatch/record/v0/decoder';
const theirs: (decoder: Decoder, context: BatchContext) => Theirs = require(path);
patchRecords();
const DecoderOf: new (bytes: Buffer) => Decoder = require('kafkajs/src/protocol/decoder');
const write: (record: Written) => Encoded = require('kafkajs/src/protocol/recordBatch/record/v0');

/** Its bytes without the length before them, as both readers get them. */
function opened(record: Written): Decoder {
  const decoder = new DecoderOf(write(record).buffer);
  decoder.readVarInt();
  return decoder;
}

const context: BatchContext = { firstOffset: '1234567', firstTimestamp: '1790000000123', magicByte: 2 };

it.each<[string, Written, BatchContext]>([
  [
    'an event',
    { key: 'acme:1', value: '{"a":"ü€😀"}', headers: { ce_id: 'x', 'ce-ü': 'ß', long: 'y'.repeat(300) } },
    context,
  ],
  ['with short headers', { value: 'v', headers: { ce_id: 'x', ce_type: 'T', empty: '' } }, context],
  ['with the same ones in another order', { value: 'v', headers: { ce_type: 'T', empty: 'no', ce_id: 'y' } }, context],
  ['with one of 63 and one of 64 bytes', { value: 'v', headers: { a: 'y'.repeat(63), b: 'z'.repeat(64) } }, context],
  ['with a short one that is not in ASCII', { value: 'v', headers: { a: 'ü', b: '€' } }, context],
  ['without key, value and headers', { key: null, value: null }, context],
  ['late in its batch', { value: 'v', offsetDelta: 70_000, timestampDelta: 5_000_000_000 }, context],
  ['older than the first of its batch', { value: 'v', timestampDelta: -300 }, context],
  ['with the time of the broker', { value: 'v' }, { ...context, timestampType: 1, maxTimestamp: '1790000009999' }],
  ['of a transaction', { value: 'v' }, { ...context, isControlBatch: true }],
])('a record %s is read as kafkajs reads it', (_, record, batch) => {
  const expected = theirs(opened(record), batch);
  const headers = Object.fromEntries(Object.entries(expected.headers).map(([name, value]) => [name, String(value)]));
  expect(readRecord(opened(record), batch)).toEqual({ ...expected, key: expected.key?.toString() ?? null, headers });
});

it('a header whose bytes are no text does not touch its neighbours', () => {
  const broken = [Buffer.from([0xe2, 0x82]), Buffer.from([0xff]), Buffer.from([0xf0, 0x9f])];
  for (const bytes of broken) {
    const record = { value: 'v', headers: { a: '1', b: bytes, c: '\u0002' } };
    expect(readRecord(opened(record), context).headers).toEqual({ a: '1', b: bytes.toString('utf8'), c: '\u0002' });
  }
});

it('kafkajs reads records with it', () => {
  expect(require(path)).toBe(readRecord);
});

it('a header given twice arrives as a list, one without a value as empty text, none changes a prototype', () => {
  const record = { value: 'v', headers: { a: '1', b: ['2', '4', '5'], ['__proto__']: '3', toString: '6', c: '' } };
  const { headers } = readRecord(opened(record), context);
  expect(Object.entries(headers)).toEqual([
    ['a', '1'],
    ['b', ['2', '4', '5']],
    ['__proto__', '3'],
    ['toString', '6'],
    ['c', ''],
  ]);
  expect(Object.getPrototypeOf(headers)).toBe(Object.prototype);
});

it('a header whose value is null arrives, too', () => {
  const bytes = Buffer.from([0, 0, 0, 1, 1, 2, 2, 'h'.charCodeAt(0), 1]); // one header, `h`, the length of its value -1
  expect(readRecord(new DecoderOf(bytes), context).headers).toEqual({ h: '' });
});

it('a flood of headers takes no longer than it has bytes, and enough of it is kept to be refused', () => {
  const flood = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`x-${i}`, 'y']));
  const told = Object.keys(readRecord(opened({ value: 'v', headers: flood }), context).headers); // kafkajs alone needs an hour
  expect(told.length).toBeGreaterThan(64);
  expect(told.length).toBeLessThan(1_000);
});
