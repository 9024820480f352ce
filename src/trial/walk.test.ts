import { describe, expect, it } from 'vitest';
import { ProblemError } from '../core/errors.js';
import { packOf } from '../testing/packs.js';
import { type Given, walk } from './index.js';

const DESK = packOf({
  'sources.yaml': `
sources:
  trades:
    kind: json
    split: \${{ body.breaks }}
    map: { type: "\${{ item.kind }}", entity: "\${{ item.id }}", fields: { amount: "\${{ item.amount }}" } }
    fingerprint: [type, entity]`,
  'triage.yaml': `
triage:
  - { name: big, when: exception.fields.amount > 1000000, set: { category: settlement, severity: critical, labels: [big] } }
  - { name: often, when: seen.count > 5, set: { category: noise } }
  - { name: otherwise, set: { category: settlement } }`,
  'policies.yaml': `
default: { effect: deny, reason: no policy allows it }
policies:
  - { name: quiet, when: triage.category == 'noise', effect: suppress }
  - { name: four eyes, when: "'big' in triage.labels", effect: require_approval, approval: { from: [group:desk], quorum: 2 } }
  - { name: repair, when: triage.category == 'settlement', effect: allow }`,
  'tools.yaml': `
connections: { desk: { kind: http, base: https://desk.example } }
tools:
  look: { use: http.request, connection: desk, params: { id: string }, with: { method: GET, path: "/trades/\${{ id }}" }, effect: read }
  amend: { use: http.request, connection: desk, params: { id: string }, with: { method: POST, path: "/trades/\${{ id }}" }, effect: idempotent }`,
  'playbooks/repair.yaml': `
playbook: repair
when: triage.category == 'settlement'
steps:
  - { id: look, use: look, with: { id: "\${{ exception.entity }}" } }
  - { id: done, if: steps.look.result.status == 'SETTLED', finish: { note: "it had settled" } }
  - { id: ok, approve: { title: "Amend \${{ exception.entity }}?", from: [ann], timeout: 1h }, rejected: { goto: look, max: 1 } }
  - { id: fix, use: amend, with: { id: "\${{ exception.entity }}" } }`,
});
const one = (amount: number) => ({ type: 'FAIL', entity: 'T-1', fields: { amount } });
const walkOne = (amount: number, given: Given = {}) => {
  const { problems, cases } = walk(DESK, { body: one(amount) }, given);
  expect(problems).toEqual([]);
  expect(cases).toHaveLength(1);
  return cases[0]!;
};
const pathOf = ({ steps }: ReturnType<typeof walkOne>) => steps.map(({ id, status }) => `${id} ${status}`);

