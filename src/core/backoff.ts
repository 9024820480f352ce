/** Pure retry arithmetic: when the next try is due. Who tries and who counts is the caller's affair. */
import type { RetryProfile } from './work.js';

/** What may be tried again: no answer, no answer in time, the server's fault, too many requests, a full disk. */
export const RETRY_CAUSES = ['network', 'timeout', '5xx', '429', 'storage'] as const;

/** The profiles that a pack, or the product itself, names. */
export const RETRY_PROFILES = {
  block: { tries: 3, firstMs: 100, factor: 2, maxMs: 10_000, jitter: 0, on: RETRY_CAUSES },
  execution: { tries: 3, firstMs: 30_000, factor: 2, maxMs: 600_000, jitter: 0.1, on: RETRY_CAUSES },
  resume: { tries: 5, firstMs: 30_000, factor: 2, maxMs: 600_000, jitter: 0.1, on: RETRY_CAUSES },
  turn: { tries: 3, firstMs: 60_000, factor: 1, maxMs: 60_000, jitter: 0.1, on: RETRY_CAUSES },
} as const satisfies Readonly<Record<string, RetryProfile>>;

/**
 * Milliseconds to wait before call number `attempt` (1 is the first: no wait).
 * With `random` (0..1) the profile's jitter shortens the wait, so that many callers do not come back at once.
 */
export function delayBefore(profile: RetryProfile, attempt: number, random?: () => number): number {
  if (attempt <= 1) return 0;
  const full = Math.min(profile.firstMs * profile.factor ** (attempt - 2), profile.maxMs);
  return Math.round(random === undefined ? full : full * (1 - profile.jitter * random()));
}
