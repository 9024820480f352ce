import { expect, it } from 'vitest';
import type { CaseState } from '../../core/case.js';
import type { CaseEvent } from '../../core/events.js';
import type { PolicyRecord, RuleTrace, TriageRecord } from '../../core/records.js';
import { DATA } from '../../testing/sample-events.js';
import { caseOf, eventOf, T0 } from '../../testing/walk.js';
import { decide } from './decide.js';

const trace = (name: string, matched = true): RuleTrace => ({ name, place: 'triage.yaml:1:1', matched });
const triage: TriageRecord = {
  ...{ category: 'settlement', severity: 'high', confidence: 1, labels: [], extra: {}, by: 'rules', packVersion: 3 },
  explain: [trace('owner'), trace('big')],
};
const policy: PolicyRecord = {
  ...{ effect: 'allow', reason: 'routine', winner: 'routine', approval: null, packVersion: 3 },
  explain: [trace('routine')],
};
const finished = eventOf('PlaybookFinished', DATA.PlaybookFinished);
const escalated = eventOf('CaseEscalated', { ...DATA.CaseEscalated, explain: [trace('other', false)] });
const suppressed = eventOf('CaseSuppressed', {
  policy: { ...policy, effect: 'suppress', explain: [trace('a', false), trace('noise')] },
});
const capture = (state: Partial<CaseState>, event: Parameters<typeof decide>[1], now = T0 + 1_500) =>
  decide(caseOf(state), event, null, now);

it('a resolved case is captured with its duration and everything that had a part in it', () => {
  const used = { rules: ['owner', 'big'], policies: ['routine'], effect: 'allow', playbook: 'repair-trade' };
  const captured = { outcome: 'resolved', note: 'amended', durationMs: 1_500, used };
  const counted = { outcome: 'resolved', durationMs: 1_500 };
  expect(capture({ status: 'RESOLVED', triage, policy }, finished)).toEqual({
    kind: 'advance',
    set: { feedback: { ...captured, explain: [], packVersion: 3 } },
    tally: [
      { kind: 'rule', name: 'owner', ...counted },
      { kind: 'rule', name: 'big', ...counted },
      { kind: 'policy', name: 'routine', ...counted },
      { kind: 'playbook', name: 'repair-trade', ...counted },
    ],
    emit: [{ type: 'FeedbackCaptured', data: captured }],
  });
});

it('an escalation is captured with the reason and why nothing else fitted', () => {
  expect(capture({ status: 'ESCALATED', triage, policy }, escalated)).toMatchObject({
    set: {
      feedback: { outcome: 'escalated', note: 'no playbook matches', explain: [{ name: 'other' }], packVersion: null },
    },
    tally: [{ kind: 'rule' }, { kind: 'rule' }, { kind: 'policy', outcome: 'escalated' }],
  });
});

it('a suppression is captured with the policies that asked for it', () => {
  expect(capture({ status: 'SUPPRESSED', triage }, suppressed)).toMatchObject({
    set: {
      feedback: { outcome: 'suppressed', note: 'routine', explain: [{ name: 'noise' }], used: { playbook: null } },
    },
  });
});

it('a case that ended before triage used nothing', () => {
  const used = { rules: [], policies: [], effect: null, playbook: 'repair-trade' };
  expect(capture({ status: 'CANCELED' }, finished)).toMatchObject({ set: { feedback: { used } } });
});

it('a clock that was set back does not give a negative duration', () => {
  expect(capture({}, finished, T0 - 1)).toMatchObject({ set: { feedback: { durationMs: 0 } } });
});

it('the case keeps no more than fifty traces', () => {
  const explain = Array.from({ length: 60 }, (_, i) => trace(`p${i}`, false));
  const outcome = capture({}, eventOf('CaseEscalated', { ...DATA.CaseEscalated, explain }));
  expect(outcome.kind === 'advance' && outcome.set?.feedback?.explain).toHaveLength(50);
});

const before = (outcome: string) => ({
  feedback: {
    ...{ outcome, note: null, durationMs: 1, explain: [], packVersion: 3 },
    used: { rules: [], policies: [], effect: null, playbook: null },
  },
});

it.each<[string, CaseEvent<'PlaybookFinished' | 'CaseEscalated'>]>([
  ['resolved', finished],
  ['suppressed', finished],
  ['canceled', escalated],
])('after %s was captured nothing more is', (outcome, event) => {
  const reason = `the outcome was captured before: ${outcome}`;
  expect(capture(before(outcome), event)).toEqual({ kind: 'ignore', reason });
});

it.each([
  ['resolved', finished],
  ['escalated', escalated],
])('an escalation is no end: what is %s after it is captured again', (outcome, event) => {
  expect(capture(before('escalated'), event)).toMatchObject({ set: { feedback: { outcome } } });
});
