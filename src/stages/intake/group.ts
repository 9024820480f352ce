/** A group that gathers: reports whose keys are the same become one exception, when the window is over or it is full. */
import type { CaseState } from '../../core/case.js';
import { deterministicId } from '../../core/ids.js';
import { type Advance, advance, type Outcome, reject } from '../../core/outcome.js';
import type { GroupItem, NormalizedException } from '../../core/records.js';
import type { Gathering, KeptException } from '../../core/waiting.js';
import type { CompiledAccumulate } from '../../packs/index.js';
import type { PackVersion } from '../contract.js';
import { worse } from './hold.js';
import { dropped, goOn, type Ingested, mergedEvent, read, type Totals, withoutWait } from './report.js';

/** Beyond so many characters further items are kept without their fields; beyond the second the group is full. */
const FIELDS_FIT = 64_000;
const ITEMS_FIT = 192_000;
const MOST_TITLE = 300;

export function openGroup(
  rule: CompiledAccumulate,
  { id, data }: Ingested,
  exception: NormalizedException,
  packVersion: number,
  merged: Totals,
  now: number,
): Outcome {
  const { name, place, windowMs, max } = rule;
  const [until, latest] = [now + windowMs, now + rule.atMostMs];
  const timer = timerAt(id, name, until, until >= latest);
  const item = itemOf(exception, data.count);
  const waiting: Gathering = {
    kind: 'accumulate',
    rule: name,
    place,
    timerId: timer.timerId,
    since: now,
    until,
    packVersion,
    max,
    reports: 1,
    windowMs,
    latest,
    items: [item],
    size: sizeOf(item),
  };
  if (isFull(waiting)) return goOn(gathered(exception, waiting.items), packVersion, { merged, release: true });
  const held = { kind: 'accumulate', rule: name, place, until, packVersion } as const;
  return advance({
    status: 'WAITING',
    set: { exception: { ...exception, waiting } },
    merged,
    timers: [timer],
    emit: [{ type: 'ExceptionHeld', data: held }],
  });
}

/** One more report of the group: an exception that it has already is counted, another one joins. */
export function join(
  state: CaseState,
  kept: KeptException,
  waiting: Gathering,
  event: Ingested,
  facts: PackVersion,
  now: number,
): Outcome {
  const exception = read(event, facts);
  if ('code' in exception) return reject(exception.code, exception.message, exception.path);
  const { count, seen } = event.data;
  const item = itemOf(exception, count);
  const has = waiting.items.some(({ fingerprint }) => fingerprint === item.fingerprint);
  const added = waiting.size + sizeOf(item) > FIELDS_FIT ? { ...item, fields: {} } : item;
  const size = waiting.size + (has ? 0 : sizeOf(added));
  const items = has
    ? waiting.items.map((one) => (one.fingerprint === item.fingerprint ? again(one, item) : one))
    : [...waiting.items, added];
  const merged = { count: state.count + count, lastSeenAt: now };
  return took({ ...kept, ...(seen && { history: seen }) }, { ...waiting, items, size }, event.id, merged, now);
}

/** One of the group is over: it is taken out, and the others go on. */
export function takeOut(
  state: CaseState,
  kept: KeptException,
  waiting: Gathering,
  { id, data }: Ingested,
  now: number,
): Outcome {
  const items = waiting.items.filter(({ fingerprint }) => fingerprint !== data.fingerprint);
  return took(kept, { ...waiting, items }, id, { count: state.count, lastSeenAt: now }, now);
}

/** One report more. Where nothing is left and nothing more can come, a last timer ends it, so that no report is missed. */
function took(kept: KeptException, before: Gathering, eventId: string, merged: Totals, now: number): Outcome {
  const until = Math.max(before.until, Math.min(now + before.windowMs, before.latest));
  const waiting = { ...before, until, reports: before.reports + 1 };
  if (!isFull(waiting)) return advance({ set: { exception: { ...kept, waiting } }, merged });
  const cancelTimers = [waiting.timerId];
  if (waiting.items.length === 0) return { ...rearmed(kept, waiting, eventId, now, true), merged, cancelTimers };
  return goOn(gathered(kept, waiting.items), waiting.packVersion, { merged, release: true, cancelTimers });
}

/**
 * The window is over. `closes`: with the timer the key of the group was given free, so nothing can join any more; else
 * reports may have come in between: the window goes on with the last of them, or one more timer closes it.
 */
export function gatheringOver(
  kept: KeptException,
  waiting: Gathering,
  eventId: string,
  closes: boolean,
  now: number,
): Outcome {
  const { until, latest, items, packVersion } = waiting;
  if (!closes) return rearmed(kept, waiting, eventId, Math.max(now, until), until <= now || until >= latest);
  if (items.length > 0) return goOn(gathered(kept, items), packVersion, {});
  const reason = 'all that was gathered was over before the window was';
  return advance({ status: 'SUPPRESSED', set: { exception: withoutWait(kept) }, emit: [dropped(waiting, reason)] });
}

/** The end of one of a group that went on: the case goes on for the others. Undefined where there are none. */
export function partlyOver(state: CaseState, { data }: Ingested, now: number): Outcome | undefined {
  const { exception, count } = state;
  if (!exception?.items?.some(({ fingerprint }) => fingerprint !== data.fingerprint)) return undefined;
  const note = `the source ${data.source} says that one of the group is over`;
  return advance({ merged: { count, lastSeenAt: now }, emit: [mergedEvent(count, now, note)] });
}

/** What was gathered, also where somebody took the case out of its window; undefined for an exception that is no group. */
export function asGroup(kept: KeptException): NormalizedException | undefined {
  const { waiting } = kept;
  if (waiting?.kind === 'accumulate' && waiting.items.length > 0) return gathered(kept, waiting.items);
  return kept.items && withoutWait(kept);
}

function rearmed(kept: KeptException, before: Gathering, eventId: string, dueAt: number, closes: boolean): Advance {
  const timer = timerAt(eventId, before.rule, dueAt, closes);
  const waiting = { ...before, timerId: timer.timerId };
  return advance({ set: { exception: { ...kept, waiting } }, timers: [timer] });
}

const timerAt = (eventId: string, rule: string, dueAt: number, closes: boolean) =>
  ({ timerId: deterministicId(eventId, 'accumulate'), kind: 'accumulate', dueAt, data: { rule, closes } }) as const;

const isFull = ({ reports, max, size }: Gathering): boolean => reports >= max || size > ITEMS_FIT;
const sizeOf = (item: GroupItem): number => JSON.stringify(item).length;

function itemOf(exception: NormalizedException, count: number): GroupItem {
  const { type, title, severity, entity, source, occurredAt, fingerprint, fields } = exception;
  const short = title.length > MOST_TITLE ? `${title.slice(0, MOST_TITLE - 1)}…` : title;
  return { type, title: short, severity, entity, source, occurredAt, fingerprint, fields, count };
}

const again = (one: GroupItem, { count, severity }: GroupItem): GroupItem => ({
  ...one,
  count: one.count + count,
  severity: worse(one.severity, severity),
});

/** One exception made of all: what the first says, as bad as the worst. */
function gathered(kept: KeptException, items: readonly GroupItem[]): NormalizedException {
  const { count: _, ...first } = items[0] as GroupItem;
  const { history } = kept;
  const title = items.length === 1 ? first.title : `${items.length} × ${first.title}`;
  const severity = items.map((item) => item.severity).reduce(worse);
  return Object.assign(first, { title, severity, items: [...items] }, history && { history });
}
