/**
 * Loaded into a measured process before it starts (`--import`): how long its event loop was blocked, a line each quarter
 * of a second into the file that BENCH_LAG_FILE names: epoch ms, ms of the longest delay since the line before.
 */
import { appendFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

const RESOLUTION_MS = 5; // the histogram holds the time between two looks, this pause included
const EVERY_MS = 250;
const { BENCH_LAG_FILE: file } = process.env;

if (isMainThread && file) {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  setInterval(() => {
    appendFileSync(file, `${Date.now()} ${Math.max(0, delays.max / 1e6 - RESOLUTION_MS).toFixed(2)}\n`);
    delays.reset();
  }, EVERY_MS).unref();
}
