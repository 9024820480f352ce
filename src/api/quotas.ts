/**
 * What a tenant may report, by its pack: `exceptionsPerMinute`, counted in this process, and `openCases`, counted in the
 * store. A report that something is over costs nothing and is always taken.
 */
import { ProblemError } from '../core/errors.js';
import type { PackLimits } from '../packs/index.js';

const MINUTE_MS = 60_000;
const COUNT_MS = 2_000; // so long a count of open cases is used again
const FULL_RETRY_S = 30;
const TOO_MANY = 429;

/** What is left of a minute's worth, refilled evenly. A request larger than all of it waits for a full one, and leaves a debt. */
interface Bucket {
  tokens: number;
  at: number;
}

interface OpenCount {
  readonly at: number;
  readonly counted: Promise<number>;
  since: number; // cases that this process has opened since
}

/** What a request was let in with. */
export interface Admission {
  /** It was kept, and opened so many cases. */
  opened(cases: number): void;
  /** It was not kept after all: it costs nothing. */
  giveBack(): void;
}

const FREE: Admission = { opened: () => undefined, giveBack: () => undefined };

export class Quotas {
  private readonly buckets = new Map<string, Bucket>();
  private readonly counts = new Map<string, OpenCount>();

  constructor(
    private readonly countOpen: (tenantId: string, most: number) => Promise<number>,
    private readonly clock: () => number = () => performance.now(),
  ) {}

  /** Lets a request with so many reports in, whole, or throws RATE_LIMITED or QUOTA_EXCEEDED. */
  async admit(tenantId: string, { exceptionsPerMinute, openCases }: PackLimits, reports: number): Promise<Admission> {
    if (reports === 0) return FREE;
    if (openCases !== null) await this.refuseFull(tenantId, openCases);
    const bucket = exceptionsPerMinute === null ? undefined : this.take(tenantId, exceptionsPerMinute, reports);
    return {
      opened: (cases) => {
        const count = this.counts.get(tenantId);
        if (count) count.since += cases;
      },
      giveBack: () => {
        if (bucket) bucket.tokens += reports;
      },
    };
  }

  private take(tenantId: string, perMinute: number, reports: number): Bucket {
    const now = this.clock();
    const bucket = this.buckets.get(tenantId) ?? { tokens: perMinute, at: now };
    bucket.tokens = Math.min(perMinute, bucket.tokens + ((now - bucket.at) * perMinute) / MINUTE_MS);
    bucket.at = now;
    this.buckets.set(tenantId, bucket);
    const missing = Math.min(reports, perMinute) - bucket.tokens;
    if (missing > 0) throw rateLimited(perMinute, Math.ceil((missing * MINUTE_MS) / perMinute / 1_000));
    bucket.tokens -= reports;
    return bucket;
  }

  private async refuseFull(tenantId: string, most: number): Promise<void> {
    const now = this.clock();
    let count = this.counts.get(tenantId);
    if (count === undefined || now - count.at >= COUNT_MS) {
      count = { at: now, counted: this.countOpen(tenantId, most), since: 0 };
      this.counts.set(tenantId, count);
      count.counted.catch(() => this.counts.delete(tenantId));
    }
    if ((await count.counted) + count.since >= most) throw quotaExceeded(most);
  }
}

function rateLimited(perMinute: number, retryAfterS: number): ProblemError {
  const message = `More than ${perMinute} exceptions a minute were reported; nothing of this request was kept.`;
  const hint = `Send it again after ${retryAfterS} s, or raise \`limits.exceptionsPerMinute\` in the pack's pack.yaml.`;
  return new ProblemError({ code: 'RATE_LIMITED', message, hint }, TOO_MANY, retryAfterS);
}

function quotaExceeded(most: number): ProblemError {
  const message = `${most} exceptions are open, as many as may be; nothing of this request was kept.`;
  const hint =
    'Close some of them (resolve or cancel them, or report that they are over), or raise `limits.openCases` in pack.yaml.';
  return new ProblemError({ code: 'QUOTA_EXCEEDED', message, hint }, TOO_MANY, FULL_RETRY_S);
}
