/** What one round makes of members that it hears of together. */
import { describe, expect, it } from 'vitest';
import type { CaseStatus } from '../core/case.js';
import { caseKey } from '../core/ids.js';
import { beginIncident, type Incident, type IncidentTerms, type Joining, withMember } from '../core/incident.js';
import type { IncidentMember } from '../core/incident-work.js';
import type { IncidentRun } from '../core/records.js';
import { CorrelatorRound } from './correlator-round.js';
import { CaseDraft } from './draft.js';
import { emptyRow } from './ingest-reports.js';

const tenantId = 'acme';
const NOW = Date.UTC(2026, 0, 1);

const asks = (terms: Pick<IncidentTerms, 'resolve' | 'min'>): Joining => ({
  terms: {
    ...{ rule: 'one a desk', place: 'sources.yaml:2:5', key: 'rates', by: ['rates'], windowMs: 60_000 },
    ...{ run: 'members', packVersion: 1, ...terms },
  },
  report: {
    ...{ type: 'Incident', title: 'trouble', entity: 'rates', severity: 'low' },
    ...{ occurredAt: new Date(NOW).toISOString(), fields: {} },
  },
  at: NOW,
});

function draftOf(caseId: string, status: CaseStatus): [string, CaseDraft] {
  const row = emptyRow({ tenantId, caseId, openKey: caseId, source: 'generic', at: NOW });
  return [caseKey(tenantId, caseId), new CaseDraft({ ...row, state: { ...row.state, status } })];
}

/** A round that hears of these new members, named `c1`, `c2` and so on. */
function round(statuses: readonly CaseStatus[], joining: Joining) {
  const members = statuses.map(
    (_, i): IncidentMember => ({
      ...{ tenantId, caseId: `c${i + 1}`, incidentId: null, state: 'new', joining },
    }),
  );
  const drafts = new Map(members.map(({ caseId }, i) => draftOf(caseId, statuses[i] as CaseStatus)));
  const work = { members, incidents: [] };
  return new CorrelatorRound({ work, bound: [], isAll: true, known: [], drafts, now: NOW + 10 }).run();
}

describe('members that a round hears of together', () => {
  const orders: readonly (readonly CaseStatus[])[] = [
    ['CANCELED', 'OPEN', 'OPEN'],
    ['OPEN', 'CANCELED', 'OPEN'],
    ['OPEN', 'OPEN', 'CANCELED'],
  ];
  it.each(orders)('are one incident, whichever is closed already: %s, %s, %s', (...statuses) => {
    const { incidents, parents, members } = round(statuses, asks({ resolve: 'all', min: 1 }));
    expect(parents).toHaveLength(1);
    expect(incidents).toMatchObject([{ members: 3, over: 1, status: 'open', taking: true }]);
    const states = statuses.map((status) => (status === 'CANCELED' ? 'over' : 'free'));
    expect(members.map(({ state }) => state)).toEqual(states);
  });

  it('end it when all of them are closed already', () => {
    const { incidents, parents } = round(['RESOLVED', 'CANCELED'], asks({ resolve: 'all', min: 2 }));
    expect(parents).toHaveLength(1);
    expect(incidents).toMatchObject([{ members: 2, over: 2, status: 'ending', taking: false }]);
  });

  it('end it when the one that came last is closed already, and the rule says so', () => {
    expect(round(['OPEN', 'CANCELED'], asks({ resolve: 'last', min: 1 })).incidents).toMatchObject([
      { members: 2, over: 1, status: 'ending' },
    ]);
    expect(round(['CANCELED', 'OPEN'], asks({ resolve: 'last', min: 1 })).incidents).toMatchObject([
      { members: 2, over: 1, status: 'open' },
    ]);
  });
});

describe('a member that was there before there was an incident', () => {
  const asking = asks({ resolve: 'first', min: 2 });
  const begun = withMember(beginIncident('p1', tenantId, 'c1', asking), 'c1', asking);
  const member = { tenantId, caseId: 'c1', incidentId: 'p1', state: 'gathering', joining: null } as const;
  const settle = (incident: Incident, parent: CaseStatus) => {
    const drafts = new Map([draftOf('c1', 'OPEN'), draftOf('p1', parent)]);
    const work = { members: [], incidents: [incident] };
    const input = { work, bound: [member], isAll: true, known: [], drafts, now: NOW + 60_000 };
    const { members } = new CorrelatorRound(input).run();
    return { members, told: drafts.get(caseKey(tenantId, 'c1'))?.entries.map(({ type }) => type) };
  };
  const made = withMember(begun, 'c2', asking);
  const of = (run: IncidentRun): Incident => ({ ...made, terms: { ...made.terms, run } });

  it('hears of it', () => {
    expect(settle(of('both'), 'OPEN')).toMatchObject({ members: [{ state: 'free' }], told: ['IncidentJoined'] });
  });

  it('hears of it also when its parent has ended meanwhile', () => {
    expect(settle(of('both'), 'RESOLVED')).toMatchObject({ members: [{ state: 'free' }], told: ['IncidentJoined'] });
    expect(settle(of('parent'), 'RESOLVED').told).toEqual(['IncidentJoined', 'IncidentEnded']);
  });

  it('hears of none where too few came', () => {
    expect(settle(begun, 'OPEN')).toMatchObject({ members: [{ state: 'free' }], told: [] });
  });
});
