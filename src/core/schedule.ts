/** The words about schedules that store and runtime share. Times are epoch ms. */
export interface ScheduleDraft {
  readonly name: string;
  readonly spec: string; // cron and time zone
  readonly nextAt: number | null;
}

export interface ScheduleRow {
  readonly tenantId: string;
  readonly name: string;
  readonly spec: string;
  readonly nextAt: number; // it is due
}

/** What became of a time that has come. `skipped`: the case before is still open; `missed`: it came too long ago. */
export interface ScheduleMove {
  readonly tenantId: string;
  readonly name: string;
  readonly nextAt: number | null;
  readonly dueAt: number;
  readonly outcome: 'created' | 'skipped' | 'missed';
  readonly caseId: string | null;
  readonly missed: number; // times before it that nobody saw
}

/** What a transaction does with schedules. */
export interface ScheduleTx {
  /** Takes over what this version of the pack says, if it is the active one; a time that stays the same is kept. */
  sync(tenantId: string, version: number, schedules: readonly ScheduleDraft[]): Promise<void>;
  /** Those whose time has come, the oldest first; not locked. */
  due(limit: number): Promise<readonly ScheduleRow[]>;
  /** Milliseconds until the earliest of all is due, not above 0 where one is; null when there is none. */
  untilNext(): Promise<number | null>;
  /** Locks one that is due; null when somebody else has it, or had it. */
  lock(row: ScheduleRow): Promise<ScheduleRow | null>;
  move(move: ScheduleMove): Promise<void>;
  drop(row: ScheduleRow): Promise<void>;
}
