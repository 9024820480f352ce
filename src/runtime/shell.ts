/**
 * The rule of the shell, written once for all six workers: decode → gather → lock, dedupe, decide, write, commit →
 * publish → resolve. Whatever crashes where, a chunk's effects happen once: the position row decides.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LogRecord } from '../core/envelope.js';
import type { Problem } from '../core/errors.js';
import type { CaseEvent } from '../core/events.js';
import { caseKey } from '../core/ids.js';
import { TOPIC_OF } from '../core/stages.js';
import type { Batch, Log } from '../log/port.js';
import type { GatherDeps, Stage } from '../stages/contract.js';
import type { EventRef, OpenedChunk, PositionKey, Store, Tx, WriteBatch } from '../store/port.js';
import { SYSTEM_TENANT } from '../store/port.js';
import type { Telemetry } from '../telemetry/catalogue.js';
import { lockBudgets } from './budgets.js';
import type { Decoded, Folded, Source } from './chunk.js';
import { commitOneByOne, kindOf, untilAborted } from './failure.js';
import { fold } from './fold.js';
import { Lanes } from './lanes.js';
import type { Progress } from './progress.js';
import { type Publisher, scopeWith } from './publisher.js';
import { receive } from './receive.js';
import { reportChunk, reportReminders } from './report.js';
import { type ExecutionSlots, lease } from './slots.js';
import { STORM_LIMIT, StormGuard } from './storm.js';
import type { TenantDirectory } from './tenants.js';

export const CHUNK_SIZE = 1_024;
/** Dead letters whose cause is known and one tenant's own: no reason to stop for the others. */
const OF_ONE_TENANT = new Set(['PACK_UNUSABLE', 'PACK_VERSION_UNKNOWN']);
const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5_000;

export interface ShellDeps {
  readonly store: Store;
  readonly log: Log;
  readonly publisher: Publisher;
  readonly tenants: TenantDirectory;
  readonly gather: GatherDeps;
  readonly telemetry: Telemetry;
  readonly group: string;
  readonly epoch: number;
  readonly progress: Progress;
  readonly lanes: number; // chunks at once
  readonly slots?: ExecutionSlots;
}

/** What one batch has in a chunk. Decoded once: a chunk that is repeated keeps its facts. */
interface Part {
  readonly batch: Batch;
  readonly records: readonly LogRecord[]; // not empty
  readonly isAlone?: boolean; // shares no chunk with others
  decoded?: readonly Decoded[];
}

/** What a part came to: it is committed, or its partition must go on elsewhere. */
type Handled =
  | { readonly kind: 'done' }
  | { readonly kind: 'seek'; readonly offset: number }
  | { readonly kind: 'stale' };
const DONE = { kind: 'done' } as const;

export class Shell {
  /** Why this worker stopped taking chunks, for readiness; undefined while all is well. */
  halted: string | undefined;
  private readonly storm = new StormGuard();
  private readonly topic: string;
  private readonly lanes: Lanes<Part, Handled>;
  private publishing: Promise<unknown> = Promise.resolve(); // of the chunk before: memory stays bounded by a slow log

  constructor(
    private readonly stage: Stage,
    private readonly deps: ShellDeps,
  ) {
    this.topic = TOPIC_OF[stage.name];
    this.lanes = new Lanes((parts) => this.handle(parts), deps.lanes, CHUNK_SIZE);
  }

  /** Handles one batch of the log, in chunks. Returns early when the partition is lost or the worker stops. */
  async onBatch(batch: Batch): Promise<void> {
    for (let at = 0; at < batch.records.length; at += CHUNK_SIZE) {
      const records = batch.records.slice(at, at + CHUNK_SIZE);
      const handled = await this.lanes.add({ batch, records });
      if (handled.kind === 'seek') batch.seek(handled.offset);
      if (handled.kind !== 'done') return;
      const { offset } = records[records.length - 1] as LogRecord;
      this.deps.progress.commit(batch.partition, offset + 1);
      batch.resolve(offset);
    }
  }

