import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { type FetchRequest, patchFetch } from './fetch.js';

interface Encoded {
  readonly buffer: Buffer;
}
type Build = (request: FetchRequest) => { apiVersion: number; encode: () => Promise<Encoded> };

const require = createRequire(import.meta.url);
const path = require.resolve('kafkajs/src/protocol/requests/fetch/v11/request');
const original: Build = require(path);
patchFetch();
const patched: Build = require(path);

const partitions = (count: number) =>
  Array.from({ length: count }, (_, partition) => ({
    partition,
    fetchOffset: String(partition ** 9),
    maxBytes: 1_048_576,
  }));
const request = (more: Partial<FetchRequest> = {}): FetchRequest => ({
  replicaId: -1,
  maxWaitTime: 1_500,
  minBytes: 1,
  maxBytes: 8_388_608,
  topics: [{ topic: 'exceptions', partitions: partitions(8) }],
  ...more,
});

it.each<[string, FetchRequest]>([
  ['of one topic', request()],
  ['of many partitions', request({ topics: [{ topic: 'exceptions', partitions: partitions(100) }] })],
  ['of two topics, one without partitions', request({ topics: [{ topic: 'ä', partitions: [] }, ...request().topics] })],
  ['of nothing', request({ topics: [], rackId: 'eu-1', isolationLevel: 0, sessionId: 7, sessionEpoch: 3 })],
  [
    'with all that a partition can say',
    request({
      topics: [
        {
          topic: 'exceptions',
          partitions: [{ partition: 1, currentLeaderEpoch: 4, fetchOffset: -1, logStartOffset: '5', maxBytes: 1 }],
        },
      ],
    }),
  ],
  ['with topics to forget', request({ forgottenTopics: [{ topic: 'old', partitions: [1, 2] }] })],
])('a fetch %s has the bytes that kafkajs gives it', async (_, wanted) => {
  expect(patched).not.toBe(original);
  const { buffer } = await patched(wanted).encode();
  expect(buffer.equals((await original(wanted).encode()).buffer)).toBe(true);
  expect(patched(wanted).apiVersion).toBe(11);
});
