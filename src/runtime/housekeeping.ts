/** What every process does beside its own work: sweep the outbox, fire timers, put cases into incidents, say that it is alive. */
import { hostname } from 'node:os';
import { REMEMBERED_MS } from '../core/history.js';
import type { StageName } from '../core/stages.js';
import type { Log } from '../log/port.js';
import type { Store } from '../store/port.js';
import type { Telemetry } from '../telemetry/catalogue.js';
import { Correlator } from './correlator.js';
import { type LoopWatch, startLoop } from './loop.js';
import type { Publisher } from './publisher.js';
import { Sweeper } from './sweeper.js';
import { Timers } from './timers.js';
import { Upkeep } from './upkeep.js';

const LOOK_MS = 2_000; // of one process among several: together they look every few hundred milliseconds
const ALONE_MS = 1_000;
const BEAT_MS = 5_000;
const BUDGETS_MS = 60_000;
const MOST_BUDGETS = 1_000;
const FINGERPRINTS_MS = 10 * 60_000;
const MOST_FINGERPRINTS = 1_000;

export interface HousekeepingOptions {
  readonly store: Store;
  readonly log: Log;
  readonly publisher: Publisher;
  readonly telemetry: Telemetry;
  readonly workerId: string;
  readonly stageName: StageName | 'api';
  readonly group: string;
  /** Further stages that live in this process; each is seen as a worker of its own. */
  readonly alsoStages?: readonly StageName[];
  /** No other process looks after this database. */
  readonly isAlone?: boolean;
}

export interface Housekeeping {
  stop(): Promise<void>;
}

export function startHousekeeping(options: HousekeepingOptions): Housekeeping {
  const { store, log, publisher, telemetry } = options;
  const watch = watchPostgres(telemetry);
  const upkeep = new Upkeep({
    ...{ store, publisher },
    sweeper: new Sweeper(store, log, publisher),
    timers: new Timers(store, publisher, telemetry),
    correlator: new Correlator(store, publisher, telemetry),
  });
  const startedAt = Date.now();
  const loops = [
    startLoop(() => upkeep.tick(), options.isAlone ? ALONE_MS : LOOK_MS, watch),
    startLoop(() => beat(options, startedAt, false), BEAT_MS, watch),
    startLoop(() => sweepBudgets(store), BUDGETS_MS, watch),
    startLoop(() => forgetFingerprints(store), FINGERPRINTS_MS, watch),
  ];
  return {
    stop: async () => {
      await Promise.all(loops.map((loop) => loop.stop()));
      await beat(options, startedAt, true).catch(watch.failed);
    },
  };
}

/** Budgets that nobody used for as long as their window are forgotten. */
async function sweepBudgets(store: Store): Promise<boolean> {
  const gone = await store.transaction('all', (tx) => tx.sweepBudgets(MOST_BUDGETS));
  return gone >= MOST_BUDGETS;
}

/** Fingerprints that nobody has reported for a month begin anew. */
async function forgetFingerprints(store: Store): Promise<boolean> {
  const gone = await store.transaction('all', (tx) => tx.forgetFingerprints(REMEMBERED_MS, MOST_FINGERPRINTS));
  return gone >= MOST_FINGERPRINTS;
}

/** Tells when the database goes away under a loop, and when it is back. */
export function watchPostgres(telemetry: Telemetry): LoopWatch {
  let downSince: number | undefined;
  return {
    failed: (error) => {
      downSince ??= performance.now();
      telemetry.emit('dependency.down', { dependency: 'postgres', error: error.message });
    },
    worked: () => {
      if (downSince === undefined) return;
      telemetry.emit('dependency.up', { dependency: 'postgres', downMs: performance.now() - downSince });
      downSince = undefined;
    },
  };
}

async function beat(
  { store, stageName, alsoStages = [], workerId, group }: HousekeepingOptions,
  startedAt: number,
  stopped: boolean,
) {
  const who = { host: hostname(), pid: process.pid, startedAt, stopped };
  await store.transaction([], async (tx) => {
    await tx.beat({ ...who, workerId, stage: stageName, group });
    for (const stage of alsoStages) await tx.beat({ ...who, workerId: `${workerId}:${stage}`, stage, group: stage });
  });
  return false;
}
