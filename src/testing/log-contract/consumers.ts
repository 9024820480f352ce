/** Consumers for the log's contract: they note what they get. */
import { randomUUID } from 'node:crypto';
import type { LogRecord, OutRecord } from '../../core/envelope.js';
import type { Batch, ConsumeOptions, Consumer, Log } from '../../log/port.js';

export interface LogHarness {
  readonly log: Log;
  /** Creates a fresh topic. */
  topic(partitions?: number): Promise<string>;
  close(): Promise<void>;
}

export interface Seen extends LogRecord {
  readonly partition: number;
  readonly text: string; // the value as text
}

export interface Watched {
  readonly seen: readonly Seen[];
  readonly batches: readonly Batch[];
  readonly assigned: () => readonly number[];
  readonly crashes: readonly Error[];
  readonly consumer: Consumer;
}

export interface WatchOptions {
  readonly group?: string;
  readonly concurrency?: number;
  /** Instead of resolving the whole batch at once. */
  readonly onBatch?: (batch: Batch) => Promise<void> | void;
}

export const newGroup = (): string => `group-${randomUUID()}`;

export const resolveAll = (batch: Batch): void => batch.resolve(batch.records.at(-1)?.offset ?? -1);

/** Starts a consumer that notes every record before `onBatch` gets the batch. */
export async function watch(log: Log, topic: string, options: WatchOptions = {}): Promise<Watched> {
  const seen: Seen[] = [];
  const batches: Batch[] = [];
  const crashes: Error[] = [];
  let assigned: readonly number[] = [];
  const consume: ConsumeOptions = {
    topic,
    group: options.group ?? newGroup(),
    concurrency: options.concurrency ?? 1,
    onBatch: async (batch) => {
      batches.push(batch);
      for (const record of batch.records) {
        seen.push({ ...record, partition: batch.partition, text: String(record.value) });
      }
      await (options.onBatch ?? resolveAll)(batch);
    },
    onCrash: (error) => crashes.push(error),
    onAssigned: (partitions) => {
      assigned = partitions;
    },
  };
  return { seen, batches, crashes, assigned: () => assigned, consumer: await log.consume(consume) };
}

export const record = (topic: string, key: string | null, value: string): OutRecord => ({
  topic,
  key,
  value,
  headers: {},
});

/** Records `first` to `first + count - 1`, with their number as key and value. */
export const numbered = (topic: string, count: number, first = 0): OutRecord[] =>
  Array.from({ length: count }, (_, i) => record(topic, `key-${first + i}`, String(first + i)));

/** The records in the order of their offsets, of one partition after the other. */
export const texts = (seen: readonly Seen[]): string[] => seen.map(({ text }) => text);

export const numbers = (seen: readonly Seen[]): number[] => seen.map(({ text }) => Number(text)).sort((a, b) => a - b);

export const range = (count: number, first = 0): number[] => Array.from({ length: count }, (_, i) => first + i);

/** Waits until `condition` holds; fails after 25 s with what it was about. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const end = performance.now() + 25_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited 25 s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A door that handlers wait at until it is opened. */
export function createGate(): { readonly passed: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open: () => open() };
}
