/** How often each fingerprint was reported, over all its cases; most are reported once, so that is kept small. */
import { bucketOf, extended, type History, occurrences } from '../core/history.js';
import type { Occurrences } from '../core/records.js';

/** A history whose reports of the last day all fell into the five minutes of the last one. */
interface Short {
  readonly count: number;
  readonly first: number;
  readonly last: number;
  readonly recent: number; // reports in those five minutes
}

export class Histories {
  private readonly kept = new Map<string, History | Short>();

  /** Counts a report, and tells the history with it. `before`: how often something new is taken to have been reported. */
  add(fingerprint: string, count: number, now: number, before = 0): Occurrences {
    const known = this.kept.get(fingerprint);
    const fresh = before > 0 ? extended(undefined, before, now) : undefined;
    const history = extended(known === undefined ? fresh : whole(known), count, now);
    this.kept.set(fingerprint, short(history));
    return occurrences(history, now);
  }
}

const whole = (kept: History | Short): History => {
  if ('buckets' in kept) return kept;
  const { recent, ...rest } = kept;
  return { ...rest, buckets: { [bucketOf(rest.last)]: recent } };
};

function short(history: History): History | Short {
  const { count, first, last, buckets } = history;
  const [recent, ...more] = Object.values(buckets);
  return recent === undefined || more.length > 0 ? history : { count, first, last, recent };
}
