/**
 * Step 6: publishes journal entries. One batch in flight; what fails stays in the outbox for the sweeper, so a caller never
 * has to wait for the log to be sure that nothing is lost. Whoever consumes an event takes its row out of the outbox in the
 * transaction it has anyway; what is not consumed soon is taken out here, many rows at once.
 */
import { encodeEvent, type JournalEntry, type Leftover, type OutRecord } from '../core/envelope.js';
import { stageFor } from '../core/events.js';
import type { Log } from '../log/port.js';
import type { Store } from '../store/port.js';
import type { Telemetry } from '../telemetry/catalogue.js';
import { eventKey } from './fold.js';

export class Publisher {
  private tail: Promise<void> = Promise.resolve();
  private readonly published = new Map<string, JournalEntry>(); // acknowledged, their outbox rows not yet deleted
  private deleting: Promise<void> | null = null;

  constructor(
    private readonly log: Log,
    private readonly store: Store,
    private readonly telemetry: Telemetry,
    private readonly by: string,
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
    await this.settle();
  }

  /** Deletes the rows of what was published so far. Before they are stale: the sweeper would publish them once more. */
  settle(): Promise<void> {
    this.deleting ??= this.deletePublished().finally(() => {
      this.deleting = null;
    });
    return this.deleting;
  }

  private async send(entries: readonly Leftover[]): Promise<boolean> {
    const started = performance.now();
    const wanted = entries.filter((entry) => entry.again === true || !this.published.has(eventKey(entry)));
    const records: OutRecord[] = [];
    for (const entry of wanted) {
      const stage = stageFor(entry.type);
      if (stage !== null) records.push(encodeEvent(entry, stage));
    }
    if (records.length === 0) return true;
    try {
      await this.log.publish(records);
    } catch (error) {
      this.telemetry.emit('outbox.failed', { by: this.by, events: records.length, error: (error as Error).message });
      return false;
    }
    for (const entry of wanted) if (stageFor(entry.type) !== null) this.published.set(eventKey(entry), entry);
    this.telemetry.emit('outbox.published', { by: this.by, events: records.length, ms: performance.now() - started });
    return true;
  }

  private async deletePublished(): Promise<void> {
    try {
      while (this.published.size > 0) {
        const round = [...this.published.values()];
        await this.store.transaction(tenantsOf(round), (tx) => tx.last(() => tx.deleteOutbox(round)));
        for (const entry of round) this.published.delete(eventKey(entry));
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
