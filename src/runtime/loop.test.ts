import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startLoop } from './loop.js';

const watch = { failed: () => undefined, worked: () => undefined };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function pausesOf(pauseMs: number): Promise<number[]> {
  const begun: number[] = [];
  const loop = startLoop(async () => begun.push(Date.now()) < 0, pauseMs, watch);
  await vi.advanceTimersByTimeAsync(50 * pauseMs);
  await loop.stop();
  return begun.slice(1).map((at, i) => at - (begun[i] as number));
}

it('loops that began together drift apart: a long pause is shorter by chance, never longer than was asked', async () => {
  const long = await pausesOf(60_000);
  expect(Math.max(...long)).toBeLessThanOrEqual(60_000);
  expect(Math.min(...long)).toBeGreaterThanOrEqual(45_000);
  expect(new Set(long).size).toBeGreaterThan(10);
});

it('a short pause is as long as was asked', async () => {
  expect(new Set(await pausesOf(1_000))).toEqual(new Set([1_000]));
});

it('a loop that is woken up, however often, ticks once more at once, also where it was woken during a tick', async () => {
  let ticks = 0;
  let during: () => void = () => undefined;
  const loop = startLoop(
    async () => {
      ticks++;
      during();
      return false;
    },
    1_000,
    watch,
  );
  await vi.advanceTimersByTimeAsync(0);
  expect(ticks).toBe(1);
  loop.wake();
  loop.wake();
  await vi.advanceTimersByTimeAsync(0);
  expect(ticks).toBe(2);
  during = () => {
    during = () => undefined;
    loop.wake();
  };
  await vi.advanceTimersByTimeAsync(1_000);
  expect(ticks).toBe(4);
  await vi.advanceTimersByTimeAsync(999);
  expect(ticks).toBe(4);
  await loop.stop();
});
