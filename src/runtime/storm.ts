/** Counts dead letters a minute for each partition: too many mean a fault in code or a flood, not single bad inputs. */
export const STORM_LIMIT = 20;
const WINDOW_MS = 60_000;

export class StormGuard {
  private readonly times = new Map<number, number[]>();

  /** Notes `count` dead letters at `now` (ms); answers how many came in the last minute. */
  note(partition: number, count: number, now: number): number {
    const recent = (this.times.get(partition) ?? []).filter((time) => time > now - WINDOW_MS);
    for (let i = 0; i < count; i++) recent.push(now);
    this.times.set(partition, recent);
    return recent.length;
  }
}
