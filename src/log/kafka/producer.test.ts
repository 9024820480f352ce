import { createRequire } from 'node:module';
import type { Message } from 'kafkajs';
import { expect, it } from 'vitest';
import { messagesOf } from './producer.js';

type Group = (input: {
  readonly topic: string;
  readonly partitionMetadata: readonly unknown[];
  readonly messages: readonly Message[];
  readonly partitioner: (input: { readonly message: Message }) => number;
}) => Record<string, Message[]>;

const group: Group = createRequire(import.meta.url)('kafkajs/src/producer/groupMessagesPerPartition');
const partitioner = ({ message }: { readonly message: Message }) => Number(message.key) % 3;
const input = (messages: Message[]) => ({ topic: 't', partitionMetadata: [1, 2, 3], messages, partitioner });
const messages = (count: number): Message[] =>
  Array.from({ length: count }, (_, i) => ({ key: String(i), value: 'v' }));

it('messages are grouped by partition as kafkajs groups them, in their order', () => {
  expect(group(input(messagesOf(messages(100))))).toEqual(group(input(messages(100))));
});

it('each message is handed to kafkajs alone, whatever came before it in its partition', () => {
  const seen: string[][] = [];
  messagesOf(messages(50)).reduce((groups: Record<string, Message[]>, message) => {
    seen.push(Object.keys(groups));
    return { [String(partitioner({ message }))]: [message] };
  }, {});
  expect(seen).toEqual(Array.from({ length: 50 }, () => []));
});
