/**
 * The runtime's clock, timers and randomness under the scheduler's hand while a run lasts: the code that runs is the
 * code that ships, so it is not asked for a clock; the clock that it asks is replaced.
 */
import { createRequire, syncBuiltinESMExports } from 'node:module';
import type { Random } from './random.js';
import type { Scheduler } from './scheduler.js';

/** Long past, so that whatever reads the machine's own clock stands out: its events come from the future. */
export const EPOCH = Date.UTC(2020, 0, 1, 9);

const promises = createRequire(import.meta.url)('node:timers/promises') as { setTimeout: unknown };
const REAL = {
  date: Date.now,
  random: Math.random,
  performance: performance.now,
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  sleep: promises.setTimeout,
};

let scheduler: Scheduler | undefined;
let random: Random | undefined;
let isInstalled = false;
let stays = false;

/** Replaces clock, timers and randomness of this thread by those of a run. */
export function enter(run: Scheduler, seeded: Random): void {
  scheduler = run;
  random = seeded;
  if (isInstalled) return;
  isInstalled = true;
  const now = (): number => Math.floor((scheduler as Scheduler).now);
  Date.now = () => EPOCH + now() + (scheduler as Scheduler).current.skewMs;
  Math.random = () => (random as Random).next();
  performance.now = () => (scheduler as Scheduler).now + 1;
  const later = (run: () => void, ms = 0): { unref(): void; stop(): void } => {
    const owner = scheduler as Scheduler;
    const stop = owner.timer(owner.current, ms, run);
    return { unref: () => undefined, stop };
  };
  globalThis.setTimeout = later as typeof setTimeout & typeof later;
  globalThis.clearTimeout = ((timer?: { stop?(): void }) => timer?.stop?.()) as typeof clearTimeout;
  promises.setTimeout = (ms: number) => {
    const owner = scheduler as Scheduler;
    return owner.sleep(owner.current, ms);
  };
  syncBuiltinESMExports();
}

/** From now on runs leave their clock in place for the next: to change it costs as much as a short run. */
export function stay(): void {
  stays = true;
}

/** Gives the real ones back. */
export function leave(): void {
  if (!isInstalled || stays) return;
  isInstalled = false;
  Date.now = REAL.date;
  Math.random = REAL.random;
  performance.now = REAL.performance;
  globalThis.setTimeout = REAL.setTimeout;
  globalThis.clearTimeout = REAL.clearTimeout;
  promises.setTimeout = REAL.sleep;
  syncBuiltinESMExports();
}
