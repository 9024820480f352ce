/** When a schedule is due, and what it reports then. Pure: times are arguments. */
import type { CompiledSchedule } from '../types.js';

/** A time that is later than this was missed: nobody was there to see it. */
const GRACE_MS = 60_000;
const MOST_COUNTED = 1_000;

/** What makes two versions of a schedule the same: its next time is kept. */
export const specOf = ({ cron, tz }: CompiledSchedule): string => `${cron} ${tz}`;

/** The first time after `after` (epoch ms), by the zone's clock: one that a change to summer time skips comes an hour later. */
export const nextDue = ({ times }: CompiledSchedule, after: number): number | null => times.next(after) ?? null;

/** What is to be done at `now` about a schedule that was due at `dueAt`. */
export interface DueDecision {
  /** The latest time that has come, and how many before it nobody saw (at most 1,000 are counted); null: too late. */
  readonly fire: { readonly dueAt: number; readonly missed: number } | null;
  readonly next: number | null;
}

/** However many times were missed, at most the last one is made up for. */
export function decideDue(schedule: CompiledSchedule, dueAt: number, now: number): DueDecision {
  let latest = dueAt;
  let missed = 0;
  let next = nextDue(schedule, latest);
  while (next !== null && next <= now && missed < MOST_COUNTED) {
    latest = next;
    missed++;
    next = nextDue(schedule, latest);
  }
  if (next !== null && next <= now) {
    latest = schedule.times.previous(now) as number;
    next = nextDue(schedule, now);
  }
  const isLate = now - latest > GRACE_MS;
  return { fire: isLate && schedule.missed === 'none' ? null : { dueAt: latest, missed }, next };
}

/** The exception that a schedule reports, in the form of `POST /exceptions/{tenant}`. Throws ProblemError. */
export function scheduledItem(
  schedule: CompiledSchedule,
  { dueAt, missed }: { readonly dueAt: number; readonly missed: number },
): Readonly<Record<string, unknown>> {
  const at = new Date(dueAt);
  const due = { schedule: schedule.name, dueAt: at.toISOString(), missed };
  const scope = { schedule: { name: schedule.name, dueAt: due.dueAt, missed }, now: at };
  const parts = Object.fromEntries([...schedule.item].map(([part, template]) => [part, template.render(scope)]));
  return { title: schedule.name, ...parts, source: 'schedule', fields: { ...(parts.fields as object), ...due } };
}
