/**
 * How often each fingerprint was reported, over all its cases. What the last day needs is kept by five minutes; what was
 * not reported for a day only with its count and its times; what is too long ago for any condition not at all.
 */
import { bucketOf, DAY_MS, extended, type History, occurrences, REMEMBERED_MS } from '../core/history.js';
import type { Occurrences } from '../core/records.js';
import { type Total, Totals } from './totals.js';

/** A history whose reports of the last day all fell into the five minutes of the last one: most are such. */
interface Short {
  readonly count: number;
  readonly first: number;
  readonly last: number;
  readonly recent: number; // reports in those five minutes
}

const RECENT_MS = DAY_MS + 300_000; // the day is known to five minutes, rounded up
const SWEEP_MS = 3_600_000;

export class Histories {
  private readonly recent = new Map<string, History | Short>(); // the one reported longest ago first
  private readonly older = new Totals();
  private sweepAt = Number.NEGATIVE_INFINITY;

  /** `backMs`: how long after its last report a fingerprint still matters. */
  constructor(private readonly backMs = REMEMBERED_MS) {}

  /** How many are kept: those of the last day, and those of before. */
  get kept(): { readonly recent: number; readonly older: number } {
    return { recent: this.recent.size, older: this.older.size };
  }

  /** Counts a report, and tells the history with it. `before`: how often something new is taken to have been reported. */
  add(fingerprint: string, count: number, now: number, before = 0): Occurrences {
    if (now >= this.sweepAt) this.sweep(now);
    const fresh = before > 0 ? extended(undefined, before, now) : undefined;
    const history = extended(this.known(fingerprint, now) ?? fresh, count, now);
    this.recent.delete(fingerprint);
    this.recent.set(fingerprint, short(history));
    return occurrences(history, now);
  }

  private known(fingerprint: string, now: number): History | undefined {
    const found = this.recent.get(fingerprint) ?? this.older.get(fingerprint);
    return found === undefined || found.last < now - this.backMs ? undefined : whole(found);
  }

  private sweep(now: number): void {
    this.sweepAt = now + SWEEP_MS;
    const oldest = now - this.backMs;
    for (const [fingerprint, history] of this.recent) {
      if (history.last >= now - Math.min(RECENT_MS, this.backMs)) break;
      this.recent.delete(fingerprint);
      if (history.last >= oldest) this.older.set(fingerprint, history, oldest);
    }
  }
}

const whole = (kept: History | Short | Total): History => {
  if ('buckets' in kept) return kept;
  const { count, first, last } = kept;
  return { count, first, last, buckets: 'recent' in kept ? { [bucketOf(last)]: kept.recent } : {} };
};

function short(history: History): History | Short {
  const { count, first, last, buckets } = history;
  const [recent, ...more] = Object.values(buckets);
  return recent === undefined || more.length > 0 ? history : { count, first, last, recent };
}
