/**
 * Reads one topic for one source: its records become cases in the transaction that moves the position, so each has its
 * effect once, whatever is killed or redelivered. Offsets may have gaps (transactions, compaction); that is no alarm.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LogRecord } from '../../core/envelope.js';
import type { Batch, Log } from '../../log/port.js';
import type { GatherDeps, PackVersion } from '../../stages/contract.js';
import type { PositionKey, Store } from '../../store/port.js';
import { SYSTEM_TENANT } from '../../store/port.js';
import type { Telemetry } from '../../telemetry/catalogue.js';
import { commitOneByOne, kindOf, untilAborted } from '../failure.js';
import type { Ingestion } from '../ingest.js';
import type { Publisher } from '../publisher.js';
import { StormGuard } from '../storm.js';
import { letterOf, type Prepared, prepare, type SourceRef } from './record.js';

export interface ReaderDeps {
  readonly store: Store;
  readonly log: Log;
  readonly publisher: Publisher;
  readonly ingestion: Pick<Ingestion, 'acceptIn'>;
  readonly packs: GatherDeps;
  readonly telemetry: Telemetry;
  readonly newId: () => string; // UUID
  /** Part of every position: a log that begins anew (the embedded one) has a new one. */
  readonly epoch: number;
  readonly sourceTopics?: readonly string[] | null; // that packs may read; without them all
}

const CHUNK_RECORDS = 256;
const CHUNK_ITEMS = 1_000;
const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5_000;
/** More dead letters a minute than this are a fault of the map or of who writes the topic: it stops before it floods. */
export const LETTER_LIMIT = 500;

export const groupOf = ({ tenantId, source, topic }: SourceRef): string =>
  `millrace.source.${tenantId}.${source}.${topic}`;

type Handled = { readonly kind: 'done' } | { readonly kind: 'seek'; readonly offset: number };

export class TopicReader {
  /** Why it takes nothing more; undefined while all is well. */
  halted: string | undefined;
  /** Next offsets by partition, as this process last saw them; for the lag. */
  readonly committed = new Map<number, number>();
  private publishing: Promise<unknown> = Promise.resolve(); // of the chunk before: memory stays bounded by a slow log
  private readonly storm = new StormGuard();
  private readonly expected = new Map<number, number>(); // the log was seen to go on here: what is missing is a gap of its own

  constructor(
    private readonly of: SourceRef,
    private readonly deps: ReaderDeps,
  ) {}

  onAssigned(): void {
    this.expected.clear();
  }

  async onBatch(batch: Batch): Promise<void> {
    let delay = FIRST_DELAY_MS;
    let at = 0;
    while (at < batch.records.length) {
      if (this.halted !== undefined) await untilAborted(batch.signal);
      if (batch.isStale() || batch.signal.aborted) return;
      try {
        const pack = await this.pack();
        if (pack === undefined) return await this.pause(batch, delay);
        const chunk = this.take(batch, at, pack);
        const handled = await this.handle(batch, chunk);
        if (handled.kind === 'seek') return batch.seek(handled.offset);
        batch.resolve((chunk[chunk.length - 1] as Prepared).record.offset);
        at += chunk.length;
        delay = FIRST_DELAY_MS;
      } catch (error) {
        const code = kindOf(error);
        if (code === 'bug' || code === 'data') throw error;
        const reason = (error as Error).message;
        this.deps.telemetry.emit('source.repeated', { ...this.of, partition: batch.partition, reason, delayMs: delay });
        await this.pause(batch, delay);
        delay = Math.min(delay * 2, MAX_DELAY_MS);
      }
    }
  }

  /** The active pack while it still reads this topic by this source; else the reader is about to be stopped. */
  private async pack(): Promise<PackVersion | undefined> {
    const pack = await this.deps.packs.activePack(this.of.tenantId);
    return pack.pack.sources.get(this.of.source)?.topic?.name === this.of.topic ? pack : undefined;
  }

  private async pause({ signal }: Batch, ms: number): Promise<void> {
    await sleep(ms, undefined, { signal }).catch(() => undefined);
  }

  /** The next records for one transaction, read by the pack. */
  private take({ records, partition }: Batch, from: number, pack: PackVersion): Prepared[] {
    const reading = { of: this.of, partition, pack, receivedAt: new Date().toISOString(), newId: this.deps.newId };
    const chunk: Prepared[] = [];
    let items = 0;
    for (let at = from; at < records.length && chunk.length < CHUNK_RECORDS && items < CHUNK_ITEMS; at++) {
      const one = prepare(reading, records[at] as LogRecord);
      if (one.kind === 'request') items += one.request.items.length;
      chunk.push(one);
    }
    return chunk;
  }

