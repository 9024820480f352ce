/**
 * Which topics are read: those that the active packs name as sources. Looked at every few seconds, so that a new version
 * of a pack is taken up, and what it no longer names stops, without a restart. A topic that is missing stops nobody.
 */
import { mayRead } from '../../core/topics.js';
import type { Consumer } from '../../log/port.js';
import type { PositionKey } from '../../store/port.js';
import { groupOf, type ReaderDeps, TopicReader } from './reader.js';
import type { SourceRef } from './record.js';

/** A source of an active pack that reads a topic. */
export interface WantedTopic extends SourceRef {
  readonly from: 'earliest' | 'latest';
  readonly version: number; // of the pack
}

const RETRY_MS = 5_000;

interface Running {
  readonly wanted: WantedTopic;
  readonly reader: TopicReader;
  consumer: Consumer | null;
  partitions: readonly number[];
  trouble: string | undefined;
  retryAt: number;
}

const nameOf = ({ tenantId, source, topic }: SourceRef): string => `${tenantId} ${source} ${topic}`;

export class TopicSources {
  private readonly running = new Map<string, Running>();

  constructor(private readonly deps: ReaderDeps) {}

  /** What does not get on, one line each; for readiness. */
  troubles(): string[] {
    return [...this.running.values()].flatMap(({ wanted, reader, trouble }) => {
      const why = reader.halted ?? trouble;
      return why === undefined ? [] : [`${wanted.source} of ${wanted.tenantId} (topic ${wanted.topic}): ${why}`];
    });
  }

  get count(): number {
    return this.running.size;
  }

  /** Reads exactly these from now on. */
  async settle(wanted: readonly WantedTopic[]): Promise<void> {
    const names = new Map(wanted.map((one) => [nameOf(one), one]));
    for (const [name, one] of this.running) {
      const next = names.get(name);
      const again = next !== undefined && one.reader.halted !== undefined && next.version !== one.wanted.version;
      if (next === undefined || again) await this.end(name, one);
    }
    for (const [name, one] of names) {
      const known = this.running.get(name) ?? this.add(name, one);
      if (known.consumer === null && performance.now() >= known.retryAt) await this.begin(known);
    }
  }

  /** Tells how far each is behind. */
  async judge(): Promise<void> {
    for (const { wanted, reader, partitions, consumer } of this.running.values()) {
      if (consumer === null) continue;
      const { tenantId, source, topic } = wanted;
      for (const { partition, low, high } of await this.deps.log.watermarks(topic)) {
        if (!partitions.includes(partition)) continue;
        const lag = Math.max(0, high - Math.max(low, reader.committed.get(partition) ?? 0));
        this.deps.telemetry.emit('source.lag', { tenantId, source, topic, partition, lag });
      }
    }
  }

  async stop(): Promise<void> {
    await Promise.all([...this.running].map(([name, one]) => this.end(name, one)));
  }

  private add(name: string, wanted: WantedTopic): Running {
    const { tenantId, source, topic } = wanted;
    const reader = new TopicReader({ tenantId, source, topic }, this.deps);
    const one: Running = { wanted, reader, consumer: null, partitions: [], trouble: undefined, retryAt: 0 };
    this.running.set(name, one);
    return one;
  }

  private async end(name: string, one: Running): Promise<void> {
    this.running.delete(name);
    await one.consumer?.stop().catch(() => undefined);
    const { tenantId, source, topic } = one.wanted;
    if (one.consumer !== null) this.deps.telemetry.emit('source.stopped', { tenantId, source, topic });
  }

  private async begin(one: Running): Promise<void> {
    const { tenantId, source, topic } = one.wanted;
    const group = groupOf(one.wanted);
    try {
      requireAllowed(one.wanted, this.deps.sourceTopics ?? null);
      await this.makePositions(one);
      one.consumer = await this.deps.log.consume({
        ...{ topic, group, concurrency: 1 },
        onBatch: (batch) => one.reader.onBatch(batch),
        onAssigned: (partitions) => {
          one.partitions = partitions;
          one.reader.onAssigned();
        },
        onCrash: (error) => this.failed(one, error),
      });
      one.trouble = undefined;
      this.deps.telemetry.emit('source.reading', { tenantId, source, topic, group });
    } catch (error) {
      this.failed(one, error as Error);
    }
  }

  /** Said once for as long as it lasts, and tried again later. */
  private failed(one: Running, { message: reason }: Error): void {
    const { tenantId, source, topic } = one.wanted;
    if (one.trouble !== reason) this.deps.telemetry.emit('source.trouble', { tenantId, source, topic, reason });
    one.trouble = reason;
    one.retryAt = performance.now() + RETRY_MS;
    void one.consumer?.stop().catch(() => undefined);
    one.consumer = null;
  }

  /** A source that is new begins where its pack says; a partition that was added later is new from its first record. */
  private async makePositions({ wanted, reader }: Running): Promise<void> {
    const { store, log, epoch } = this.deps;
    const marks = await log.watermarks(wanted.topic);
    await store.transaction([wanted.tenantId], async (tx) => {
      const key = (partition: number): PositionKey => ({
        ...{ group: groupOf(wanted), topic: wanted.topic, epoch, partition },
      });
      const sorted = marks.map(({ partition }) => key(partition)).sort((a, b) => a.partition - b.partition);
      const { next } = await tx.openChunk(sorted, [], []);
      const missing = marks.filter(({ partition }) => !next.has(partition));
      const atEnd = missing.length === marks.length && wanted.from === 'latest';
      const positions = missing.map(({ partition, low, high }) => ({ ...key(partition), next: atEnd ? high : low }));
      if (positions.length > 0) await tx.write({ positions, cases: [], journal: [] });
      for (const [partition, at] of next) reader.committed.set(partition, at);
      for (const { partition, next: at } of positions) reader.committed.set(partition, at);
    });
  }
}

/** A version that was activated while it was allowed, or past the API, is not read all the same. */
function requireAllowed({ tenantId, topic }: WantedTopic, patterns: readonly string[] | null): void {
  if (!mayRead(patterns, tenantId, topic))
    throw new Error(`KAFKA_SOURCE_TOPICS does not let ${tenantId} read ${topic}`);
}
