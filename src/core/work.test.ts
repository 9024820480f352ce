import { expect, it } from 'vitest';
import { LEASE_MS, leaseOf } from './work.js';

it('a lost call is taken over within seconds, unless it may happen only once', () => {
  expect(leaseOf('idempotent', LEASE_MS)).toBeLessThan(10_000);
  expect(leaseOf('at_most_once', LEASE_MS)).toBeGreaterThan(30_000);
});
