/** The times at which something recurs. */
export interface CronTimes {
  /** The latest time at or before `now`; undefined: there was none. Epoch ms. */
  previous(now: number): number | undefined;
  /** The first time after `now`; undefined: there is none any more. */
  next(now: number): number | undefined;
}
