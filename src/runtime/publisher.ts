/**
 * Step 6: publishes journal entries. One batch in flight; what fails stays in the outbox for the sweeper, so a caller never
 * has to wait for the log to be sure that nothing is lost. Whoever consumes an event takes its row out of the outbox in the
 * transaction it has anyway; what is not consumed soon is taken out here, many rows at once.
 */
import { encodeEvent, type JournalEntry, type Leftover, type OutRecord } from '../core/envelope.js';
import { stageFor } from '../core/events.js';
import type { Log } from '../log/port.js';
import type { EventKey, Store } from '../store/port.js';
import type { Telemetry } from '../telemetry/catalogue.js';
import { eventKey } from './fold.js';

/** Rows that wait for so long are deleted at once: a process too busy to look would see its events published again. */
const OVERDUE_MS = 2_000;
/** So long an event may wait for its consumer, who takes its row out of the outbox, before its publisher does. */
export const CONSUMED_MS = 1_000;

/** An event that is published; not the event itself, or the memory of a busy process would be full of them. */
interface Published extends EventKey {
  readonly at: number; // since when, by the clock
}

export class Publisher {
  private tail: Promise<void> = Promise.resolve();
  /** Acknowledged, and their outbox rows not known to be gone. */
  private readonly published = new Map<string, Published>();
  private deleting: Promise<void> | null = null;

  constructor(
    private readonly log: Log,
    private readonly store: Store,
    private readonly telemetry: Telemetry,
    private readonly by: string,
    private readonly clock: () => number = () => performance.now(),
  ) {}

  /** Publishes in order, after what was asked before. Resolves false when the log refused: the sweeper has it then. */
  publish(entries: readonly Leftover[]): Promise<boolean> {
    const result = this.tail.then(() => this.send(entries));
    this.tail = result.then(() => undefined);
    return result;
  }

  /** Resolves when everything that was asked for is published and deleted, or left to the sweeper. */
  async drain(): Promise<void> {
    await this.tail;
    await this.deleting; // which may leave out what is younger
    await this.settle();
  }

  /** What was published before has had its time to be consumed. */
  get consumedBefore(): number {
    return this.clock() - CONSUMED_MS;
  }

  /** Deletes the rows of what was published before `before`, and not consumed since: the sweeper would publish it once more. */
  settle(before = Number.POSITIVE_INFINITY): Promise<void> {
    this.deleting ??= this.deletePublished(before).finally(() => {
      this.deleting = null;
    });
    return this.deleting;
  }

  /** The rows of what was published before `before` are gone: whoever consumed it took them out. */
  forget(before: number): void {
    for (const key of this.publishedBefore(before).keys()) this.published.delete(key);
  }

  /** In the order of publishing, which is the map's. */
  private publishedBefore(before: number): Map<string, Published> {
    const found = new Map<string, Published>();
    for (const [key, one] of this.published) {
      if (one.at >= before) break;
      found.set(key, one);
    }
    return found;
  }

  private async send(entries: readonly Leftover[]): Promise<boolean> {
    const started = performance.now();
    const records: OutRecord[] = [];
    const sent = new Map<string, JournalEntry>(); // by its key, made once
    for (const entry of entries) {
      const stage = stageFor(entry.type);
      if (stage === null) continue;
      const key = eventKey(entry);
      if (entry.again !== true && this.published.has(key)) continue;
      records.push(encodeEvent(entry, stage));
      sent.set(key, entry);
    }
    if (records.length === 0) return true;
    try {
      await this.log.publish(records);
    } catch (error) {
      this.telemetry.emit('outbox.failed', { by: this.by, events: records.length, error: (error as Error).message });
      return false;
    }
    const at = this.clock();
    for (const [key, entry] of sent) this.keep(key, entry, at);
    this.telemetry.emit('outbox.published', { by: this.by, events: records.length, ms: performance.now() - started });
    const oldest = this.published.values().next().value;
    if (oldest !== undefined && oldest.at < at - OVERDUE_MS) void this.settle(this.consumedBefore);
    return true;
  }

  private keep(key: string, { tenantId, caseId, seq }: JournalEntry, at: number): void {
    this.published.delete(key); // published again: it is the last one now
    this.published.set(key, { tenantId, caseId, seq, at });
  }

  private async deletePublished(before: number): Promise<void> {
    try {
      for (;;) {
        const round = this.publishedBefore(before);
        if (round.size === 0) return;
        const rows = [...round.values()];
        await this.store.transaction(tenantsOf(rows), (tx) => tx.last(() => tx.deleteOutbox(rows)));
        for (const key of round.keys()) this.published.delete(key);
      }
    } catch {
      this.published.clear(); // the rows stay; the sweeper publishes them once more, which readers drop
    }
  }
}

/** The distinct tenants of some rows: the scope of the transaction that touches them. */
export const tenantsOf = (rows: readonly { readonly tenantId: string }[]): string[] => [
  ...new Set(rows.map(({ tenantId }) => tenantId)),
];
