/**
 * Whether a worker gets on: its lag by the log's end and the positions it commits. A partition with lag whose position
 * has not moved for a minute is a stall; readiness turns red and says which.
 */
import type { StageName } from '../core/stages.js';
import type { Watermarks } from '../log/port.js';

export const STALL_MS = 60_000;

interface Seen {
  readonly next: number;
  readonly since: number; // ms; when `next` was first seen
}

export class Progress {
  private readonly committed = new Map<number, number>();
  private readonly seen = new Map<number, Seen>();
  private assigned: readonly number[] = [];
  /** Why this worker does not get on; undefined while it does. */
  stalled: string | undefined;

  constructor(private readonly stage: StageName) {}

  assign(partitions: readonly number[]): void {
    this.assigned = partitions;
    this.seen.clear();
    this.stalled = undefined;
  }

  commit(partition: number, next: number): void {
    this.committed.set(partition, next);
  }

  /** Judges at `now` (ms) against the log's ends; answers the lag of each assigned partition. */
  judge(marks: readonly Watermarks[], now: number): { readonly partition: number; readonly lag: number }[] {
    let stalled: string | undefined;
    const lags = marks
      .filter(({ partition }) => this.assigned.includes(partition))
      .map(({ partition, low, high }) => {
        const next = this.committed.get(partition) ?? low;
        const known = this.seen.get(partition);
        const seen = known && known.next === next && high > next ? known : { next, since: now };
        this.seen.set(partition, seen);
        const ms = now - seen.since;
        if (high > next && ms >= STALL_MS) {
          stalled = `has ${high - next} events waiting on partition ${partition} of ${this.stage} and has handled none for ${Math.round(ms / 1000)} s; look at its log for what it repeats, then restart it`;
        }
        return { partition, lag: Math.max(0, high - next) };
      });
    this.stalled = stalled;
    return lags;
  }
}
