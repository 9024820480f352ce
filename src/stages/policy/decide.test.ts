import { expect, it } from 'vitest';
import { CASE_STATUSES } from '../../core/case.js';
import type { RuleTrace } from '../../core/records.js';
import { lastOf, Walk } from '../../testing/walk.js';

const POLICIES = `
default: { effect: deny, reason: no policy allows it }
policies:
  - { name: noise, when: exception.type == 'NOISE', effect: suppress, reason: nobody cares }
  - { name: freeze, when: exception.fields.amount > 100, effect: require_approval, approval: { from: [group:desk] } }
  - { name: routine, when: exception.type == 'FAIL', effect: allow }`;
const evaluated = (item: object) => Walk.of({ 'policies.yaml': POLICIES }, 'playbook').report({ item });
const names = (explain: readonly RuleTrace[]) => explain.flatMap(({ name, rules }) => rules ?? name);

it.each([
  ['allowed', { type: 'FAIL', fields: { amount: 5 } }, 'allow', 'routine'],
  ['allowed with an approval', { type: 'FAIL', fields: { amount: 500 } }, 'require_approval', 'freeze'],
  ['denied by default', { type: 'OTHER', fields: { amount: 5 } }, 'deny', null],
])('what is %s goes on to the playbook stage, which acts on it', (_, item, effect, winner) => {
  const walk = evaluated(item);
  expect(walk.status).toBe('EVALUATED');
  expect(walk.state.policy).toMatchObject({ effect, winner, packVersion: 3 });
  expect(lastOf(walk, 'PolicyEvaluated').policy).toMatchObject({ effect, winner });
});

it('what is suppressed is closed at once, and no playbook sees it', () => {
  const walk = evaluated({ type: 'NOISE', fields: { amount: 5 } });
  expect(walk.status).toBe('SUPPRESSED');
  expect(lastOf(walk, 'CaseSuppressed').policy).toMatchObject({ effect: 'suppress', reason: 'nobody cares' });
  expect(walk.types).not.toContain('PolicyEvaluated');
});

it('the event explains every policy, the case keeps only those that matched', () => {
  const walk = evaluated({ type: 'FAIL', fields: { amount: 500 } });
  expect(names(lastOf(walk, 'PolicyEvaluated').policy.explain)).toEqual(['freeze', 'routine', 'noise']);
  expect(names(walk.state.policy!.explain)).toEqual(['freeze', 'routine']);
});

it.each(CASE_STATUSES.filter((status) => status !== 'TRIAGED'))('a case that is %s is passed over', (status) => {
  const walk = evaluated({ type: 'FAIL', fields: { amount: 5 } });
  const data = lastOf(walk, 'ExceptionTriaged');
  walk.state = { ...walk.state, status };
  walk.append({ type: 'ExceptionTriaged', data });
  expect(walk.last.outcome).toEqual({ kind: 'ignore', reason: expect.stringContaining(status) });
});
