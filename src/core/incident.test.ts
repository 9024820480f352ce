import { describe, expect, it } from 'vitest';
import type { CaseStatus } from './case.js';
import { ExceptionIngested } from './events.js';
import {
  beginIncident,
  gathersUntil,
  type Incident,
  type IncidentTerms,
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
} from './incident.js';
import type { Severity } from './records.js';

const T0 = Date.UTC(2026, 10, 20, 9);
const ID = '11111111-2222-4333-8444-555555555555';

const joining = (at = T0, terms: Partial<IncidentTerms> = {}, severity: Severity = 'low'): Joining => ({
  terms: {
    ...{ rule: 'one a desk', place: 'sources.yaml:2:5', key: 'k', by: ['rates'], windowMs: 60_000, min: 1 },
    ...{ run: 'parent', resolve: 'all', packVersion: 3 },
    ...terms,
  },
  report: {
    ...{ type: 'Incident', title: 'trouble', entity: 'rates', severity },
    ...{ occurredAt: new Date(T0).toISOString(), fields: { desk: 'rates' } },
  },
  at,
});

/** An incident with these members, the first of them at T0, each a second after the one before. */
function incidentOf(members: readonly string[], terms: Partial<IncidentTerms> = {}): Incident {
  const [first = ''] = members;
  const begun = beginIncident(ID, 'acme', first, joining(T0, terms));
  return members.reduce((one, id, i) => withMember(one, id, joining(T0 + i * 1_000, terms)), begun);
}

describe('an incident', () => {
  it('is open with its first member, where one is enough', () => {
    expect(incidentOf(['a'])).toMatchObject({ status: 'open', members: 1, over: 0, taking: true, lastCase: 'a' });
    expect(gathersUntil(incidentOf(['a']))).toBeNull();
  });

  it('gathers until there are enough', () => {
    const two = incidentOf(['a', 'b'], { min: 3 });
    expect(two).toMatchObject({ status: 'gathering', members: 2 });
    expect(gathersUntil(two)).toBe(T0 + 61_000);
    expect(withMember(two, 'c', joining(T0))).toMatchObject({ status: 'open', members: 3, lastAt: T0 + 1_000 });
  });

  it('takes members for as long as its window says after the last one', () => {
    const one = incidentOf(['a', 'b']);
    expect(takes(one, joining(T0 + 60_999))).toBe(true);
    expect(takes(one, joining(T0 + 61_000))).toBe(false);
    expect(takes(withoutTaking(one), joining(T0))).toBe(false);
    expect(withoutTaking(one)).toMatchObject({ status: 'open', taking: false });
  });

  it('is as bad as its worst member', () => {
    const one = withMember(incidentOf(['a']), 'b', joining(T0, {}, 'critical'));
    expect(withMember(one, 'c', joining(T0, {}, 'high')).report.severity).toBe('critical');
  });

  it('is none where too few came', () => {
    const none = withoutTaking(incidentOf(['a'], { min: 2 }));
    expect(none).toEqual(tooFew(incidentOf(['a'], { min: 2 })));
    expect(none).toMatchObject({
      ...{ status: 'over', taking: false },
      end: { outcome: 'alone', reason: '1 of the 2 that make it an incident came within its window' },
    });
  });
});

describe('the end', () => {
  it.each<[IncidentTerms['resolve'], string, CaseStatus, Incident['status'], string]>([
    ['all', 'a', 'RESOLVED', 'open', ''],
    ['first', 'a', 'RESOLVED', 'ending', 'the first of its members is resolved'],
    ['first', 'a', 'CANCELED', 'open', ''],
    ['last', 'a', 'RESOLVED', 'open', ''],
    ['last', 'b', 'SUPPRESSED', 'ending', 'the last of its members is over'],
  ])('resolve %s: of two members %s is %s, and the incident %s', (resolve, member, closedAs, status, reason) => {
    const after = withoutMember(incidentOf(['a', 'b'], { resolve }), member, closedAs);
    expect(after).toMatchObject({ status, over: 1, taking: status === 'open' });
    if (status === 'ending') expect(reasonToEnd(after)).toBe(reason);
  });

  it('comes with the last of them in any case', () => {
    const one = withoutMember(incidentOf(['a', 'b'], { resolve: 'first' }), 'a', 'CANCELED');
    const two = withoutMember(one, 'b', 'CANCELED');
    expect(two.status).toBe('ending');
    expect(reasonToEnd(two)).toBe('all of its members are over');
    expect(reasonToEnd({ ...one, terms: { ...one.terms, resolve: 'all' } })).toBe('all of its members are over');
  });

  it('of a member changes nothing while it gathers', () => {
    expect(withoutMember(incidentOf(['a'], { min: 2 }), 'a', 'RESOLVED')).toMatchObject({
      status: 'gathering',
      over: 1,
    });
  });

  it.each<[CaseStatus, string | undefined]>([
    ['RESOLVED', 'resolved'],
    ['SUPPRESSED', 'suppressed'],
    ['CANCELED', 'canceled'],
    ['ESCALATED', undefined],
  ])('a parent that is %s: its members hear %s', (status, outcome) => {
    const after = withParent(incidentOf(['a']), status);
    expect(after.end?.outcome).toBe(outcome);
    expect(after.status).toBe(outcome === undefined ? 'open' : 'over');
    expect(withParent(after, 'CANCELED')).toEqual(outcome === undefined ? withParent(after, 'CANCELED') : after);
  });
});

it('a member gathers, waits for the parent, or goes its own way', () => {
  expect(memberState(incidentOf(['a'], { min: 2 }))).toBe('gathering');
  expect(memberState(incidentOf(['a']))).toBe('waiting');
  expect(memberState(incidentOf(['a'], { run: 'both' }))).toBe('free');
});

it('the parent’s report says what they have in common, and how many they are', () => {
  const report = reportOf(incidentOf(['a', 'b']), 2, T0);
  expect(ExceptionIngested.parse(report)).toEqual(report);
  expect(report).toMatchObject({
    ...{ via: 'correlation', count: 2, fingerprint: `incident:${ID}`, packVersion: 3 },
    incident: { role: 'parent', rule: 'one a desk', key: 'k', run: 'parent' },
    item: {
      ...{ type: 'Incident', title: 'trouble', entity: 'rates', source: 'correlation' },
      fields: { desk: 'rates', incident: { rule: 'one a desk', by: ['rates'], members: 2, first: 'a' } },
    },
  });
});
