/** Intake: a report becomes a normalized exception, waits before triage, or counts towards what the case already has. */
import { type CaseState, isClosed } from '../../core/case.js';
import type { CaseEvent } from '../../core/events.js';
import { advance, ignore, type Outcome, reject } from '../../core/outcome.js';
import type { KeptException } from '../../core/waiting.js';
import { findHold } from '../../packs/index.js';
import type { PackVersion } from '../contract.js';
import { closed, misfit, seenOf } from '../fit.js';
import { asGroup, gatheringOver, join, openGroup, partlyOver, takeOut } from './group.js';
import { hold, overWhileHeld, reportWhileHeld } from './hold.js';
import { correlated, endedParent, incidentEnded, openParent } from './incident.js';
import { goOn, type Ingested, mergedEvent, read, type Totals } from './report.js';
import { windowOver } from './window.js';

export const CONSUMES = ['ExceptionIngested', 'AccumulationElapsed', 'IncidentEnded'] as const;
export type IntakeEvent = CaseEvent<(typeof CONSUMES)[number]>;

/** What a report means depends on the case alone; `facts` is the pack that was active when it was accepted. */
export function decide(state: CaseState, event: IntakeEvent, facts: PackVersion, now: number): Outcome {
  if (event.type === 'IncidentEnded') return incidentEnded(state, event);
  if (event.type === 'ExceptionIngested' && event.data.via === 'reingest') return reported(state, event, facts, now);
  return correlated(state, alone(state, event, facts, now), facts, now);
}

/** Without a look at what else belongs to it. */
function alone(
  state: CaseState,
  event: Exclude<IntakeEvent, { type: 'IncidentEnded' }>,
  facts: PackVersion,
  now: number,
): Outcome {
  if (event.type === 'ExceptionIngested') return reported(state, event, facts, now);
  return event.data.kind === 'window' ? windowOver(state, event, facts) : elapsed(state, event, now);
}

function reported(state: CaseState, event: Ingested, facts: PackVersion, now: number): Outcome {
  if (isClosed(state.status)) return crossed(state, event, facts, now);
  const { exception } = state;
  if (exception?.waiting !== undefined && state.status === 'WAITING')
    return waits(state, { ...exception, waiting: exception.waiting }, event, facts, now);
  if (event.data.resolve) return partlyOver(state, event, now) ?? ended(state, event, now);
  if (event.data.via === 'reingest' && state.status === 'ESCALATED') return again(state, event, facts);
  if (exception !== null) return merge(state, exception, event, now);
  if (state.status === 'ESCALATED') return takenOver(state, event, facts, now);
  if (state.status !== 'OPEN') return misfit(state, 'OPEN');
  return first(state, event, facts, now);
}

/** A report, or an end, of what waits before triage. */
function waits(
  state: CaseState,
  kept: KeptException & { readonly waiting: NonNullable<KeptException['waiting']> },
  event: Ingested,
  facts: PackVersion,
  now: number,
): Outcome {
  const { waiting } = kept;
  const { resolve } = event.data;
  switch (waiting.kind) {
    case 'accumulate':
      return resolve ? takeOut(state, kept, waiting, event, now) : join(state, kept, waiting, event, facts, now);
    case 'hold':
      return resolve
        ? overWhileHeld(state, kept, waiting, event, now)
        : reportWhileHeld(state, kept, waiting, event, facts, now);
    default:
      return resolve ? ended(state, event, now) : merge(state, kept, event, now);
  }
}

/** The time is over for which the case waited, if it still waits. */
function elapsed(state: CaseState, event: CaseEvent<'AccumulationElapsed'>, now: number): Outcome {
  if (isClosed(state.status)) return closed(state);
  const { exception, status } = state;
  const { kind, timerId, data } = event.data;
  const waiting = exception?.waiting;
  const isTimed = waiting?.kind === 'hold' || waiting?.kind === 'accumulate';
  if (exception === null || !isTimed || status !== 'WAITING' || waiting.timerId !== timerId)
    return ignore(`nothing waits for the end of this ${kind}`);
  return waiting.kind === 'hold'
    ? goOn(exception, waiting.packVersion, {})
    : gatheringOver(exception, waiting, event.id, data.closes === true, now);
}

/** A report that was accepted while the case was open, and came after its end: it is counted, so that it is not lost. */
function crossed(state: CaseState, event: Ingested, facts: PackVersion, now: number): Outcome {
  const { exception } = state;
  if (exception === null && event.data.incident) return endedParent(state, event, facts, now);
  return event.data.resolve || exception === null ? closed(state) : merge(state, exception, event, now);
}

/** Somebody took the case over before it was read: they see what it is about, and it goes nowhere. */
function takenOver(state: CaseState, event: Ingested, facts: PackVersion, now: number): Outcome {
  const exception = read(event, facts);
  if ('code' in exception) return reject(exception.code, exception.message, exception.path);
  return advance({ set: { exception }, merged: { count: state.count + event.data.count, lastSeenAt: now } });
}

/** Somebody asked for it to be worked again: it waits for nothing, and nobody reported anything new. */
function again({ exception }: CaseState, event: Ingested, facts: PackVersion): Outcome {
  const group = exception && asGroup(exception); // which is more than its first report
  if (group) return goOn(group, facts.version, {});
  const normalized = read(event, facts);
  if ('code' in normalized) return reject(normalized.code, normalized.message, normalized.path);
  const incident = exception?.incident;
  return goOn({ ...normalized, ...(incident && { incident }) }, facts.version, {});
}

function first(state: CaseState, event: Ingested, facts: PackVersion, now: number): Outcome {
  const exception = read(event, facts);
  if ('code' in exception) return reject(exception.code, exception.message, exception.path);
  const { pack, version } = facts;
  const { accumulate, via, count, incident } = event.data;
  const merged: Totals = { count: state.count + count, lastSeenAt: now };
  if (incident !== undefined) return openParent(exception, incident, version, merged, now);
  if (via === 'reingest') return goOn(exception, version, { merged });
  const rule = pack.accumulates.find(({ name }) => name === accumulate?.rule);
  if (rule !== undefined) return openGroup(rule, event, exception, version, merged, now);
  const seen = seenOf({ ...state, ...merged, exception });
  const found = findHold(pack, { exception, seen, tenant: state.tenantId, now, packVersion: version });
  if (found.hold !== null) return hold(found.hold, found.explain, event.id, exception, version, merged, now);
  return goOn(exception, version, { merged, ...(found.explain.length > 0 && { explain: found.explain }) });
}

function merge(state: CaseState, exception: KeptException, event: Ingested, now: number): Outcome {
  const { count: more, seen } = event.data;
  const count = state.count + more;
  const reports = more === 1 ? 'one more report' : `${more} more reports`;
  const note = `${reports} of the same exception, ${count} in all`;
  return advance({
    ...(seen && { set: { exception: { ...exception, history: seen } } }),
    merged: { count, lastSeenAt: now },
    emit: [mergedEvent(count, now, note)],
  });
}

/** The end is no further occurrence, so it is not counted. The playbook stage closes the case: it owns what runs. */
function ended(state: CaseState, event: Ingested, now: number): Outcome {
  const { source } = event.data;
  const reason = `the source ${source} says that it is over`;
  return advance({
    merged: { count: state.count, lastSeenAt: now },
    emit: [
      mergedEvent(state.count, now, reason),
      { type: 'CaseCommanded', data: { command: 'resolve', by: source, reason } },
    ],
  });
}
