import { expect, it } from 'vitest';
import { delayBefore, RETRY_PROFILES } from './backoff.js';

it('the first call waits for nothing', () => {
  expect(delayBefore(RETRY_PROFILES.block, 1)).toBe(0);
});

it.each([
  ['block', [100, 200, 400]],
  ['execution', [30_000, 60_000, 120_000]],
  ['resume', [30_000, 60_000, 120_000]],
  ['turn', [60_000, 60_000, 60_000]],
] as const)('profile %s waits %j before its second, third and fourth call', (name, waits) => {
  expect([2, 3, 4].map((attempt) => delayBefore(RETRY_PROFILES[name], attempt))).toEqual(waits);
});

it('no wait is longer than the cap, however many calls there were', () => {
  expect(delayBefore(RETRY_PROFILES.block, 1_000)).toBe(10_000);
});

it('jitter only ever shortens a wait, by its share at most', () => {
  const profile = { ...RETRY_PROFILES.block, jitter: 0.5 };
  expect(delayBefore(profile, 2, () => 0)).toBe(100);
  expect(delayBefore(profile, 2, () => 1)).toBe(50);
});
