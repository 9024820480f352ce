/**
 * How often a fingerprint was reported, over all its cases: counts of five minutes each, as far back as a day. So the
 * last hour and the last day are known to five minutes, rounded up, and a row stays small however often it is reported.
 */
import type { Occurrences } from './records.js';

const BUCKET_MS = 300_000;
const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
/** What nobody has reported for a month, and a day, begins anew. */
export const REMEMBERED_MS = 31 * DAY_MS;

export const bucketOf = (ms: number): number => Math.floor(ms / BUCKET_MS);

/** Times are epoch ms; `buckets` counts by five minutes since 1970. */
export interface History {
  readonly count: number;
  readonly first: number;
  readonly last: number;
  readonly buckets: Readonly<Record<string, number>>;
}

/** The history with `count` more reports at `at`; what is older than a day is let go. */
export function extended(history: History | undefined, count: number, at: number): History {
  const oldest = bucketOf(at - DAY_MS);
  const kept = Object.entries(history?.buckets ?? {}).filter(([bucket]) => Number(bucket) >= oldest);
  const buckets: Record<string, number> = Object.fromEntries(kept);
  const now = String(bucketOf(at));
  buckets[now] = (buckets[now] ?? 0) + count;
  return { count: (history?.count ?? 0) + count, first: history?.first ?? at, last: at, buckets };
}

/** The history as conditions see it at `at`. */
export function occurrences({ count, first, last, buckets }: History, at: number): Occurrences {
  const since = (ms: number): number => {
    const oldest = bucketOf(at - ms);
    return Object.entries(buckets).reduce((sum, [bucket, n]) => (Number(bucket) >= oldest ? sum + n : sum), 0);
  };
  return {
    count,
    first: new Date(first).toISOString(),
    last: new Date(last).toISOString(),
    in1h: since(HOUR_MS),
    in24h: since(DAY_MS),
  };
}

// Of the last hour and the last day the five minutes in which they begin are counted whole.
const LOOK_BACKS: Readonly<Record<string, number>> = {
  'seen.in1h': HOUR_MS + BUCKET_MS,
  'seen.in24h': DAY_MS + BUCKET_MS,
};

/** How long after its last report a fingerprint's history matters to what reads `name` of it: `seen.in1h`. */
export const lookBackOf = (name: string): number => LOOK_BACKS[name] ?? REMEMBERED_MS;
