/** Incidents: cases that belong together, under one parent. What such a group takes, when it is an incident, when it is over. */
import { type CaseStatus, isClosed } from './case.js';
import type { EventData } from './events.js';
import { type IncidentRun, SEVERITIES, type Severity } from './records.js';

/** When the parent is resolved: with the first member, with the one that came last, or with all of them. */
export const INCIDENT_ENDS = ['first', 'last', 'all'] as const;
export type IncidentEnd = (typeof INCIDENT_ENDS)[number];

/** What the rule says of the group. */
export interface IncidentTerms {
  readonly rule: string;
  readonly place: string; // `sources.yaml:12:5`
  readonly key: string; // of the rule as it stands and of the values of `by`: other words, another group
  readonly by: readonly unknown[];
  readonly windowMs: number; // so long after its last member it takes another one
  readonly min: number; // members that make it an incident
  readonly run: IncidentRun;
  readonly resolve: IncidentEnd;
  readonly packVersion: number;
}

/** What the parent reports, as its first member says it. */
export interface IncidentReport {
  readonly type: string;
  readonly title: string;
  readonly entity: string; // what its members have in common
  readonly severity: Severity;
  readonly occurredAt: string; // RFC 3339
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A case that asks to be a member. */
export interface Joining {
  readonly terms: IncidentTerms;
  readonly report: IncidentReport;
  readonly at: number; // epoch ms
}

/** `gathering`: fewer than `min` members yet; `ending`: its parent was told to end. */
export type IncidentStatus = 'gathering' | 'open' | 'ending' | 'over';

export type ParentEnd = Pick<EventData['IncidentEnded'], 'outcome' | 'reason'>;

export interface Incident {
  readonly incidentId: string; // the parent's case id
  readonly tenantId: string;
  readonly terms: IncidentTerms;
  readonly report: IncidentReport; // severity: of the worst member
  readonly status: IncidentStatus;
  readonly taking: boolean; // takes members: at most one of a key does
  readonly end: ParentEnd | null; // what its members hear when it is over
  readonly members: number;
  readonly over: number; // of them, those whose case is closed
  readonly firstCase: string;
  readonly lastCase: string;
  readonly lastAt: number; // epoch ms
}

/** `gathering`: there is no incident yet; `waiting`: for the parent; `free`: it goes its own way; `over`: it is closed. */
export type MemberState = 'gathering' | 'waiting' | 'free' | 'over';

export function beginIncident(incidentId: string, tenantId: string, caseId: string, joining: Joining): Incident {
  const { terms, report, at } = joining;
  const cases = { firstCase: caseId, lastCase: caseId, lastAt: at };
  const none = { status: 'gathering', taking: true, end: null, members: 0, over: 0 } as const;
  return { incidentId, tenantId, terms, report, ...none, ...cases };
}

/** Whether the group takes it. */
export const takes = ({ taking, lastAt, terms }: Incident, { at }: Joining): boolean =>
  taking && at < lastAt + terms.windowMs;

/** The group once another one takes the members of its key: too few remain too few. */
export function withoutTaking(incident: Incident): Incident {
  const after = { ...incident, taking: false };
  return incident.status === 'gathering' ? tooFew(after) : after;
}

/** The group with one more member. */
export function withMember(incident: Incident, caseId: string, { report, at }: Joining): Incident {
  const members = incident.members + 1;
  const isOpen = incident.status === 'open' || members >= incident.terms.min;
  const severity = worst(incident.report.severity, report.severity);
  const lastAt = Math.max(incident.lastAt, at);
  const told = { ...incident.report, severity };
  return { ...incident, members, lastCase: caseId, lastAt, report: told, status: isOpen ? 'open' : 'gathering' };
}

const worst = (a: Severity, b: Severity): Severity => (SEVERITIES.indexOf(a) <= SEVERITIES.indexOf(b) ? a : b);

/** The group after one of its members was closed; `ending` when that ends the parent. */
export function withoutMember(incident: Incident, caseId: string, closedAs: CaseStatus): Incident {
  const over = incident.over + 1;
  const after = { ...incident, over };
  const ends =
    over >= incident.members ||
    (incident.terms.resolve === 'first' && closedAs === 'RESOLVED') ||
    (incident.terms.resolve === 'last' && caseId === incident.lastCase);
  return incident.status === 'open' && ends ? { ...after, status: 'ending', taking: false } : after;
}

/** When it is given up, if no further member comes; null where that is not open any more. */
export const gathersUntil = ({ status, lastAt, terms }: Incident): number | null =>
  status === 'gathering' ? lastAt + terms.windowMs : null;

/** No incident: too few came while its window was open. */
export function tooFew(incident: Incident): Incident {
  const { members, terms } = incident;
  const reason = `${members} of the ${terms.min} that make it an incident came within its window`;
  return { ...incident, status: 'over', taking: false, end: { outcome: 'alone', reason } };
}

/** What a member of the group does. */
export function memberState({ status, terms }: Incident): MemberState {
  if (status === 'gathering') return 'gathering';
  return terms.run === 'parent' ? 'waiting' : 'free';
}

/** The group once its parent has this status. */
export function withParent(incident: Incident, status: CaseStatus): Incident {
  if (!isClosed(status) || incident.status === 'over') return incident;
  const outcome = status === 'RESOLVED' ? 'resolved' : status === 'SUPPRESSED' ? 'suppressed' : 'canceled';
  const reason = `its incident ${incident.incidentId} is ${outcome}`;
  return { ...incident, status: 'over', taking: false, end: { outcome, reason } };
}

const WHY = { first: 'the first of its members is resolved', last: 'the last of its members is over' } as const;

/** Why its parent is told to end. */
export const reasonToEnd = ({ members, over, terms: { resolve } }: Incident): string =>
  over >= members || resolve === 'all' ? 'all of its members are over' : WHY[resolve];

/** The report that makes the parent, or that counts further members. */
export function reportOf(incident: Incident, count: number, now: number): EventData['ExceptionIngested'] {
  const { incidentId, terms, report, members, firstCase } = incident;
  const { rule, place, by, key, run, packVersion } = terms;
  const fields = { ...report.fields, incident: { rule, by, members, first: firstCase } };
  return {
    source: 'generic',
    via: 'correlation',
    receivedAt: new Date(now).toISOString(),
    item: { ...report, source: 'correlation', fields },
    fingerprint: `incident:${incidentId}`,
    resolve: false,
    count,
    incident: { role: 'parent', rule, place, key, run },
    packVersion,
  };
}
