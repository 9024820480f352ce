/**
 * The log of one process, in memory, with Kafka's promises: partitions, order per key, groups, committed offsets,
 * redelivery. It is volatile by design: the journal in Postgres refills it after a start.
 */
import type { OutRecord } from '../../core/envelope.js';
import { LogError } from '../errors.js';
import { partitionOf } from '../partitioner.js';
import type { ConsumeOptions, Consumer, Log, TopicSpec, Watermarks } from '../port.js';
import { Group } from './group.js';
import { Partition } from './partition.js';

export interface EmbeddedLogOptions {
  /** Consumed records that a partition keeps (1,000); up to twice as many between two trims. */
  readonly keepRecords?: number;
  /** Records that a partition holds for groups that lag behind (100,000); then `publish` rejects with `LOG_FULL`. */
  readonly maxRecords?: number;
  readonly rebalanceTimeoutMs?: number; // 60 s: how long a change of members waits for the batches in hand
  readonly stopTimeoutMs?: number; // 25 s: after it `stop` rejects
}

/** A log in memory. Everything but `consume`'s deliveries happens at once. */
export function createEmbeddedLog(options: EmbeddedLogOptions = {}): Log {
  return new EmbeddedLog({
    keepRecords: 1_000,
    maxRecords: 100_000,
    rebalanceTimeoutMs: 60_000,
    stopTimeoutMs: 25_000,
    ...options,
  });
}

interface Topic {
  readonly name: string;
  readonly partitions: readonly Partition[];
  turn: number; // for records without a key
}

class EmbeddedLog implements Log {
  readonly #settings: Required<EmbeddedLogOptions>;
  readonly #topics = new Map<string, Topic>();
  readonly #groups = new Map<string, Group>();
  #isClosed = false;

  constructor(settings: Required<EmbeddedLogOptions>) {
    this.#settings = settings;
  }

  async publish(records: readonly OutRecord[]): Promise<void> {
    this.#checkOpen();
    // Placed first: either all of them are kept, or none.
    const placed = records.map((record) => ({ record, partition: this.#place(record) }));
    for (const { record, partition } of placed) partition.append(record);
    const touched = new Set(records.map(({ topic }) => topic));
    for (const group of this.#groups.values()) if (touched.has(group.topic)) group.wake();
  }

  async consume(options: ConsumeOptions): Promise<Consumer> {
    this.#checkOpen();
    const topic = this.#topic(options.topic);
    const group = this.#groups.get(options.group) ?? this.#createGroup(options.group, topic);
    if (group.topic !== topic.name) {
      throw new LogError('GROUP_TOPIC', `Group ${options.group} consumes ${group.topic} already; one topic a group.`);
    }
    return group.join(options);
  }

  async createTopics(topics: readonly TopicSpec[]): Promise<readonly string[]> {
    const missing = topics.filter(({ topic }) => !this.#topics.has(topic));
    for (const { topic, partitions } of missing) {
      const empty = Array.from({ length: partitions }, () => new Partition());
      this.#topics.set(topic, { name: topic, partitions: empty, turn: 0 });
    }
    return missing.map(({ topic }) => topic);
  }

  async partitionCounts(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const existing = topics.flatMap((name) => this.#topics.get(name) ?? []);
    return new Map(existing.map(({ name, partitions }) => [name, partitions.length]));
  }

  async watermarks(topic: string): Promise<readonly Watermarks[]> {
    return this.#topic(topic).partitions.map(({ low, high }, partition) => ({ partition, low, high }));
  }

  async ping(): Promise<void> {
    this.#checkOpen();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const members = [...this.#groups.values()].flatMap((group) => group.members);
    await Promise.allSettled(members.map((member) => member.stop()));
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new LogError('LOG_CLOSED', 'The log is closed.');
  }

  #topic(name: string): Topic {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw new LogError('TOPIC_UNKNOWN', `Topic ${name} does not exist.`);
    return topic;
  }

  #place({ topic: name, key }: OutRecord): Partition {
    const topic = this.#topic(name);
    const count = topic.partitions.length;
    const partition = topic.partitions[key === null ? topic.turn++ % count : partitionOf(key, count)] as Partition;
    if (partition.high - partition.low >= this.#settings.maxRecords) this.#makeRoom(name, partition);
    return partition;
  }

  #createGroup(name: string, topic: Topic): Group {
    const group = new Group(topic.name, topic.partitions, this.#settings, (partition) =>
      this.#trimConsumed(topic, partition),
    );
    this.#groups.set(name, group);
    return group;
  }

  #trimConsumed(topic: Topic, partition: number): void {
    const groups = [...this.#groups.values()].filter((group) => group.topic === topic.name);
    const consumed = Math.min(...groups.map((group) => group.committed(partition)));
    topic.partitions[partition]?.trim(consumed, this.#settings.keepRecords);
  }

  /** A topic that no group reads, dead letters for one, keeps its latest records; what a group waits for is not lost. */
  #makeRoom(topic: string, partition: Partition): void {
    const { maxRecords } = this.#settings;
    const isRead = [...this.#groups.values()].some((group) => group.topic === topic);
    if (isRead) throw new LogError('LOG_FULL', `${topic} holds ${maxRecords} records that are not consumed.`);
    partition.trim(partition.high, Math.floor((maxRecords - 1) / 2));
  }
}
