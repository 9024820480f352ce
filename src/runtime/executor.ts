/**
 * Executors perform tool calls from the ledger, beside the consumer, never inside a chunk. A call is claimed with a
 * lease and an attempt number; it ends by a compare-and-set on that number, in the transaction that appends
 * `ToolFinished`. States it can meet: pending and due → claimed; leased and overdue → claimed again (at most once:
 * ended as unknown); canceled or taken over meanwhile → its end is dropped.
 */

import type { Block, BlockOutcome, Connection } from '../blocks/port.js';
import { Stop, type StopSignal } from '../core/stop.js';
import { headStart, LEASE_MS } from '../core/work.js';
import type { GatherDeps } from '../stages/contract.js';
import type { ClaimedExecution, ExecutionRow, Store } from '../store/port.js';
import type { Telemetry } from '../telemetry/catalogue.js';
import { appendAll, lockDrafts, writeDrafts } from './append.js';
import { type Ended, failed, pauseBefore, toolFinished, unknownOutcome } from './call-ends.js';
import { GroupCommit } from './group-commit.js';
import { type Publisher, tenantsOf } from './publisher.js';
import type { ExecutionSlots } from './slots.js';

const RENEW_MS = LEASE_MS / 3;
const RETRY_HERE_MS = 2_000; // a longer pause gives the slot to another call
const MOST_ENDS = 512;
const AHEAD = 64; // calls leased for each slot: a finished call is followed by the next at once, and many ends share a commit

export interface ExecutorDeps {
  readonly store: Store;
  readonly publisher: Publisher;
  readonly telemetry: Telemetry;
  readonly gather: GatherDeps;
  readonly blocks: ReadonlyMap<string, Block>;
  readonly owner: string; // this process
  readonly slots: number; // calls at once
  readonly clock?: () => number; // ms that only go up; `performance.now` if absent
}

/** A call that this process has leased; `leasedAt`: when, by the executor's clock. */
interface Held {
  readonly call: ClaimedExecution;
  readonly stop: Stop;
  leasedAt: number;
  done?: Promise<void>;
}

export class Executor implements ExecutionSlots {
  readonly owner: string;
  /** Called when there may be calls to claim and room for them. */
  onHungry: () => void = () => undefined;
  private reserved = 0;
  private active = 0;
  private stopping = false;
  private moreMayWait = false;
  private readonly queue: { readonly call: ClaimedExecution; readonly place: number }[] = []; // leased to this process, not started yet, in order
  private readonly held = new Map<string, Held>();
  private readonly ends: GroupCommit<Ended, boolean>;
  private readonly clock: () => number;

  constructor(private readonly deps: ExecutorDeps) {
    this.owner = deps.owner;
    this.clock = deps.clock ?? (() => performance.now());
    this.ends = new GroupCommit(
      (ended) => this.commitEnds(ended),
      MOST_ENDS,
      () => this.pauseMs,
    );
  }

  /** Calls that this process has leased, running or about to. */
  get busy(): number {
    return this.held.size;
  }

  reserve(wanted: number): number {
    if (this.stopping) return 0;
    const got = Math.max(0, Math.min(wanted, this.places));
    this.reserved += got;
    return got;
  }

  release(count: number): void {
    this.reserved -= count;
  }

  /** How long an end waits for others: longer where calls wait anyway (fewer commits, here and in all stages after). */
  private get pauseMs(): number {
    if (this.unfinished === 0 && !this.moreMayWait) return 0;
    return this.held.size > this.deps.slots * 2 ? 300 : 10;
  }

  private get most(): number {
    return this.deps.slots * AHEAD;
  }

  private get unfinished(): number {
    return this.queue.length + this.active;
  }

  /** What is not finished is bounded for those who take over from a killed process; ends that gather, only for memory. */
  private get places(): number {
    return Math.min(this.most - this.unfinished, 2 * this.most - this.held.size) - this.reserved;
  }

  /** Takes the calls that are leased; those that wait are looked for from now on: before the commit they would not be found. */
  start(executions: readonly ExecutionRow[], waiting: number): void {
    this.moreMayWait ||= waiting > 0;
    this.take(executions.map((execution) => ({ attempt: 1, tries: 0, expired: false, ...execution })));
  }

