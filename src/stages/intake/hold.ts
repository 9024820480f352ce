/** A held exception: it goes on when its time is over, unless its source says before that it is over. */
import type { CaseState } from '../../core/case.js';
import { deterministicId } from '../../core/ids.js';
import { advance, type Outcome } from '../../core/outcome.js';
import { type NormalizedException, type RuleTrace, SEVERITIES, type Severity } from '../../core/records.js';
import type { Holding, KeptException } from '../../core/waiting.js';
import { type CompiledHold, findHold } from '../../packs/index.js';
import type { PackVersion } from '../contract.js';
import { seenOf } from '../fit.js';
import { dropped, goOn, type Ingested, mergedEvent, read, type Totals, withoutWait } from './report.js';

/** The worse of two severities. */
export const worse = (a: Severity, b: Severity): Severity => (SEVERITIES.indexOf(a) <= SEVERITIES.indexOf(b) ? a : b);

export function hold(
  { name: rule, place, forMs }: CompiledHold,
  explain: RuleTrace[],
  eventId: string,
  exception: NormalizedException,
  packVersion: number,
  merged: Totals,
  now: number,
): Outcome {
  const until = now + forMs;
  const timerId = deterministicId(eventId, 'hold');
  const waiting: Holding = { kind: 'hold', rule, place, timerId, since: now, until, packVersion };
  return advance({
    status: 'WAITING',
    set: { exception: { ...exception, waiting } },
    merged,
    timers: [{ timerId, kind: 'hold', dueAt: until, data: { rule, packVersion } }],
    emit: [{ type: 'ExceptionHeld', data: { kind: 'hold', rule, place, until, explain, packVersion } }],
  });
}

export function overWhileHeld(
  state: CaseState,
  held: KeptException,
  waiting: Holding,
  { data }: Ingested,
  now: number,
): Outcome {
  const reason = `the source ${data.source} says that it is over, ${seconds(now - waiting.since)} after it began`;
  return advance({
    status: 'SUPPRESSED',
    set: { exception: withoutWait(held) },
    merged: { count: state.count, lastSeenAt: now },
    cancelTimers: [waiting.timerId],
    emit: [dropped(waiting, reason)],
  });
}

const seconds = (ms: number): string => `${Math.round(ms / 1_000)} s`;

/** One more report. What no rule would hold, because it is worse by now, lets the exception go at once. */
export function reportWhileHeld(
  state: CaseState,
  held: KeptException,
  waiting: Holding,
  event: Ingested,
  facts: PackVersion,
  now: number,
): Outcome {
  const { count: more, seen } = event.data;
  const totals = { count: state.count + more, lastSeenAt: now };
  const exception = read(event, facts);
  const kept: KeptException = { ...held, ...(seen && { history: seen }) };
  const stays = (note: string): Outcome =>
    advance({ set: { exception: kept }, merged: totals, emit: [mergedEvent(totals.count, now, note)] });
  if ('code' in exception) return stays(`a report that cannot be read: ${exception.message}`);
  const scope = { exception, seen: seenOf({ ...state, ...totals, exception }), tenant: state.tenantId, now };
  const found = findHold(facts.pack, { ...scope, packVersion: facts.version });
  if (found.hold !== null) return stays(`reported while it is held, ${totals.count} in all`);
  const note = 'reported as something that is not held';
  const severity = worse(held.severity, exception.severity);
  return goOn({ ...exception, severity, occurredAt: held.occurredAt }, facts.version, {
    merged: totals,
    explain: found.explain,
    before: [mergedEvent(totals.count, now, note)],
    cancelTimers: [waiting.timerId],
  });
}
