/** One consumer of a group: delivers the records of its partitions, a batch of each at a time. */
import { setMaxListeners } from 'node:events';
import { asError, LogError } from '../errors.js';
import type { Batch, ConsumeOptions, Consumer } from '../port.js';
import { withDeadline } from '../waiting.js';
import type { Partition } from './partition.js';

const MAX_RECORDS = 500;
/** Kafka's round trip slows down a handler that makes no progress; here nothing else would. */
const NO_PROGRESS_MS = 20;

/** What a member needs of its group. */
export interface Membership {
  readonly topic: string;
  readonly partitions: readonly Partition[];
  readonly generation: number;
  readonly isRebalancing: boolean;
  readonly stopTimeoutMs: number;
  committed(partition: number): number;
  commit(partition: number, offset: number): void;
  leave(member: Member): void;
  wake(): void;
}

interface Progress {
  resolved?: number;
  seek?: number;
}

export class Member implements Consumer {
  readonly #group: Membership;
  readonly #options: ConsumeOptions;
  readonly #over = new AbortController();
  readonly #inHand = new Set<number>();
  readonly #onIdle: (() => void)[] = [];
  #next = new Map<number, number>(); // the offset to deliver next, by assigned partition
  #isScheduled = false;
  #isCrashed = false;
  #stopped: Promise<void> | undefined;

  constructor(group: Membership, options: ConsumeOptions) {
    this.#group = group;
    this.#options = options;
    setMaxListeners(0, this.#over.signal); // a chunk of each partition may wait on it
  }

  get isIdle(): boolean {
    return this.#inHand.size === 0;
  }

  assign(partitions: readonly number[]): void {
    this.#next = new Map(partitions.map((partition) => [partition, this.#group.committed(partition)]));
    this.#tell(partitions);
  }

  wake(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#deliver();
    });
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#over.abort();
    const { stopTimeoutMs } = this.#group;
    const late = (): LogError => new LogError('STOP_TIMEOUT', `A batch did not end within ${stopTimeoutMs} ms.`);
    await withDeadline(this.#leave(), stopTimeoutMs, late);
  }

  /** Gives the partitions back once nothing is in hand. */
  async #leave(): Promise<void> {
    if (!this.isIdle) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
    this.#next = new Map();
    this.#group.leave(this);
    this.#tell([]);
  }

  #tell(partitions: readonly number[]): void {
    try {
      this.#options.onAssigned?.(partitions);
    } catch (error) {
      this.#crash(error);
    }
  }

  #crash(thrown: unknown): void {
    if (this.#isCrashed) return;
    this.#isCrashed = true;
    this.#over.abort();
    this.#options.onCrash(asError(thrown));
    this.#leave().catch(() => undefined);
  }

  #deliver(): void {
    for (const [partition, next] of this.#next) {
      if (this.#over.signal.aborted || this.#group.isRebalancing) return;
      if (this.#inHand.size >= this.#options.concurrency) return;
      if (this.#inHand.has(partition)) continue;
      const records = this.#group.partitions[partition];
      if (records === undefined || next === records.high) continue;
      this.#inHand.add(partition);
      // Last in line now, so that with little concurrency every partition has its turn.
      this.#next.delete(partition);
      this.#next.set(partition, next);
      this.#handle(partition, next).catch((error: unknown) => this.#crash(error));
    }
  }

  async #handle(partition: number, next: number): Promise<void> {
    const generation = this.#group.generation;
    const owns = (): boolean => generation === this.#group.generation;
    const progress: Progress = {};
    try {
      await this.#options.onBatch(this.#batch(partition, next, owns, progress));
      if (owns()) this.#settle(partition, progress);
    } finally {
      this.#inHand.delete(partition);
      if (this.isIdle) for (const resolve of this.#onIdle.splice(0)) resolve();
      if (progress.resolved === undefined && progress.seek === undefined) {
        setTimeout(() => this.#group.wake(), NO_PROGRESS_MS);
      } else {
        this.#group.wake();
      }
    }
  }

  #settle(partition: number, { resolved, seek }: Progress): void {
    if (resolved !== undefined) this.#group.commit(partition, resolved + 1);
    const next = seek ?? (resolved === undefined ? undefined : resolved + 1);
    if (next !== undefined && this.#next.has(partition)) this.#next.set(partition, next);
  }

  #batch(partition: number, next: number, owns: () => boolean, progress: Progress): Batch {
    const source = this.#group.partitions[partition] as Partition;
    const isThere = next >= source.low && next <= source.high; // else trimmed, or a seek to nowhere: from the beginning
    return {
      topic: this.#group.topic,
      partition,
      records: source.read(isThere ? next : source.low, MAX_RECORDS),
      highWatermark: source.high,
      isStale: () => this.#group.isRebalancing || !owns(),
      resolve: (offset) => {
        if (owns()) progress.resolved = offset;
      },
      seek: (offset) => {
        if (owns()) progress.seek = offset;
      },
      signal: this.#over.signal,
    };
  }
}