describe('a walk', () => {
  it('goes as far as the answers reach, and says which one is missing', () => {
    const walked = walkOne(5);
    expect(walked).toMatchObject({
      status: 'RUNNING',
      triage: { category: 'settlement' },
      policy: { effect: 'allow', winner: 'repair' },
      playbook: 'repair',
      waitsFor: 'steps.look',
      ending: null,
    });
    expect(walked.calls).toMatchObject([
      { tool: 'look', effect: 'read', input: { path: '/trades/T-1' }, answered: false },
    ]);
    expect(pathOf(walked)).toEqual(['look requested']);
    expect(walked.triage?.explain.map(({ matched }) => matched)).toEqual([false, false, true]);
  });

  it('with every answer comes to its end, and lists the calls and who was asked', () => {
    const walked = walkOne(5, { 'steps.look': { status: 'FAILED' }, 'steps.ok': 'approved', 'steps.fix': {} });
    expect(pathOf(walked)).toEqual(['look done', 'done skipped', 'ok done', 'fix done']);
    expect(walked).toMatchObject({ status: 'RESOLVED', waitsFor: null, ending: { outcome: 'resolved' } });
    expect(walked.calls.map(({ effect }) => effect)).toEqual(['read', 'idempotent']);
    expect(walked.approvals).toMatchObject([{ step: 'ok', from: ['ann'], decision: 'approved', title: 'Amend T-1?' }]);
  });

  it('asks the people of the group first where policy wants it', () => {
    const walked = walkOne(2_000_000);
    expect(walked).toMatchObject({ status: 'WAITING', waitsFor: 'policy', steps: [] });
    expect(walked.approvals).toMatchObject([{ step: null, from: ['ann', 'bob'], quorum: 2, decision: null }]);
    const approved = walkOne(2_000_000, { policy: 'approved' });
    expect(approved).toMatchObject({ waitsFor: 'steps.look', approvals: [{ decision: 'approved' }] });
  });

  it('a rejected step goes back, and a second visit may be answered in its own way', () => {
    const walked = walkOne(5, { 'steps.look': {}, 'steps.ok': 'rejected', 'steps.look#2': { status: 'SETTLED' } });
    expect(pathOf(walked)).toEqual(['look done', 'done failed']);
    const looked = { 'steps.look': { status: 'OPEN' }, 'steps.ok': { decision: 'rejected', comment: 'wrong one' } };
    const again = walkOne(5, { ...looked, 'steps.look#2': { status: 'SETTLED' } });
    expect(pathOf(again)).toEqual(['look done', 'done skipped', 'ok done', 'look done', 'done done']);
    expect(again.ending).toMatchObject({ outcome: 'resolved', reason: 'it had settled' });
  });

  it('a call that fails and an approval that nobody gives escalate', () => {
    expect(walkOne(5, { 'steps.look.error': { code: 'GONE', message: 'no such trade' } }).ending).toMatchObject({
      outcome: 'escalated',
      code: 'STEP_FAILED',
    });
    const silent = walkOne(5, { 'steps.look': { status: 'OPEN' }, 'steps.ok': 'timeout' });
    expect(silent.ending).toMatchObject({ outcome: 'escalated', code: 'APPROVAL_EXPIRED' });
  });

  it('how often something was seen can be said', () => {
    expect(walkOne(5, { 'seen.count': 6 })).toMatchObject({ status: 'SUPPRESSED', ending: { outcome: 'suppressed' } });
    expect(walkOne(5, { seen: { count: 5 } }).status).toBe('RUNNING');
  });

  it('a request of many items is split, and equal ones are one case', () => {
    const breaks = [1, 2, 1].map((id) => ({ kind: 'FAIL', id: `T-${id}`, amount: 5 }));
    const { cases, problems } = walk(DESK, { source: 'trades', body: { breaks } });
    expect(problems).toEqual([]);
    expect(cases.map(({ items, exception }) => [exception?.entity, items])).toEqual([
      ['T-1', 2],
      ['T-2', 1],
    ]);
  });

  it('an input that its source cannot read is told, a record that the map cannot read is a dead letter', () => {
    expect(walk(DESK, { source: 'nobody', body: {} }).problems).toMatchObject([{ code: 'SOURCE_UNKNOWN' }]);
    const { cases } = walk(DESK, { source: 'trades', body: { breaks: [{ id: 'T-1' }] } });
    expect(cases).toMatchObject([{ status: 'OPEN', problem: { code: 'FIELD_MISSING' } }]);
  });
});

describe('what is given is checked', () => {
  it.each([
    [{ 'step.look': 1 }, 'GIVEN_UNKNOWN', 'step.look'],
    [{ 'steps.lok': 1 }, 'GIVEN_UNKNOWN', 'steps.lok'],
    [{ 'steps.ok': 'yes' }, 'GIVEN_INVALID', 'steps.ok'],
    [{ policy: 'maybe' }, 'GIVEN_INVALID', 'policy'],
    [{ 'seen.count': 0 }, 'GIVEN_INVALID', 'seen.count'],
    [
      { 'steps.look': { status: 'OPEN' }, 'steps.ok': { decision: 'approved', by: ['bob'] } },
      'GIVEN_INVALID',
      'steps.ok',
    ],
  ])('%j → %s', (given, code, path) => {
    const caught = (() => {
      try {
        return walkOne(5, given);
      } catch (error) {
        return error;
      }
    })();
    expect(caught).toBeInstanceOf(ProblemError);
    expect((caught as ProblemError).problem).toMatchObject({ code, path });
  });
});
