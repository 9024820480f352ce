import { createRequire } from 'node:module';
import { type Message, Partitioners } from 'kafkajs';
import { expect, it } from 'vitest';
import { messagesOf, partitionerOf } from './producer.js';

type Place = ReturnType<typeof Partitioners.DefaultPartitioner>;
type Group = (input: {
  readonly topic: string;
  readonly partitionMetadata: readonly unknown[];
  readonly messages: readonly Message[];
  readonly partitioner: Place;
}) => Record<string, Message[]>;

const group: Group = createRequire(import.meta.url)('kafkajs/src/producer/groupMessagesPerPartition');
const partitionMetadata = [0, 1, 2].map((partitionId) => ({
  ...{ partitionErrorCode: 0, partitionId, leader: 0 },
  ...{ replicas: [0], isr: [0] },
}));
const input = (messages: Message[], partitioner: Place) => ({ topic: 't', partitionMetadata, messages, partitioner });
/** As Millrace sends them, and some that no key places. */
const messages = (count: number): Message[] =>
  Array.from({ length: count }, (_, i) =>
    i % 7 === 3 ? { key: null, value: 'v', partition: i % 3 } : { key: `k${i}`, value: 'v' },
  );
const grouped = (list: Message[]) => {
  const placing = { partitions: 0 };
  return group(input(messagesOf(list, placing), partitionerOf(placing)()));
};

it('messages are grouped by partition as kafkajs groups them, in their order', () => {
  const list = messages(100);
  expect(grouped(list)).toEqual(group(input(messages(100), Partitioners.DefaultPartitioner())));
});

it('a topic with more partitions than the one before has its messages on all of its own', () => {
  const placing = { partitions: 0 };
  const place = partitionerOf(placing)();
  const keyed = Array.from({ length: 50 }, (_, i): Message => ({ key: `k${i}`, value: 'v' }));
  const of = (count: number) =>
    group({ ...input(messagesOf([...keyed], placing), place), partitionMetadata: partitionMetadata.slice(0, count) });
  expect([of(1), of(3), of(2)].map((groups) => Object.keys(groups).length)).toEqual([1, 3, 2]);
});

it('kafkajs is handed the first message and what has no key, each alone, whatever came before it in its partition', () => {
  const seen: string[][] = [];
  const placing = { partitions: 0 };
  messagesOf(messages(50), placing).reduce((groups: Record<string, Message[]>, message) => {
    seen.push(Object.keys(groups));
    placing.partitions = 3;
    return { '0': [message] };
  }, {});
  expect(seen).toEqual(Array.from({ length: 8 }, () => []));
});
