import { expect, it } from 'vitest';
import { CASE_STATUSES, type CaseStatus } from '../../core/case.js';
import type { RuleTrace } from '../../core/records.js';
import { lastOf, T0, Walk } from '../../testing/walk.js';

const RULES = `
triage:
  - { name: never, when: exception.type == 'OTHER', set: { category: other } }
  - { name: often, when: seen.count > 1, set: { labels: [often] }, continue: true }
  - { name: fail, when: exception.type == 'FAIL', set: { category: settlement, severity: high, confidence: 0.9 } }`;
const triaged = () => Walk.of({ 'triage.yaml': RULES }, 'policy').report({ count: 2 });

it('the rules say what an exception means', () => {
  const walk = triaged();
  expect(walk.status).toBe('TRIAGED');
  const record = { category: 'settlement', severity: 'high', confidence: 0.9, labels: ['often'], packVersion: 3 };
  expect(walk.state.triage).toMatchObject(record);
  expect(lastOf(walk, 'ExceptionTriaged').triage).toMatchObject(record);
});

it('the event explains every rule, the case keeps only those that matched', () => {
  const walk = triaged();
  const names = (explain: readonly RuleTrace[]) => explain.flatMap(({ name, rules }) => rules ?? name);
  expect(names(lastOf(walk, 'ExceptionTriaged').triage.explain)).toEqual(['often', 'fail', 'never']);
  expect(names(walk.state.triage!.explain)).toEqual(['often', 'fail']);
});

it('conditions see the history of the fingerprint', () => {
  const rule = `triage: [{ name: since, when: "seen.count == 1 && seen.first == '2026-11-20T09:00:00.000Z' && seen.last == '2026-11-20T09:00:05.000Z'", set: { category: seen } }]`;
  const walk = Walk.of({ 'triage.yaml': rule }, 'policy');
  walk.now = T0 + 5_000;
  expect(walk.report().state.triage?.category).toBe('seen');
});

it.each(CASE_STATUSES.filter((status) => status !== 'NORMALIZED'))('a case that is %s is passed over', (status) => {
  expectIgnored(status);
});

it('a normalized case without its exception is passed over', () => {
  const walk = Walk.of({}, 'policy').report();
  const event = lastOf(walk, 'ExceptionNormalized');
  walk.state = { ...walk.state, status: 'NORMALIZED', exception: null };
  walk.append({ type: 'ExceptionNormalized', data: event });
  expect(walk.last.outcome?.kind).toBe('ignore');
});

function expectIgnored(status: CaseStatus): void {
  const walk = triaged();
  const data = lastOf(walk, 'ExceptionNormalized');
  walk.state = { ...walk.state, status };
  walk.append({ type: 'ExceptionNormalized', data });
  expect(walk.last.outcome).toEqual({ kind: 'ignore', reason: expect.stringContaining(status) });
}
