/**
 * Step 6: publishes what transactions appended. One batch in flight; what fails stays in the outbox for the sweeper, so a
 * caller never has to wait for the log to be sure that nothing is lost. What the log has leaves the outbox with the process's
 * next transaction of the shell, or here, where none comes soon.
 */
import { encodeEvent, type OutRecord } from '../core/envelope.js';
import { stageFor } from '../core/events.js';
import type { Log } from '../log/port.js';
import type { BatchRef, Store, Unpublished } from '../store/port.js';
import type { Telemetry } from '../telemetry/catalogue.js';

/** Batches that wait for so long are deleted at once: a process too busy to look would see its events published again. */
const OVERDUE_MS = 2_000;
/** So long a published batch waits for a transaction that it can be deleted in. */
const SETTLED_MS = 1_000;

/** A batch that the log has, and that is not known to have left the outbox. */
export interface Published extends BatchRef {
  readonly at: number; // since when, by the clock
}

export class Publisher {
  private tail: Promise<void> = Promise.resolve();
  private published: Published[] = []; // the oldest first
  private deleting: Promise<void> | null = null;

  constructor(
    private readonly log: Log,
    private readonly store: Store,
    private readonly telemetry: Telemetry,
    private readonly by: string,
    private readonly clock: () => number = () => performance.now(),
  ) {}

  /** Publishes in order, after what was asked before. Resolves false when the log refused: the sweeper has it then. */
  publish(...batches: readonly (Unpublished | null)[]): Promise<boolean> {
    const some = batches.filter((batch) => batch !== null);
    if (some.length === 0) return Promise.resolve(true);
    const result = this.tail.then(() => this.send(some));
    this.tail = result.then(() => undefined);
    return result;
  }

  /** Resolves when everything that was asked for is published and deleted, or left to the sweeper. */
  async drain(): Promise<void> {
    await this.tail;
    await this.deleting; // which may leave out what is younger
    await this.settle();
  }

  /** What was published before has had its time to be deleted by the way. */
  get settledBefore(): number {
    return this.clock() - SETTLED_MS;
  }

  /** Something that was published before `before` is still to be deleted. */
  isUnsettled(before: number): boolean {
    const [oldest] = this.published;
    return oldest !== undefined && oldest.at < before;
  }

  /** What the next transaction may delete, which is no other's then; what it does not delete is to be given back. */
  take(): readonly Published[] {
    return this.published.splice(0);
  }

  giveBack(taken: readonly Published[]): void {
    if (taken.length > 0) this.published = [...taken, ...this.published];
  }

  /** Deletes what was published before `before`: the sweeper would publish it once more. */
  settle(before = Number.POSITIVE_INFINITY): Promise<void> {
    this.deleting ??= this.deletePublished(before).finally(() => {
      this.deleting = null;
    });
    return this.deleting;
  }

  private async send(batches: readonly Unpublished[]): Promise<boolean> {
    const started = performance.now();
    const records: OutRecord[] = [];
    for (const { entries } of batches) {
      for (const entry of entries) {
        const stage = stageFor(entry.type);
        if (stage !== null) records.push(encodeEvent(entry, stage));
      }
    }
    try {
      if (records.length > 0) await this.log.publish(records);
    } catch (error) {
      this.telemetry.emit('outbox.failed', { by: this.by, events: records.length, error: (error as Error).message });
      return false;
    }
    const at = this.clock();
    for (const { batchId, tenants } of batches) this.published.push({ batchId, tenants, at });
    this.telemetry.emit('outbox.published', { by: this.by, events: records.length, ms: performance.now() - started });
    if (this.isUnsettled(at - OVERDUE_MS)) void this.settle(this.settledBefore);
    return true;
  }

  private async deletePublished(before: number): Promise<void> {
    const old = this.published.filter(({ at }) => at < before);
    if (old.length === 0) return;
    this.published = this.published.filter(({ at }) => at >= before);
    try {
      await this.store.transaction(scopeWith([], old), (tx) => tx.last(() => tx.deleteOutbox(old)));
    } catch {
      // The rows stay; the sweeper publishes them once more, which readers drop.
    }
  }
}

/** `tenants`, and those of batches that the same transaction deletes. */
export const scopeWith = (tenants: readonly string[], batches: readonly BatchRef[]): readonly string[] =>
  batches.length === 0 ? tenants : [...new Set([...tenants, ...batches.flatMap((batch) => batch.tenants)])];

/** The distinct tenants of some rows: the scope of the transaction that touches them. */
export const tenantsOf = (rows: readonly { readonly tenantId: string }[]): string[] => [
  ...new Set(rows.map(({ tenantId }) => tenantId)),
];