  /** Claims what is due and renews the leases of what is held; true when there may be more to claim at once. */
  async tick(): Promise<boolean> {
    await this.renew();
    const free = this.places;
    // Half of them, unless calls wait: a chunk that comes meanwhile leases its own, or they would wait for the next look.
    const wanted = this.reserve(this.moreMayWait ? free : Math.ceil(free / 2));
    if (wanted === 0) return false;
    this.moreMayWait = false;
    let claimed: readonly ClaimedExecution[] = [];
    try {
      claimed = await this.deps.store.transaction('all', (tx) => tx.claimExecutions(this.owner, wanted, LEASE_MS));
      this.moreMayWait ||= claimed.length === wanted;
    } finally {
      this.release(wanted - claimed.length);
    }
    this.take(claimed);
    this.ends.reconsider();
    return false;
  }

  /** Gives back what has not begun, waits for the rest until `deadlineMs`; what is left then is for whoever claims it. */
  async stop(deadlineMs: number): Promise<number> {
    this.stopping = true;
    const waiting = this.queue.splice(0);
    await Promise.all(
      waiting.map(({ call }) => this.postpone(call, call.tries, 0).finally(() => this.held.delete(call.executionId))),
    );
    const all = Promise.all([...this.held.values()].map(({ done }) => done));
    const timeout = new Promise<void>((resolve) => setTimeout(resolve, deadlineMs).unref());
    await Promise.race([all, timeout]);
    const left = this.held.size;
    for (const { stop } of this.held.values()) stop.abort();
    await this.ends.drain();
    return left;
  }

  private take(calls: readonly ClaimedExecution[]): void {
    this.release(calls.length);
    const leasedAt = this.clock();
    for (const call of calls) {
      this.held.set(call.executionId, { call, stop: new Stop(), leasedAt });
      this.line(call);
    }
    this.pump();
  }

  /** An urgent call goes before others, unless they have waited for longer than its head start. */
  private line(call: ClaimedExecution): void {
    const place = this.clock() - headStart(call.priority);
    const at = this.queue.findLastIndex((other) => other.place <= place) + 1;
    this.queue.splice(at, 0, { call, place });
  }

  /** Starts queued calls while slots are free. */
  private pump(): void {
    while (this.active < this.deps.slots) {
      const call = this.queue.shift()?.call;
      const held = call && this.held.get(call.executionId);
      if (!held) break;
      this.active++;
      held.done = this.perform(call, held.stop)
        .finally(() => this.slotFree())
        .then((end) => end())
        .catch((error: Error) =>
          this.deps.telemetry.emit('call.failed_to_end', { executionId: call.executionId, error: error.message }),
        )
        .finally(() => this.settled(call));
    }
    if (this.moreMayWait && this.unfinished <= this.most / 2 && !this.stopping) this.onHungry();
  }

  private slotFree(): void {
    this.active--;
    this.pump();
  }

  private settled(call: ClaimedExecution): void {
    this.held.delete(call.executionId);
    this.pump();
  }

