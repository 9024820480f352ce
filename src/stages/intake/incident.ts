/** Incidents: what a rule of `correlate` matches asks to be a member, and may wait for the end of its incident. */
import { type CaseState, isClosed } from '../../core/case.js';
import type { CaseEvent } from '../../core/events.js';
import { type Advance, advance, type Emission, ignore, type Outcome } from '../../core/outcome.js';
import type { IncidentPart, NormalizedException, RuleTrace } from '../../core/records.js';
import type { Belonging, KeptException } from '../../core/waiting.js';
import { findIncident } from '../../packs/index.js';
import type { PackVersion } from '../contract.js';
import { closed, seenOf } from '../fit.js';
import { dropped, goOn, type Ingested, read, type Totals, withoutWait } from './report.js';

/** What would go on to triage, unless it waits as a member. Whoever was a member or a parent before goes on. */
export function correlated(state: CaseState, outcome: Outcome, { pack, version }: PackVersion, now: number): Outcome {
  if (pack.correlates.length === 0 || outcome.kind !== 'advance' || outcome.status !== 'NORMALIZED') return outcome;
  const exception = outcome.set?.exception ?? null;
  if (exception === null || exception.incident !== undefined) return outcome;
  const seen = seenOf({ ...state, ...outcome.merged, exception });
  const scope = { exception, seen, tenant: state.tenantId, now, packVersion: version };
  const { joining, explain } = findIncident(pack, scope);
  if (joining === null) return { ...outcome, emit: outcome.emit?.map((one) => alsoTried(one, explain)) ?? [] };
  const { rule, place, key, by, run } = joining.terms;
  const told = { ...exception, incident: { role: 'member', rule, place, key, run } } as const;
  const emission = {
    type: 'ExceptionCorrelated',
    data: { rule, place, by: [...by], run, explain, packVersion: version },
  };
  return {
    ...asMember(outcome, told, emission as Emission, run === 'parent', {
      rule,
      place,
      since: now,
      packVersion: version,
    }),
    joins: joining,
  };
}

type Waiting = Omit<Belonging, 'kind'>;

function asMember(
  outcome: Advance,
  exception: NormalizedException,
  emission: Emission,
  waits: boolean,
  waiting: Waiting,
): Advance {
  const { emit = [] } = outcome;
  const before = emit.filter(({ type }) => type !== 'ExceptionNormalized');
  if (waits) {
    const kept: KeptException = { ...exception, waiting: { kind: 'member', ...waiting } };
    return { ...outcome, status: 'WAITING', set: { exception: kept }, emit: [...before, emission] };
  }
  const goes = emit.map((one) => withException(one, exception)).filter(({ type }) => type === 'ExceptionNormalized');
  return { ...outcome, set: { exception }, emit: [...before, emission, ...goes] };
}

const withException = (one: Emission, exception: NormalizedException): Emission =>
  one.type === 'ExceptionNormalized' ? { ...one, data: { ...one.data, exception } } : one;

const alsoTried = (one: Emission, explain: RuleTrace[]): Emission =>
  one.type === 'ExceptionNormalized'
    ? { ...one, data: { ...one.data, explain: [...(one.data.explain ?? []), ...explain] } }
    : one;

/** A parent: worked on as any other, or it waits for its members. */
export function openParent(
  parent: NormalizedException,
  { rule, place, run }: IncidentPart,
  packVersion: number,
  merged: Totals,
  now: number,
): Outcome {
  if (run !== 'members') return goOn(parent, packVersion, { merged });
  const waiting: Belonging = { kind: 'parent', rule, place, since: now, packVersion };
  const emission: Emission = { type: 'IncidentOpened', data: { rule, place, run } };
  return advance({ status: 'WAITING', set: { exception: { ...parent, waiting } }, merged, emit: [emission] });
}

/** A parent that was ended before anybody had seen it: that it is one is kept, so that its members hear of the end. */
export function endedParent(state: CaseState, event: Ingested, facts: PackVersion, now: number): Outcome {
  const exception = read(event, facts);
  if ('code' in exception) return closed(state);
  return advance({ set: { exception }, merged: { count: state.count + event.data.count, lastSeenAt: now } });
}

const ENDS = { resolved: 'RESOLVED', canceled: 'CANCELED' } as const;

/** Its incident is over, or there was none: a member that still waits ends, or goes its own way. */
export function incidentEnded(state: CaseState, { data }: CaseEvent<'IncidentEnded'>): Outcome {
  const { exception, status } = state;
  if (isClosed(status)) return closed(state);
  const waiting = exception?.waiting;
  if (status !== 'WAITING' || exception === null || waiting?.kind !== 'member')
    return ignore('it waits for no incident');
  const { outcome, reason } = data;
  const { packVersion } = waiting;
  if (outcome === 'alone') return goOn(exception, packVersion, {});
  const set = { exception: withoutWait(exception) };
  if (outcome === 'suppressed') return advance({ status: 'SUPPRESSED', set, emit: [dropped(waiting, reason)] });
  const end = { runId: null, playbook: null, outcome, note: reason, packVersion };
  return advance({ status: ENDS[outcome], set, emit: [{ type: 'PlaybookFinished', data: end }] });
}
