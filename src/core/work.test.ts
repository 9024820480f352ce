import { expect, it } from 'vitest';
import { headStart, LEASE_MS, leaseOf } from './work.js';

it('a lost call is taken over within seconds, unless it may happen only once', () => {
  expect(leaseOf('idempotent', LEASE_MS)).toBeLessThan(10_000);
  expect(leaseOf('at_most_once', LEASE_MS)).toBeGreaterThan(30_000);
});

it('an urgent call has a head start, and a bounded one', () => {
  expect([1, 3, 5].map((priority) => headStart(priority as 1 | 3 | 5))).toEqual([1_200_000, 600_000, 0]);
});
