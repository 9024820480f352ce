/**
 * The log: what the shell needs of Kafka, in a handful of methods. Kafka and the embedded log implement it and pass
 * one contract suite. Its methods reject with a `LogError` (errors.ts). The positions in Postgres are the truth about
 * what was consumed; offsets here are advisory.
 */
import type { LogRecord, OutRecord } from '../core/envelope.js';

/** Records of one partition in offset order, as one fetch delivered them. */
export interface Batch {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly LogRecord[]; // not empty
  readonly highWatermark: number; // offset after the last record of the partition
  /** True once the partition may belong to another member: stop, resolve nothing more. */
  isStale(): boolean;
  /** Tells the log that everything up to and including `offset` is done; what is not resolved comes again. */
  resolve(offset: number): void;
  /** Continue this partition at `offset` instead, after this batch. */
  seek(offset: number): void;
  readonly signal: AbortSignal; // aborted when the consumer stops
}

export interface ConsumeOptions {
  readonly topic: string; // one topic a group
  readonly group: string;
  readonly concurrency: number; // partitions handled at once
  /** Must not throw for what it can handle itself; a throw crashes the consumer (`onCrash`). */
  readonly onBatch: (batch: Batch) => Promise<void>;
  /** The consumer is dead; the process must end so that its supervisor starts a clean one. */
  readonly onCrash: (error: Error) => void;
  /** Partitions this member was given (empty after a loss). */
  readonly onAssigned?: (partitions: readonly number[]) => void;
}

export interface Consumer {
  /** Stops fetching, waits for the batch in hand, leaves the group. Not to be awaited inside `onBatch`. */
  stop(): Promise<void>;
}

export interface TopicSpec {
  readonly topic: string;
  readonly partitions: number;
}

export interface Watermarks {
  readonly partition: number;
  readonly low: number; // first offset that is still there
  readonly high: number; // offset after the last record
}

export interface Log {
  /** Publishes in the order given, per key; resolves when every record is acknowledged by all replicas. */
  publish(records: readonly OutRecord[]): Promise<void>;
  /** Joins the group in the background (`onAssigned` tells); rejects when the topic does not exist. */
  consume(options: ConsumeOptions): Promise<Consumer>;
  /** Creates what is missing; topics that exist are left alone. Returns the names it created. */
  createTopics(topics: readonly TopicSpec[]): Promise<readonly string[]>;
  /** Partition counts of the topics that exist, by name. */
  partitionCounts(topics: readonly string[]): Promise<ReadonlyMap<string, number>>;
  watermarks(topic: string): Promise<readonly Watermarks[]>;
  /** Resolves when the log answers; rejects with the reason when it does not. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