  /** Several partitions together, once; where that does not go well, each by itself, so that none waits for another. */
  private async handle(parts: readonly Part[]): Promise<readonly (Handled | Promise<Handled>)[]> {
    const [first] = parts;
    if (first !== undefined && parts.length === 1) return [await this.alone(first)];
    if (await this.together(parts)) return parts.map(() => DONE);
    return parts.map((part) => this.lanes.add({ ...part, isAlone: true }));
  }

  private async together(parts: readonly Part[]): Promise<boolean> {
    if (this.halted !== undefined || parts.some(({ batch }) => batch.isStale() || batch.signal.aborted)) return false;
    try {
      for (const part of parts) part.decoded ??= await this.decode(part);
      return (await this.commitChunk(sorted(parts))).kind === 'done';
    } catch (error) {
      const kind = kindOf(error);
      if (kind === 'bug') throw error;
      this.reportRepeated(parts[0] as Part, error as Error, 0, kind);
      return false;
    }
  }

  private async alone(part: Part): Promise<Handled> {
    const { batch } = part;
    let delay = FIRST_DELAY_MS;
    let refused: Error | undefined;
    for (;;) {
      if (this.halted !== undefined) await untilAborted(batch.signal);
      if (batch.isStale() || batch.signal.aborted) return { kind: 'stale' };
      try {
        part.decoded ??= await this.decode(part);
        return await (refused
          ? commitOneByOne(part.decoded, (one, poison) => this.commitChunk([{ ...part, decoded: [one] }], poison))
          : this.commitChunk([part]));
      } catch (error) {
        const kind = kindOf(error);
        if (kind === 'data' && !refused && part.decoded) {
          refused = error as Error;
          this.reportSplit(batch, part.decoded, refused);
          continue;
        }
        if (kind === 'bug' || kind === 'data') throw error;
        this.reportRepeated(part, error as Error, delay, kind);
        await sleep(delay, undefined, { signal: batch.signal }).catch(() => undefined);
        delay = Math.min(delay * 2, MAX_DELAY_MS);
      }
    }
  }

  /** Steps 1 and 2: outside any transaction. */
  private decode({ batch: { partition }, records }: Part): Promise<readonly Decoded[]> {
    return receive(this.stage, this.deps, partition, records);
  }

  /** Steps 3 to 7 for decoded records that share one transaction. What is not `done` has changed nothing. */
  private async commitChunk(parts: readonly Part[], poison?: Problem): Promise<Handled> {
    const started = performance.now();
    const source: Source = { group: this.deps.group, topic: this.topic, epoch: this.deps.epoch };
    const positions = parts.map(({ batch }): PositionKey => ({ partition: batch.partition, ...source }));
    const decoded = parts.length === 1 ? decodedOf(parts[0] as Part) : parts.flatMap(decodedOf);
    await this.publishing;
    const refs: EventRef[] = [];
    for (const one of decoded) if ('event' in one) refs.push(refOf(one.event));
    const tenants = [...new Set(refs.map((ref) => ref.tenantId)), SYSTEM_TENANT];
    let reserved = 0;
    let settled = this.deps.publisher.take();
    try {
      const result = await this.deps.store.transaction(scopeWith(tenants, settled), async (tx) => {
        const opened = await tx.openChunk(positions, refs, this.stage.reads, this.stage.name);
        for (const part of parts) {
          const detour = await this.gapBefore(part, opened);
          if (detour) return detour;
        }
        const journalData = await duplicatesData(tx, opened, refs, this.stage);
        const budgets = poison ? undefined : await lockBudgets(tx, this.stage, decoded, opened);
        const folded = fold({
          stage: this.stage,
          source,
          records: decoded,
          opened,
          journalData,
          ...(poison && { poison }),
          ...(budgets && { budgets }),
        });
        reserved = this.deps.slots?.reserve(folded.batch.executions?.length ?? 0) ?? 0;
        const leased = lease(folded.batch, this.deps.slots?.owner ?? null, reserved);
        const batch = await tx.last(() => tx.write({ ...leased, published: settled }));
        return { folded, leased, batch };
      });
      if ('kind' in result) return result;
      settled = [];
      this.start(result.leased, reserved);
      reserved = 0;
      this.publishing = this.deps.publisher.publish(result.batch);
      this.report(positions, result.folded, performance.now() - started);
      return DONE;
    } finally {
      this.deps.publisher.giveBack(settled);
      if (reserved > 0) this.deps.slots?.release(reserved);
    }
  }

