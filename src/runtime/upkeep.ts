/**
 * What every process looks after beside its own work: events that a crash left in the outbox, due timers, incidents. One
 * look for all of them, since as a rule there is nothing to do.
 */
import type { Store } from '../store/port.js';
import type { Correlator } from './correlator.js';
import type { Publisher } from './publisher.js';
import { STALE_MS, type Sweeper } from './sweeper.js';
import type { Timers } from './timers.js';

export interface UpkeepParts {
  readonly store: Store;
  readonly publisher: Publisher;
  readonly sweeper: Sweeper;
  readonly timers: Timers;
  readonly correlator: Correlator;
}

// A look at the outbox passes over what was deleted since others looked: it may take a hundredth of a process's time, not more.
const OUTBOX_SHARE = 100;
const OUTBOX_PAUSE_MS = 2_000;

export class Upkeep {
  private outboxFrom = 0; // when the next look at the outbox is due

  constructor(private readonly parts: UpkeepParts) {}

  /** One look and what it asks for; true when there may be more at once. */
  async tick(): Promise<boolean> {
    const { store, publisher, sweeper, timers, correlator } = this.parts;
    const before = publisher.settledBefore;
    const started = performance.now();
    const withOutbox = started >= this.outboxFrom;
    const due = await store.transaction('all', (tx) => tx.last(() => tx.dueWork(withOutbox)));
    const now = performance.now();
    if (withOutbox) this.outboxFrom = now + Math.min((now - started) * OUTBOX_SHARE, OUTBOX_PAUSE_MS);
    const { outboxMs } = due;
    const isStale = outboxMs !== null && outboxMs >= STALE_MS;
    if (!isStale) await publisher.settle(before);
    const rounds = [
      ...(isStale || due.letters ? [sweeper.tick(before)] : []),
      ...(due.timers ? [timers.tick()] : []),
      ...(due.incidents ? [correlator.tick()] : []),
    ];
    return (await Promise.all(rounds)).some((more) => more);
  }
}
