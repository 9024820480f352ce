import { expect, it, vi } from 'vitest';
import { startLoop } from './loop.js';

const pauses = vi.hoisted(() => [] as number[]);
vi.mock('node:timers/promises', () => ({
  setTimeout: async (ms: number) => {
    pauses.push(ms);
    if (pauses.length >= 50) await new Promise(() => undefined);
  },
}));

const watch = { failed: () => undefined, worked: () => undefined };

async function pausesOf(pauseMs: number): Promise<number[]> {
  pauses.length = 0;
  startLoop(async () => false, pauseMs, watch);
  await vi.waitFor(() => expect(pauses.length).toBe(50));
  return [...pauses];
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
