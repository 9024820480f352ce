import { createRequire } from 'node:module';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type ProducedMessage, type ProduceRequest, patchProduce } from './produce.js';

interface Encoded {
  readonly buffer: Buffer;
}
type Build = (request: ProduceRequest) => { encode: () => Promise<Encoded> };

const require = createRequire(import.meta.url);
const path = require.resolve('kafkajs/src/protocol/requests/produce/v3/request');
const original: Build = require(path);
patchProduce();
const patched: Build = require(path);

const messages: ProducedMessage[] = [
  { key: 'acme:1', value: '{"a":"ü€😀"}', headers: { ce_id: 'x', 'ce-ü': '', long: 'y'.repeat(300) } },
  { key: 'acme:1', value: '{}', headers: { ce_id: 'x'.repeat(63), empty: '', traceparent: `00-${'a'.repeat(52)}` } },
  { key: null, value: null, headers: {} },
  { value: Buffer.from([0, 255, 128]), headers: { raw: Buffer.from('bytes') } },
  ...Array.from({ length: 200 }, (_, i) => ({ key: `k${i}`, value: 'v'.repeat(i * 50) })),
];
const request = (list: readonly ProducedMessage[]): ProduceRequest => ({
  acks: -1,
  timeout: 5_000,
  topicData: [
    {
      topic: 'exceptions',
      partitions: [
        { partition: 3, messages: list },
        { partition: 0, messages: list.slice(0, 1) },
      ],
    },
    { topic: 'exceptions.tool', partitions: [{ partition: 1, messages: list.slice(1) }] },
  ],
});

async function bytesOf(build: Build, wanted: ProduceRequest): Promise<Buffer> {
  return (await build(wanted).encode()).buffer;
}

beforeEach(() => {
  vi.useFakeTimers({ now: 1_790_000_000_123, toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

it.each([
  ['many records of every kind', request(messages)],
  ['one record', request(messages.slice(0, 1))],
  ['no topic', { ...request([]), topicData: [] }],
])('%s: the bytes are those that kafkajs makes', async (_, wanted) => {
  const [ours, theirs] = [await bytesOf(patched, wanted), await bytesOf(original, wanted)];
  expect(ours.length).toBe(theirs.length);
  expect(ours.equals(theirs)).toBe(true);
});

it.each([
  ['a transaction', { transactionalId: 't', producerId: 5 }],
  [
    'a time of its own',
    { topicData: [{ topic: 't', partitions: [{ partition: 0, messages: [{ value: 'v', timestamp: '5' }] }] }] },
  ],
  [
    'a header with two values',
    {
      topicData: [
        { topic: 't', partitions: [{ partition: 0, messages: [{ value: 'v', headers: { a: ['1', '2'] } }] }] },
      ],
    },
  ],
])('%s is left to kafkajs', async (_, odd) => {
  const wanted = { ...request(messages), ...odd };
  expect((await bytesOf(patched, wanted)).equals(await bytesOf(original, wanted))).toBe(true);
});