  /** Makes the call, with the pauses and tries that belong here; answers what writes its end, for after the slot is free. */
  private async perform(call: ClaimedExecution, signal: StopSignal): Promise<() => Promise<void>> {
    if (call.expired && call.effect === 'at_most_once') return () => this.finish(call, call.tries, unknownOutcome(), 0);
    for (let tries = call.tries + 1; ; tries++) {
      const { block, tool, tenantId, caseId, executionId, attempt } = call;
      this.deps.telemetry.emit('call.started', { block, tool, tenantId, caseId, executionId, attempt });
      const started = performance.now();
      const outcome = await this.attempt(call, signal);
      const latencyMs = Math.round((performance.now() - started) * 1_000) / 1_000; // a clock of floats gives sixteen digits
      if (signal.aborted) return async () => undefined; // stopping, or the lease is lost: whoever claims it next decides
      const error = outcome.kind === 'succeeded' ? null : outcome.error;
      const pause = error ? pauseBefore(call, tries, outcome, error) : null;
      if (pause === null) return () => this.finish(call, tries, outcome, latencyMs);
      if (pause > RETRY_HERE_MS) return () => this.postpone(call, tries, pause);
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  private async attempt(call: ClaimedExecution, signal: StopSignal): Promise<BlockOutcome> {
    const block = this.deps.blocks.get(call.block);
    if (!block) return failed('BLOCK_UNKNOWN', 1001, `This worker has no block "${call.block}".`);
    const { tenantId, caseId, executionId, attempt, effect, input, timeoutMs, traceparent } = call;
    const connection = await this.connectionOf(call);
    if (connection === undefined)
      return failed('CONNECTION_UNKNOWN', 1001, `The pack has no connection "${call.connection}".`);
    const rest = traceparent === null ? {} : { traceparent };
    return block.perform(
      {
        tenantId,
        caseId,
        executionId,
        attempt,
        idempotencyKey: executionId,
        effect,
        input,
        connection,
        timeoutMs,
        ...rest,
      },
      signal,
    );
  }

  private async connectionOf({
    tenantId,
    packVersion,
    connection,
  }: ClaimedExecution): Promise<Connection | null | undefined> {
    if (connection === null) return null;
    const { pack } = await this.deps.gather.packVersion(tenantId, packVersion);
    return pack.connections.get(connection);
  }

  private async finish(call: ClaimedExecution, tries: number, outcome: BlockOutcome, latencyMs: number): Promise<void> {
    const { tenantId, caseId, executionId, attempt, block, tool } = call;
    const result = outcome.kind === 'succeeded' ? outcome.result : null;
    const error = outcome.kind === 'succeeded' ? null : outcome.error;
    const end = { tenantId, caseId, executionId, attempt, tries, status: outcome.kind, result, error, latencyMs };
    const ours = await this.ends.add({ call, end });
    const told = { block, tool, tenantId, caseId, executionId, attempt, tries, status: outcome.kind, latencyMs };
    if (ours) this.deps.telemetry.emit('call.finished', told);
    else this.deps.telemetry.emit('call.lost_lease', { block, executionId, attempt });
  }

  private async postpone(call: ClaimedExecution, tries: number, pauseMs: number): Promise<void> {
    const { tenantId, caseId, executionId, attempt } = call;
    await this.ends.add({
      call,
      end: { tenantId, caseId, executionId, attempt, tries, status: 'pending', inMs: pauseMs },
    });
  }

  /** Many finished calls in one transaction: cases locked, ends compared and set, `ToolFinished` appended for ours. */
  private async commitEnds(ended: readonly Ended[]): Promise<readonly boolean[]> {
    const { ours, batch } = await this.deps.store.transaction(tenantsOf(ended.map(({ end }) => end)), async (tx) => {
      const ends = ended.map(({ end }) => end);
      // Sent together, they run in this order: cases are locked first, as everywhere.
      const [drafts, kept, now] = await Promise.all([lockDrafts(tx, ends), tx.endExecutions(ends), tx.now()]);
      const appendices = ended.flatMap((one) => (kept.has(one.end.executionId) ? toolFinished(one) : []));
      appendAll(drafts, appendices, 'executor', now);
      return { ours: kept, batch: await tx.last(() => writeDrafts(tx, drafts.values())) };
    });
    void this.deps.publisher.publish(batch);
    return ended.map(({ end }) => ours.has(end.executionId));
  }

  /** Most calls end before their lease has to be renewed. */
  private async renew(): Promise<void> {
    const now = this.clock();
    const old = [...this.held.values()].filter(({ leasedAt }) => leasedAt <= now - RENEW_MS);
    if (old.length === 0) return;
    const calls = old.map(({ call }) => call);
    const kept = await this.deps.store.transaction('all', (tx) => tx.extendLeases(this.owner, calls, LEASE_MS));
    for (const one of old) {
      if (kept.has(one.call.executionId)) one.leasedAt = now;
      else if (this.held.get(one.call.executionId) === one) one.stop.abort();
    }
  }
}
