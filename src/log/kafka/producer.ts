/**
 * Publishing. A plain producer with one batch in flight in the whole process: kafkajs' idempotent producer can lose a
 * record silently, and two batches in flight can change places. What is published while a batch is in flight waits and
 * goes with the next one, so that a busy process sends few and large requests.
 */
import { type Kafka, type Message, Partitioners, type Producer } from 'kafkajs';
import type { OutRecord } from '../../core/envelope.js';
import { LogError } from '../errors.js';
import { partitionOf } from '../partitioner.js';
import { delay } from '../waiting.js';
import type { Settings } from './client.js';
import { isTransient, isUnknownTopic, toLogError } from './errors.js';

/** Brokers refuse a batch of more than 1 MiB for one partition; a request stays below that whatever its keys. */
const MAX_BYTES = 900_000;
const MAX_RECORDS = 5_000;
/** A topic that was just created is unknown to some brokers for a moment. */
const UNKNOWN_TOPIC_MS = 2_000;

interface Waiting {
  readonly records: readonly OutRecord[];
  readonly bytes: number;
  readonly settle: (error?: LogError) => void;
  readonly isSettled: () => boolean;
}

export interface KafkaProducer {
  publish(records: readonly OutRecord[]): Promise<void>;
  /** Waits for what is in flight (its time limit holds), then disconnects. */
  close(): Promise<void>;
}

export function createProducer(kafka: Kafka, settings: Settings): KafkaProducer {
  const link = createLink(kafka);
  const queue: Waiting[] = [];
  let pump: Promise<void> | undefined;
  let closed = false;

  async function run(): Promise<void> {
    await undefined; // publishes of the same turn go together
    while (queue.length > 0) {
      const flight = takeFlight(queue);
      if (flight.length > 0) await fly(link, flight, settings.publishTimeoutMs);
    }
    pump = undefined;
  }
  return {
    publish(records) {
      if (closed) return Promise.reject(new LogError('LOG_CLOSED', 'The log is closed.'));
      if (records.length === 0) return Promise.resolve();
      return new Promise((resolve, reject) => {
        queue.push(waiting(records, settings.publishTimeoutMs, resolve, reject));
        pump ??= run();
      });
    },
    async close() {
      closed = true;
      await pump;
      link.drop();
    },
  };
}

function waiting(
  records: readonly OutRecord[],
  timeoutMs: number,
  resolve: () => void,
  reject: (error: LogError) => void,
): Waiting {
  let settled = false;
  const settle = (error?: LogError): void => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    if (error === undefined) resolve();
    else reject(error);
  };
  const late = (): LogError => new LogError('LOG_UNAVAILABLE', `Kafka has not acknowledged within ${timeoutMs} ms.`);
  const timer = setTimeout(() => settle(late()), timeoutMs);
  return { records, bytes: bytesOf(records), settle, isSettled: () => settled };
}

/** An upper bound would need the encoder; text length plus a margin is close enough below a limit with room above. */
function sizeOf(record: OutRecord): number {
  let size = 70 + (record.key?.length ?? 0) + (record.value === null ? 0 : Buffer.byteLength(record.value));
  for (const name in record.headers) size += name.length + (record.headers[name] as string).length + 4;
  return size;
}

function bytesOf(records: readonly OutRecord[]): number {
  let bytes = 0;
  for (const record of records) bytes += sizeOf(record);
  return bytes;
}

/** The next requests of the queue that fit into one batch, at least one; those that gave up waiting are left out. */
function takeFlight(queue: Waiting[]): Waiting[] {
  const flight: Waiting[] = [];
  let bytes = 0;
  let records = 0;
  while (queue.length > 0) {
    const next = queue[0] as Waiting;
    bytes += next.bytes;
    records += next.records.length;
    if (flight.length > 0 && (bytes > MAX_BYTES || records > MAX_RECORDS)) break;
    queue.shift();
    if (!next.isSettled()) flight.push(next);
  }
  return flight;
}

async function fly(link: Link, flight: readonly Waiting[], timeoutMs: number): Promise<void> {
  const alone = flight.length === 1;
  try {
    for (const slice of slices(flight.flatMap(({ records }) => records))) {
      await deliver(link, slice, performance.now() + timeoutMs, alone, () =>
        flight.every(({ isSettled }) => isSettled()),
      );
    }
    for (const { settle } of flight) settle();
  } catch (error) {
    if (alone || isTransient(error)) {
      for (const { settle } of flight) settle(toLogError(error));
      return;
    }
    for (const one of flight) await fly(link, [one], timeoutMs); // one request is at fault: the others must not pay
  }
}

