/** Reminds people of an approval that nobody has decided, again after each interval, until its time is over. */

import type { EventData } from '../../core/events.js';
import { deterministicId } from '../../core/ids.js';
import { ignore, type Outcome } from '../../core/outcome.js';
import type { ApprovalTerms } from '../../core/records.js';
import type { PendingApproval, Reminders, RunState } from '../../core/run.js';
import type { TimerDraft } from '../../core/work.js';
import { expandApprovers } from '../../packs/index.js';
import { progress, type RunContext } from './context.js';

/** Who waits for an answer: what the timers of an approval name. */
export interface Asker {
  readonly waitId: string;
  readonly step: string;
  readonly runId: string;
  readonly packVersion: number;
}

/** The first reminder of a question that is asked now; nothing where it wants none. */
export function firstReminder(
  asker: Asker,
  { remindMs }: ApprovalTerms,
  question: Pick<Reminders, 'title' | 'expiresAt'>,
  now: number,
): { readonly remind?: Reminders; readonly timers: readonly TimerDraft[] } {
  if (remindMs === undefined) return { timers: [] };
  const timer = reminderOf(asker, 1, now + remindMs);
  return { remind: { ...question, timerId: timer.timerId, count: 0 }, timers: [timer] };
}

/** The timers of an open question, to be taken off when it is over. */
export const timersOf = ({ timerId, remind }: Pick<PendingApproval, 'timerId' | 'remind'>): string[] =>
  remind === undefined ? [timerId] : [timerId, remind.timerId];

/** The time of a reminder has come. Where nobody was there for longer than an interval, what was missed is left out. */
export function remind({ pack, now }: RunContext, asked: RemindedRun, { timerId, dueAt }: Fired): Outcome {
  const { run, pending, terms } = asked;
  const { remind: before } = pending;
  if (before?.timerId !== timerId || terms?.remindMs === undefined) return ignore(`the reminder ${timerId} is over`);
  const { runId, packVersion } = run;
  const { step, waitId } = pending;
  const { title, expiresAt } = before;
  const count = before.count + 1;
  const passed = Math.floor(Math.max(0, now - dueAt) / terms.remindMs);
  const next = reminderOf({ waitId, step, runId, packVersion }, count + 1, dueAt + (passed + 1) * terms.remindMs);
  const from = expandApprovers(pack, terms.from);
  return progress({
    set: { run: { ...run, pending: { ...pending, remind: { ...before, timerId: next.timerId, count } } } },
    ...(next.dueAt < expiresAt && { timers: [next] }),
    emit: [{ type: 'ApprovalReminded', data: { runId, step, waitId, title, from, count, expiresAt } }],
  });
}

type Fired = Pick<EventData['TimerFired'], 'timerId' | 'dueAt'>;

/** A run whose question is open. */
export interface RemindedRun {
  readonly run: RunState;
  readonly pending: PendingApproval;
  readonly terms: ApprovalTerms | null;
}

const reminderOf = (asker: Asker, count: number, dueAt: number): TimerDraft => ({
  timerId: deterministicId(asker.waitId, 'remind', count),
  kind: 'wait.remind',
  dueAt,
  data: { ...asker },
});