  private start(batch: WriteBatch, reserved: number): void {
    const calls = batch.executions ?? [];
    if (calls.length === 0) return;
    const leased = calls.filter((execution) => execution.leaseOwner !== null);
    this.deps.slots?.start(leased, calls.length - reserved);
  }

  /** A first record above the position means that the log skipped some: go back to them, or say that they are gone. */
  private async gapBefore(part: Part, opened: OpenedChunk): Promise<Handled | undefined> {
    const { partition } = part.batch;
    const first = (decodedOf(part)[0] as Decoded).record.offset;
    const next = opened.next.get(partition);
    if (next !== undefined && first <= next) return undefined;
    const marks = await this.deps.log.watermarks(this.topic);
    const low = marks.find((mark) => mark.partition === partition)?.low ?? 0;
    const expected = Math.max(next ?? 0, low);
    if (first > expected) return { kind: 'seek', offset: expected };
    if (next !== undefined && low > next) {
      const gap = { expected: next, found: first, low };
      this.deps.telemetry.emit('stream.gap', { stage: this.stage.name, partition, ...gap });
    }
    return undefined;
  }

  private reportRepeated(
    { batch: { partition } }: Part,
    { message: reason }: Error,
    delayMs: number,
    code: string,
  ): void {
    this.deps.telemetry.emit('chunk.repeated', { stage: this.stage.name, partition, reason, code, delayMs });
  }

  private reportSplit({ partition }: Batch, { length: records }: readonly Decoded[], { message: code }: Error): void {
    this.deps.telemetry.emit('chunk.split', { stage: this.stage.name, partition, records, code });
  }

  private report(positions: readonly PositionKey[], folded: Folded, ms: number): void {
    const { telemetry } = this.deps;
    reportReminders(telemetry, folded.batch.journal);
    const partitions = positions.map(({ partition }) => partition);
    const told = reportChunk(telemetry, this.stage.name, this.topic, partitions, folded.judged, ms);
    for (const { code, partition } of told) if (!OF_ONE_TENANT.has(code)) this.noteLetter(partition, code);
  }

  private noteLetter(partition: number, code: string): void {
    const perMinute = this.storm.note(partition, 1, performance.now());
    if (perMinute <= STORM_LIMIT || this.halted !== undefined) return;
    this.deps.telemetry.emit('dead_letters.storm', { stage: this.stage.name, partition, perMinute, code });
    this.halted = `${perMinute} dead letters within a minute on ${this.topic}/${partition}, the last with ${code}: look at the newest dead letters and at what was deployed last, then restart this worker`;
  }
}

const decodedOf = ({ decoded = [] }: Part): readonly Decoded[] => decoded;
const sorted = (parts: readonly Part[]): Part[] => [...parts].sort((a, b) => a.batch.partition - b.batch.partition);

const refOf = ({ tenantId, caseId, seq, id }: CaseEvent): EventRef => ({ tenantId, caseId, seq, eventId: id });

const NO_DATA: ReadonlyMap<string, string> = new Map();

async function duplicatesData(
  tx: Tx,
  opened: OpenedChunk,
  refs: readonly EventRef[],
  stage: Stage,
): Promise<ReadonlyMap<string, string>> {
  const seen = new Map<string, number>(); // empty where none of the cases was here before
  for (const { state, seen: marks } of opened.cases) {
    const mark = marks[stage.name];
    if (mark !== undefined) seen.set(caseKey(state.tenantId, state.caseId), mark);
  }
  if (seen.size === 0) return NO_DATA;
  const duplicates = refs.filter(
    (ref, i) => ref.seq <= (seen.get(caseKey(ref.tenantId, ref.caseId)) ?? 0) && opened.known[i],
  );
  return duplicates.length === 0 ? NO_DATA : tx.journalData(duplicates);
}
