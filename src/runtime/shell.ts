/**
 * The rule of the shell, written once for all six workers: decode → gather → lock, dedupe, decide, write, commit →
 * publish → resolve. Whatever crashes where, a chunk's effects happen once: the position row decides.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeEvent, type LogRecord } from '../core/envelope.js';
import { type Problem, ProblemError } from '../core/errors.js';
import type { CaseEvent } from '../core/events.js';
import { caseKey } from '../core/ids.js';
import type { Outcome } from '../core/outcome.js';
import { TOPIC_OF } from '../core/stages.js';
import type { Batch, Log } from '../log/port.js';
import type { GatherDeps, Stage } from '../stages/contract.js';
import type { EventRef, ExecutionRow, OpenedChunk, PositionKey, Store, Tx, WriteBatch } from '../store/port.js';
import { refKey, SYSTEM_TENANT } from '../store/port.js';
import type { Telemetry } from '../telemetry/catalogue.js';
import { lockBudgets } from './budgets.js';
import { commitOneByOne, kindOf, untilAborted } from './failure.js';
import { type Decoded, type Folded, fold } from './fold.js';
import type { Progress } from './progress.js';
import type { Publisher } from './publisher.js';
import { reportChunk, reportReminders } from './report.js';
import { STORM_LIMIT, StormGuard } from './storm.js';
import type { TenantDirectory } from './tenants.js';

export const CHUNK_SIZE = 256;
/** Dead letters whose cause is known and one tenant's own: no reason to stop for the others. */
const OF_ONE_TENANT = new Set(['PACK_UNUSABLE', 'PACK_VERSION_UNKNOWN']);
/** So long until another try of what may be mended meanwhile, by a newer process or another pack version. */
const UNUSABLE_MS = 30_000;
const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 5_000;

/** Where the tool worker takes executions that its chunk already leased to it. */
export interface ExecutionSlots {
  readonly owner: string;
  /** Reserves up to `wanted` free slots; answers how many. */
  reserve(wanted: number): number;
  release(count: number): void;
  /** After the commit: the calls whose places were reserved, and how many of the chunk nobody has leased. */
  start(executions: readonly ExecutionRow[], waiting: number): void;
}

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
  readonly slots?: ExecutionSlots;
}

/** What a chunk came to: it is committed, or the partition must go on elsewhere. */
type Handled =
  | { readonly kind: 'done' }
  | { readonly kind: 'seek'; readonly offset: number }
  | { readonly kind: 'stale' };

export class Shell {
  /** Why this worker stopped taking chunks, for readiness; undefined while all is well. */
  halted: string | undefined;
  private readonly storm = new StormGuard();
  private readonly topic: string;
  private publishing: Promise<unknown> = Promise.resolve(); // of the chunk before: memory stays bounded by a slow log

  constructor(
    private readonly stage: Stage,
    private readonly deps: ShellDeps,
  ) {
    this.topic = TOPIC_OF[stage.name];
  }

  /** Handles one batch of the log, in chunks. Returns early when the partition is lost or the worker stops. */
  async onBatch(batch: Batch): Promise<void> {
    for (let at = 0; at < batch.records.length; at += CHUNK_SIZE) {
      const chunk = batch.records.slice(at, at + CHUNK_SIZE);
      const handled = await this.handleChunk(batch, chunk);
      if (handled.kind === 'seek') batch.seek(handled.offset);
      if (handled.kind !== 'done') return;
      const { offset } = chunk[chunk.length - 1] as LogRecord;
      this.deps.progress.commit(batch.partition, offset + 1);
      batch.resolve(offset);
    }
  }

  private async handleChunk(batch: Batch, records: readonly LogRecord[]): Promise<Handled> {
    let delay = FIRST_DELAY_MS;
    let decoded: readonly Decoded[] | undefined;
    let refused: Error | undefined;
    for (;;) {
      if (this.halted !== undefined) await untilAborted(batch.signal);
      if (batch.isStale() || batch.signal.aborted) return { kind: 'stale' };
      try {
        decoded ??= await this.decode(records);
        return await (refused
          ? commitOneByOne(decoded, (one, poison) => this.commitChunk(batch, [one], poison))
          : this.commitChunk(batch, decoded));
      } catch (error) {
        const kind = kindOf(error);
        if (kind === 'data' && !refused && decoded) {
          refused = error as Error;
          this.reportSplit(batch, decoded, refused);
          continue;
        }
        if (kind === 'bug' || kind === 'data') throw error;
        const reason = (error as Error).message;
        this.deps.telemetry.emit('chunk.repeated', {
          stage: this.stage.name,
          partition: batch.partition,
          reason,
          code: kind,
          delayMs: delay,
        });
        await sleep(delay, undefined, { signal: batch.signal }).catch(() => undefined);
        delay = Math.min(delay * 2, MAX_DELAY_MS);
      }
    }
  }

  /** Steps 1 and 2: outside any transaction. A chunk that is repeated keeps its facts. */
  private async decode(records: readonly LogRecord[]): Promise<readonly Decoded[]> {
    const now = Date.now();
    const decoded = records.map((record) => ({ record, result: decodeEvent(record, this.stage.name, now) }));
    const tenants = new Set<string>();
    for (const { result } of decoded) if (result.ok) tenants.add(result.event.tenantId);
    const known = await this.deps.tenants.known(tenants);
    // As a rule without a promise: one for each event would cost more than most decisions.
    const gathered = decoded.map(({ record, result }): Decoded | Promise<Decoded> => {
      if (!result.ok) return { record, problem: result.problem, tenantId: null };
      const { event } = result;
      if (!known.has(event.tenantId)) return { record, problem: unknownTenant(event), tenantId: null };
      return this.withFacts(record, event);
    });
    return gathered.some((one) => one instanceof Promise) ? Promise.all(gathered) : (gathered as Decoded[]);
  }

