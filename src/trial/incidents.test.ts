/** A walk through incidents: what the correlator does between processes, in memory. */
import { describe, expect, it } from 'vitest';
import { packOf } from '../testing/packs.js';
import { walk } from './index.js';

const pack = (rule: string) =>
  packOf({
    'sources.yaml': `
sources: { trades: { kind: json, map: { type: "\${{ item.type }}", entity: "\${{ item.id }}", fields: { desk: "\${{ item.desk }}" } } } }
correlate: [{ name: one a desk, when: exception.type == 'FAIL', by: [exception.fields.desk], window: 5m, ${rule} }]`,
    'triage.yaml': `
triage:
  - { name: incidents, when: exception.type == 'Incident', set: { category: incident } }
  - { name: single, set: { category: single } }`,
    'policies.yaml': 'default: { effect: allow }',
    'playbooks/ask.yaml': `
playbook: ask
when: triage.category == 'incident'
steps: [{ id: ok, approve: { title: "Repair \${{ exception.fields.incident.members }}?", from: [ann], timeout: 1h } }]`,
    'playbooks/single.yaml': `
playbook: single
when: triage.category == 'single'
steps: [{ id: done, finish: { note: done } }]`,
  });
const three = [1, 2, 3].map((n) => ({ type: 'FAIL', id: `T-${n}`, desk: n < 3 ? 'rates' : 'fx' }));
const walkOf = (rule: string, given = {}) => walk(pack(rule), { source: 'trades', body: three }, given).cases;

describe('incidents of a walk', () => {
  it('members wait for the parent, which is asked about once', () => {
    const cases = walkOf('run: parent');
    expect(cases.map(({ status, exception }) => `${exception?.entity} ${status}`)).toEqual([
      ...['T-1 WAITING', 'rates WAITING', 'T-2 WAITING', 'T-3 WAITING', 'fx WAITING'],
    ]);
    expect(cases[1]).toMatchObject({ triage: { category: 'incident' }, playbook: 'ask', waitsFor: 'steps.ok' });
    expect(cases[2]?.events.map(({ type }) => type)).toContain('IncidentJoined');
  });

  it('and end with it', () => {
    const cases = walkOf('run: parent, min: 2', { 'steps.ok': 'approved' });
    expect(cases.map(({ exception, ending }) => `${exception?.entity} ${ending?.outcome}`)).toEqual([
      ...['T-1 resolved', 'T-2 resolved', 'rates resolved', 'T-3 resolved'],
    ]);
    expect(cases[0]?.playbook).toBeNull();
    expect(cases[3]).toMatchObject({ playbook: 'single' }); // alone: too few for an incident
  });

  it('an umbrella ends with its members', () => {
    const cases = walkOf('run: members');
    const umbrella = cases.find(({ exception }) => exception?.entity === 'rates');
    expect(umbrella).toMatchObject({ status: 'RESOLVED', ending: { reason: 'all of its members are over' } });
  });
});
