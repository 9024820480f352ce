/**
 * What every process looks after beside its own work: events that a crash left in the outbox, due timers, incidents. One
 * look a second for all of them, since as a rule there is nothing to do.
 */
import type { Store } from '../store/port.js';
import type { Correlator } from './correlator.js';
import { CONSUMED_MS, type Publisher } from './publisher.js';
import { STALE_MS, type Sweeper } from './sweeper.js';
import type { Timers } from './timers.js';

export interface UpkeepParts {
  readonly store: Store;
  readonly publisher: Publisher;
  readonly sweeper: Sweeper;
  readonly timers: Timers;
  readonly correlator: Correlator;
}

export class Upkeep {
  constructor(private readonly parts: UpkeepParts) {}

  /** One look and what it asks for; true when there may be more at once. */
  async tick(): Promise<boolean> {
    const { store, publisher, sweeper, timers, correlator } = this.parts;
    const before = publisher.consumedBefore;
    const due = await store.transaction('all', (tx) => tx.last(() => tx.dueWork()));
    if (due.outboxMs < CONSUMED_MS) publisher.forget(before);
    else if (due.outboxMs < STALE_MS) await publisher.settle(before);
    const rounds = [
      ...(due.outboxMs >= STALE_MS || due.letters ? [sweeper.tick(before)] : []),
      ...(due.timers ? [timers.tick()] : []),
      ...(due.incidents ? [correlator.tick()] : []),
    ];
    return (await Promise.all(rounds)).some((more) => more);
  }
}