  /** What cannot be had for one tenant's event, as with a pack that does not compile, must not hold the others. */
  private withFacts(record: LogRecord, event: CaseEvent): Decoded | Promise<Decoded> {
    const unusable = (error: unknown): Decoded => ({ record, event, facts: null, instead: retryOf(error) });
    try {
      const facts = this.stage.gather(this.deps.gather, event);
      if (!(facts instanceof Promise)) return { record, event, facts };
      return facts.then((had) => ({ record, event, facts: had }), unusable);
    } catch (error) {
      return unusable(error);
    }
  }

  /** Steps 3 to 7 for records that share one transaction. */
  private async commitChunk(batch: Batch, decoded: readonly Decoded[], poison?: Problem): Promise<Handled> {
    const started = performance.now();
    const position: PositionKey = {
      group: this.deps.group,
      topic: this.topic,
      epoch: this.deps.epoch,
      partition: batch.partition,
    };
    await this.publishing;
    const refs: EventRef[] = [];
    for (const one of decoded) if ('event' in one) refs.push(refOf(one.event));
    const tenants = [...new Set(refs.map((ref) => ref.tenantId)), SYSTEM_TENANT];
    let reserved = 0;
    try {
      const result = await this.deps.store.transaction(tenants, async (tx) => {
        const opened = await tx.openChunk(position, refs, this.stage.reads);
        const detour = await this.gapBefore(batch, opened, decoded);
        if (detour) return detour;
        const journalData = await duplicatesData(tx, opened, refs, this.stage);
        const budgets = poison ? undefined : await lockBudgets(tx, this.stage, decoded, opened);
        const folded = fold({
          stage: this.stage,
          position,
          records: decoded,
          opened,
          journalData,
          ...(poison && { poison }),
          ...(budgets && { budgets }),
        });
        reserved = this.deps.slots?.reserve(folded.batch.executions?.length ?? 0) ?? 0;
        const leased = lease(folded.batch, this.deps.slots?.owner ?? null, reserved);
        return { folded, leased, leftovers: await tx.last(() => tx.write(leased)) };
      });
      if ('kind' in result) return result;
      this.start(result.leased, reserved);
      reserved = 0;
      this.publishing = this.deps.publisher.publish([...result.leftovers, ...result.leased.journal]);
      this.report(batch, result.folded, performance.now() - started);
      return { kind: 'done' };
    } finally {
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
  private async gapBefore(
    batch: Batch,
    opened: OpenedChunk,
    decoded: readonly Decoded[],
  ): Promise<Handled | undefined> {
    const first = (decoded[0] as Decoded).record.offset;
    if (opened.next !== null && first <= opened.next) return undefined;
    const marks = await this.deps.log.watermarks(this.topic);
    const low = marks.find(({ partition }) => partition === batch.partition)?.low ?? 0;
    const expected = Math.max(opened.next ?? 0, low);
    if (first > expected) return { kind: 'seek', offset: expected };
    if (opened.next !== null && low > opened.next) {
      const gap = { expected: opened.next, found: first, low };
      this.deps.telemetry.emit('stream.gap', { stage: this.stage.name, partition: batch.partition, ...gap });
    }
    return undefined;
  }

  private reportSplit({ partition }: Batch, { length: records }: readonly Decoded[], { message: code }: Error): void {
    this.deps.telemetry.emit('chunk.split', { stage: this.stage.name, partition, records, code });
  }

  private report(batch: Batch, folded: Folded, ms: number): void {
    const { telemetry } = this.deps;
    reportReminders(telemetry, folded.batch.journal);
    const told = reportChunk(telemetry, this.stage.name, this.topic, batch.partition, folded.judged, ms);
    const rejected = told.filter((code) => !OF_ONE_TENANT.has(code));
    if (rejected.length === 0) return;
    const perMinute = this.storm.note(batch.partition, rejected.length, performance.now());
    if (perMinute <= STORM_LIMIT) return;
    const code = rejected[rejected.length - 1] as string;
    telemetry.emit('dead_letters.storm', { stage: this.stage.name, partition: batch.partition, perMinute, code });
    this.halted = `${perMinute} dead letters within a minute on ${this.topic}/${batch.partition}, the last with ${code}: look at the newest dead letters and at what was deployed last, then restart this worker`;
  }
}

/** Throws what is no problem of one tenant: the chunk is tried again then. */
function retryOf(error: unknown): Outcome {
  if (!(error instanceof ProblemError)) throw error;
  const { code, message } = error.problem;
  return { kind: 'retry', code, reason: message, afterMs: UNUSABLE_MS };
}

const refOf = ({ tenantId, caseId, seq, id }: CaseEvent): EventRef => ({ tenantId, caseId, seq, eventId: id });

const unknownTenant = (event: CaseEvent): Problem => ({
  code: 'TENANT_UNKNOWN',
  message: `There is no tenant "${event.tenantId}", or it is disabled.`,
});

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
    (ref) => ref.seq <= (seen.get(caseKey(ref.tenantId, ref.caseId)) ?? 0) && opened.known.has(refKey(ref)),
  );
  return duplicates.length === 0 ? NO_DATA : tx.journalData(duplicates);
}

function lease(batch: WriteBatch, owner: string | null, slots: number): WriteBatch {
  if (slots === 0) return batch;
  const urgentFirst = [...(batch.executions ?? [])].sort((a, b) => a.priority - b.priority);
  const executions = urgentFirst.map((execution, i) => (i < slots ? { ...execution, leaseOwner: owner } : execution));
  return { ...batch, executions };
}
