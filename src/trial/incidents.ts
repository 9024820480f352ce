/** Incidents of a world: what the correlator does with cases that belong together, in memory and at once. */
import { isClosed } from '../core/case.js';
import type { Emitter } from '../core/events.js';
import { deterministicId } from '../core/ids.js';
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
import type { Emission } from '../core/outcome.js';
import type { TrialCase } from './case.js';

/** What it needs of its world. */
export interface IncidentHost {
  readonly tenant: string;
  now(): number;
  begin(id: string, openKey: string): TrialCase;
  append(of: TrialCase, emission: Emission, emitter: Emitter): void;
  schedule(at: number, act: () => void): void;
}

interface Group {
  incident: Incident;
  parent: TrialCase | null;
  readonly bound: Set<TrialCase>; // members that gather, or wait
}

export class TrialIncidents {
  private readonly groups = new Map<string, Group>(); // by incident
  private readonly taking = new Map<string, Group>(); // by key
  private readonly groupOf = new Map<string, Group>(); // by member

  constructor(private readonly host: IncidentHost) {}

  /** Incidents that are not over. */
  get size(): number {
    return this.groups.size;
  }

  join(of: TrialCase, joining: Joining): void {
    const group = this.groupFor(of, joining);
    const before = group.incident.status;
    this.set(group, withMember(group.incident, of.id, joining));
    this.groupOf.set(of.id, group);
    group.bound.add(of);
    if (group.incident.status === 'gathering') {
      this.giveUpLater(group);
      return;
    }
    const { members, incidentId } = group.incident;
    if (before === 'gathering') group.parent = this.host.begin(incidentId, `incident:${incidentId}`);
    for (const member of before === 'gathering' ? [...group.bound] : [of]) this.tellJoined(group, member);
    const count = before === 'gathering' ? members : 1;
    const report: Emission = { type: 'ExceptionIngested', data: reportOf(group.incident, count, this.host.now()) };
    if (group.parent !== null) this.host.append(group.parent, report, 'correlator');
  }

  /** A case was closed: as a member, as a parent, or as neither. */
  closed(of: TrialCase): void {
    const { status } = of.state;
    const led = this.groups.get(of.id);
    if (led !== undefined) this.end(led, withParent(led.incident, status));
    const group = this.groupOf.get(of.id);
    if (group === undefined) return;
    this.groupOf.delete(of.id);
    group.bound.delete(of);
    const before = group.incident.status;
    this.set(group, withoutMember(group.incident, of.id, status));
    const { incident, parent } = group;
    if (incident.status !== 'ending' || before === 'ending' || parent === null) return;
    const data = { command: 'resolve', by: incident.terms.rule, reason: reasonToEnd(incident) } as const;
    this.host.append(parent, { type: 'CaseCommanded', data }, 'correlator');
  }

  private groupFor(of: TrialCase, joining: Joining): Group {
    const { key } = joining.terms;
    const current = this.taking.get(key);
    if (current !== undefined && takes(current.incident, joining)) return current;
    if (current !== undefined) this.end(current, withoutTaking(current.incident));
    const id = deterministicId('incident', this.host.tenant, key, of.id);
    const group: Group = {
      incident: beginIncident(id, this.host.tenant, of.id, joining),
      parent: null,
      bound: new Set(),
    };
    this.groups.set(id, group);
    return group;
  }

  private giveUpLater(group: Group): void {
    const until = gathersUntil(group.incident);
    if (until === null) return;
    this.host.schedule(until, () => {
      const now = gathersUntil(group.incident);
      if (now !== null && now <= this.host.now()) this.end(group, tooFew(group.incident));
    });
  }

  /** What it is from now on; when that is over, its members hear of it and it is forgotten. */
  private end(group: Group, after: Incident): void {
    this.set(group, after);
    const { incidentId, status, end, terms } = after;
    if (status !== 'over' || end === null) return;
    this.groups.delete(incidentId);
    const members = [...group.bound];
    group.bound.clear();
    for (const member of members) {
      this.groupOf.delete(member.id);
      if (terms.run !== 'parent' || isClosed(member.state.status)) continue;
      const id = end.outcome === 'alone' ? null : incidentId;
      const data = { ...end, incidentId: id, rule: terms.rule };
      this.host.append(member, { type: 'IncidentEnded', data }, 'correlator');
    }
  }

  private tellJoined(group: Group, member: TrialCase): void {
    const { incidentId, terms, members } = group.incident;
    if (memberState(group.incident) !== 'waiting') group.bound.delete(member);
    const data = { incidentId, rule: terms.rule, place: terms.place, members };
    this.host.append(member, { type: 'IncidentJoined', data }, 'correlator');
  }

  private set(group: Group, incident: Incident): void {
    group.incident = incident;
    const { key } = incident.terms;
    if (incident.taking) this.taking.set(key, group);
    else if (this.taking.get(key) === group) this.taking.delete(key);
  }
}
