/** One round of the correlator: what was noted of incidents, on locked cases, becomes events of members and parents. */
import type { NewCase } from '../core/accepting.js';
import { isClosed } from '../core/case.js';
import { caseKey, deterministicId } from '../core/ids.js';
import {
  beginIncident,
  gathersUntil,
  type Incident,
  type Joining,
  memberState,
  reasonToEnd,
  reportOf,
  takes,
  tooFew,
  withMember,
  withoutMember,
  withoutTaking,
  withParent,
} from '../core/incident.js';
import type { IncidentMember, IncidentWork, MemberKey, SavedIncident, SavedMember } from '../core/incident-work.js';
import type { Emission } from '../core/outcome.js';
import { CaseDraft } from './draft.js';
import { emptyRow } from './ingest-reports.js';

export interface RoundInput {
  readonly work: IncidentWork;
  readonly bound: readonly IncidentMember[]; // of the incidents of `work`
  readonly isAll: boolean; // and there are no more of them
  readonly known: readonly Incident[]; // that the members of `work` belong to, or may
  readonly drafts: Map<string, CaseDraft>; // of all of them and their parents; new parents are put to them
  readonly now: number;
}

export interface RoundOutput {
  readonly parents: readonly NewCase[];
  readonly incidents: readonly SavedIncident[];
  readonly members: readonly SavedMember[];
  readonly counts: { readonly opened: number; readonly joined: number; readonly ended: number };
}

const nameOf = (tenantId: string, id: string): string => `${tenantId}\n${id}`;

export class CorrelatorRound {
  private readonly incidents = new Map<string, Incident>(); // as they are now
  private readonly before = new Map<string, Incident>();
  private readonly taking = new Map<string, Incident>(); // by key
  private readonly looked = new Set<string>(); // incidents whose bound members are here
  private readonly grown = new Map<string, number>(); // further members of incidents that have a parent
  private readonly members = new Map<string, SavedMember>();
  private readonly parents: NewCase[] = [];
  private joined = 0;
  private ended = 0;

  constructor(private readonly input: RoundInput) {
    for (const one of [...input.known, ...input.work.incidents]) {
      this.before.set(nameOf(one.tenantId, one.incidentId), one);
      this.set(one);
    }
  }

  run(): RoundOutput {
    const { work, bound, now } = this.input;
    for (const one of this.before.values()) {
      const parent = this.draftOf(one.tenantId, one.incidentId);
      if (parent !== undefined) this.set(withParent(one, parent.state.status));
    }
    for (const { tenantId, incidentId } of work.incidents) this.looked.add(nameOf(tenantId, incidentId));
    for (const member of work.members) this.take(member);
    // Only now: whether members that are heard of together are one incident must not hang on which of them is closed.
    for (const kept of [...this.members.values()]) if (kept.state !== 'over') this.closeIfOver(kept);
    for (const id of this.looked) {
      const one = this.incidents.get(id) as Incident;
      if ((gathersUntil(one) ?? Number.POSITIVE_INFINITY) <= now) this.set(tooFew(one));
    }
    for (const member of bound) this.settle(member);
    this.tellParents();
    const { parents, joined, ended } = this;
    const incidents = [...this.incidents].filter(([id, one]) => this.looked.has(id) || this.before.get(id) !== one);
    return {
      parents,
      incidents: incidents.map(([id, one]) => ({ look: this.isLeft(id, one), ...one })),
      members: [...this.members.values()],
      counts: { opened: parents.length, joined, ended },
    };
  }

  /** Members that were bound before may have to hear of what it is now: in the next round, if they are not here. */
  private isLeft(id: string, { status, terms }: Incident): boolean {
    if (this.looked.has(id)) return !this.input.isAll;
    const before = this.before.get(id)?.status ?? 'gathering';
    if (status === 'over') return before !== 'over';
    return before === 'gathering' && status !== 'gathering' && terms.min > 1;
  }

  /** A member that is new, or that was closed. */
  private take(member: IncidentMember): void {
    const { joining, incidentId } = member;
    if (incidentId !== null && member.state !== 'new') this.keep(member, incidentId, member.state);
    else if (joining !== null) this.assign(member, joining);
  }

  private closeIfOver(member: SavedMember): boolean {
    const { tenantId, caseId, incidentId } = member;
    const status = this.draftOf(tenantId, caseId)?.state.status;
    if (status === undefined || !isClosed(status)) return false;
    const incident = this.incidents.get(nameOf(tenantId, incidentId));
    if (incident !== undefined) this.set(withoutMember(incident, caseId, status));
    this.keep(member, incidentId, 'over');
    return true;
  }