function* slices(records: readonly OutRecord[]): Generator<readonly OutRecord[]> {
  let from = 0;
  let bytes = 0;
  for (let i = 0; i < records.length; i++) {
    bytes += sizeOf(records[i] as OutRecord);
    if (i > from && (bytes > MAX_BYTES || i - from >= MAX_RECORDS)) {
      yield records.slice(from, i);
      from = i;
      bytes = sizeOf(records[i] as OutRecord);
    }
  }
  yield from === 0 ? records : records.slice(from);
}

async function deliver(
  link: Link,
  records: readonly OutRecord[],
  until: number,
  alone: boolean,
  isAbandoned: () => boolean,
): Promise<void> {
  const since = performance.now();
  for (let pauseMs = 100; ; pauseMs = Math.min(pauseMs * 2, 1_000)) {
    try {
      return await link.send(records);
    } catch (error) {
      link.drop();
      const now = performance.now();
      const again = isUnknownTopic(error) ? alone && now - since < UNKNOWN_TOPIC_MS : isTransient(error);
      if (!again || now + pauseMs > until || isAbandoned()) throw error;
      await delay(pauseMs);
    }
  }
}

interface Link {
  send(records: readonly OutRecord[]): Promise<void>;
  /** Lets go of the connection; it closes on its own time, which an unanswered request may stretch. */
  drop(): void;
}

/** The connected producer; dropped after every error, so that nothing of a failed attempt can be sent later. */
function createLink(kafka: Kafka): Link {
  let producer: Producer | undefined;
  const placing: Placing = { partitions: 0 };
  return {
    async send(records) {
      if (producer === undefined) {
        producer = kafka.producer({
          idempotent: false,
          maxInFlightRequests: 1,
          allowAutoTopicCreation: false,
          createPartitioner: partitionerOf(placing),
          retry: { retries: 0 }, // an attempt that has failed has ended
        });
        await producer.connect();
      }
      await producer.sendBatch({ acks: -1, timeout: 5_000, topicMessages: byTopic(records, placing) });
    },
    drop() {
      producer?.disconnect().catch(() => undefined);
      producer = undefined;
    },
  };
}

/** What places messages tells what groups them how many partitions their topic has: kafkajs knows it, and does not say. */
export interface Placing {
  partitions: number; // 0: not told yet
}

/**
 * The messages of a topic. kafkajs groups them by partition with a `reduce` that copies all earlier ones of the partition for
 * each, in quadratic time, and makes some objects for each besides; here the first is given to it, alone, and the others are
 * placed as that was.
 */
export function messagesOf(list: Message[], placing: Placing): Message[] {
  type Groups = Record<string, Message[]>;
  const reduce = (group: (groups: Groups, message: Message) => Groups): Groups => {
    const all: Groups = {};
    const add = (partition: string | number, message: Message): void => {
      const some = all[partition];
      if (some === undefined) all[partition] = [message];
      else some.push(message);
    };
    placing.partitions = 0; // a topic may have got more since
    for (const message of list) {
      const { key } = message;
      if (typeof key === 'string' && placing.partitions > 0) add(partitionOf(key, placing.partitions), message);
      else for (const partition of Object.keys(group({}, message))) add(partition, message);
    }
    return all;
  };
  return Object.defineProperty(list, 'reduce', { value: reduce });
}

function byTopic(records: readonly OutRecord[], placing: Placing): { topic: string; messages: Message[] }[] {
  const topics = new Map<string, Message[]>();
  for (const { topic, key, value, headers } of records) {
    const message: Message = { key, value, headers };
    const messages = topics.get(topic);
    if (messages === undefined) topics.set(topic, [message]);
    else messages.push(message);
  }
  return [...topics].map(([topic, messages]) => ({ topic, messages: messagesOf(messages, placing) }));
}

/** Kafka's default partitioner; only its hash is our faster one. */
export const partitionerOf =
  (placing: Placing): typeof Partitioners.DefaultPartitioner =>
  () => {
    const original = Partitioners.DefaultPartitioner();
    return (args) => {
      const { key } = args.message;
      placing.partitions = args.partitionMetadata.length;
      return typeof key === 'string' ? partitionOf(key, placing.partitions) : original(args);
    };
  };