  /** One transaction, or where Postgres refuses the data, one for each record: the culprit becomes a dead letter. */
  private async handle(batch: Batch, chunk: readonly Prepared[]): Promise<Handled> {
    try {
      return await this.commit(batch, chunk);
    } catch (error) {
      if (kindOf(error) !== 'data') throw error;
    }
    return commitOneByOne(chunk, (one, problem) =>
      this.commit(batch, [problem === undefined ? one : { record: one.record, kind: 'problem', problem }]),
    );
  }

  private async commit(batch: Batch, chunk: readonly Prepared[]): Promise<Handled> {
    const started = performance.now();
    const position = this.position(batch.partition);
    const scope = [this.of.tenantId, SYSTEM_TENANT];
    await this.publishing;
    const last = (chunk[chunk.length - 1] as Prepared).record.offset;
    const result = await this.deps.store.transaction(scope, async (tx) => {
      const { next } = await tx.openChunk([position], [], []);
      const start = await this.startOf(batch, next.get(batch.partition) ?? null, chunk);
      if (start.kind === 'seek') return start;
      const fresh = chunk.filter(({ record }) => record.offset >= start.next);
      if (fresh.length === 0) return { fresh, batches: [], next: start.next };
      const requests = fresh.flatMap((one) => (one.kind === 'request' ? [one.request] : []));
      const { batches } = await this.deps.ingestion.acceptIn(tx, requests);
      const deadLetters = fresh.flatMap((one) =>
        one.kind === 'problem' ? [letterOf(this.of, position, one.record, one.problem)] : [],
      );
      await tx.write({ positions: [{ ...position, next: last + 1 }], cases: [], journal: [], deadLetters });
      return { fresh, batches, next: last + 1 };
    });
    if ('kind' in result) return result;
    this.expected.set(batch.partition, result.next);
    this.committed.set(batch.partition, result.next);
    if (result.next > last + 1) return { kind: 'seek', offset: result.next };
    this.publishing = this.deps.publisher.publish(...result.batches);
    this.report(batch, result.fresh, performance.now() - started);
    return { kind: 'done' };
  }

  private position(partition: number): PositionKey {
    return { group: groupOf(this.of), topic: this.of.topic, epoch: this.deps.epoch, partition };
  }

  /**
   * Where the chunk begins to be new. Before the first records of an assignment the log is asked once for what the
   * position names; what it leaves out then is a gap of its own.
   */
  private async startOf(batch: Batch, next: number | null, chunk: readonly Prepared[]) {
    const { partition } = batch;
    const first = (chunk[0] as Prepared).record.offset;
    const from = { kind: 'from', next: next ?? 0 } as const;
    if (next === null || first === next || this.expected.get(partition) === next) return from;
    if (first < next && batch.highWatermark >= next) return from;
    const marks = await this.deps.log.watermarks(this.of.topic);
    const { low = 0, high = next } = marks.find((one) => one.partition === partition) ?? {};
    if (high < next) {
      this.deps.telemetry.emit('source.restarted', { ...this.of, partition, expected: next, high });
      return { kind: 'from', next: 0 } as const;
    }
    if (first <= next) return from;
    this.expected.set(partition, next);
    if (low > next) this.deps.telemetry.emit('source.gap', { ...this.of, partition, expected: next, low });
    const target = Math.max(next, low);
    return first > target ? ({ kind: 'seek', offset: target } as const) : from;
  }

  private report({ partition }: Batch, fresh: readonly Prepared[], ms: number): void {
    const { telemetry } = this.deps;
    let exceptions = 0;
    let skipped = 0;
    let rejected = 0;
    for (const one of fresh) {
      if (one.kind === 'request') exceptions += one.request.items.length;
      else if (one.kind === 'skipped') skipped++;
      else {
        rejected++;
        const { code, message } = one.problem;
        const { topic, tenantId } = this.of;
        telemetry.emit('event.rejected', { stage: 'intake', topic, code, message, tenantId, caseId: null });
      }
    }
    telemetry.emit('source.handled', {
      ...this.of,
      partition,
      records: fresh.length,
      exceptions,
      skipped,
      rejected,
      ms,
    });
    if (rejected === 0) return;
    const perMinute = this.storm.note(partition, rejected, performance.now());
    if (perMinute <= LETTER_LIMIT) return;
    this.halted = `${perMinute} dead letters within a minute from partition ${partition}: mend the source's map or who writes the topic; a new version of the pack starts it again`;
    telemetry.emit('source.trouble', { ...this.of, reason: this.halted });
  }
}