  private assign(member: IncidentMember, joining: Joining): void {
    const { tenantId, caseId } = member;
    const incident = this.incidentFor(member, joining);
    const { incidentId } = incident;
    const id = nameOf(tenantId, incidentId);
    const after = withMember(incident, caseId, joining);
    this.set(after);
    this.joined++;
    this.keep(member, incidentId, memberState(after));
    if (after.status === 'gathering') return;
    if (incident.status === 'gathering') this.makeParent(after);
    this.grown.set(id, incident.status === 'gathering' ? after.members : (this.grown.get(id) ?? 0) + 1);
    this.tellJoined(member, after);
  }

  /** The one that takes members of this key, or another one from now on. */
  private incidentFor({ tenantId, caseId }: IncidentMember, joining: Joining): Incident {
    const { key } = joining.terms;
    const current = this.taking.get(nameOf(tenantId, key));
    if (current !== undefined && takes(current, joining)) return current;
    if (current !== undefined) this.set(withoutTaking(current));
    return beginIncident(deterministicId('incident', tenantId, key, caseId), tenantId, caseId, joining);
  }

  private makeParent({ tenantId, incidentId }: Incident): void {
    const openKey = `incident:${incidentId}`;
    const made: NewCase = { tenantId, caseId: incidentId, openKey, source: 'generic', at: this.input.now };
    this.parents.push(made);
    this.input.drafts.set(caseKey(tenantId, incidentId), new CaseDraft(emptyRow(made)));
  }

  /** A member that was there before: it hears that there is an incident now, or that it is over. */
  private settle(member: IncidentMember): void {
    const { tenantId, caseId, incidentId } = member;
    const { state } = this.members.get(nameOf(tenantId, caseId)) ?? member;
    const incident = this.incidents.get(nameOf(tenantId, incidentId ?? ''));
    if (incident === undefined || state === 'over' || state === 'new') return;
    if (this.closeIfOver({ tenantId, caseId, incidentId: incident.incidentId, state })) return;
    const isNews = state === 'gathering' && incident.status !== 'gathering' && incident.end?.outcome !== 'alone';
    if (isNews) this.tellJoined(member, incident); // also if it ended before this member could hear of it
    if (incident.status === 'over') this.release(member, incident);
    else if (isNews) this.keep(member, incident.incidentId, memberState(incident));
  }

  private release(member: IncidentMember, { incidentId, terms, end }: Incident): void {
    this.keep(member, incidentId, 'free');
    if (end === null || terms.run !== 'parent') return;
    this.ended++;
    const none = end.outcome === 'alone';
    const data = { incidentId: none ? null : incidentId, rule: terms.rule, ...end };
    this.append(member.tenantId, member.caseId, { type: 'IncidentEnded', data }, incidentId, member.caseId, 'ended');
  }

  private tellJoined({ tenantId, caseId }: IncidentMember, { incidentId, terms, members }: Incident): void {
    const { rule, place } = terms;
    const emission = { type: 'IncidentJoined', data: { incidentId, rule, place, members } } as const;
    this.append(tenantId, caseId, emission, incidentId, caseId, 'joined');
  }

  /** Parents hear of further members, and that they are to end. */
  private tellParents(): void {
    for (const [id, one] of this.incidents) {
      const { tenantId, incidentId, members, terms, status } = one;
      const count = this.grown.get(id);
      if (count !== undefined) {
        const data = reportOf(one, count, this.input.now);
        this.append(tenantId, incidentId, { type: 'ExceptionIngested', data }, incidentId, 'members', members);
      }
      if (status !== 'ending' || this.before.get(id)?.status === 'ending') continue;
      const data = { command: 'resolve', by: terms.rule, reason: reasonToEnd(one) } as const;
      this.append(tenantId, incidentId, { type: 'CaseCommanded', data }, incidentId, 'ending');
    }
  }

  private append(tenantId: string, caseId: string, emission: Emission, ...parts: readonly (string | number)[]): void {
    this.draftOf(tenantId, caseId)?.append(emission, {
      eventId: deterministicId('incident', tenantId, ...parts),
      emitter: 'correlator',
      causeId: null,
      traceparent: null,
      time: new Date(this.input.now).toISOString(),
    });
  }

  private set(incident: Incident): void {
    const { tenantId, incidentId, terms, taking } = incident;
    this.incidents.set(nameOf(tenantId, incidentId), incident);
    const key = nameOf(tenantId, terms.key);
    if (taking) this.taking.set(key, incident);
    else if (this.taking.get(key)?.incidentId === incidentId) this.taking.delete(key);
  }

  private keep({ tenantId, caseId }: MemberKey, incidentId: string, state: SavedMember['state']): void {
    this.members.set(nameOf(tenantId, caseId), { tenantId, caseId, incidentId, state });
  }

  private draftOf(tenantId: string, caseId: string): CaseDraft | undefined {
    return this.input.drafts.get(caseKey(tenantId, caseId));
  }
}
