import { expect, it } from 'vitest';
import type { CaseState } from '../../core/case.js';
import { packOf } from '../../testing/packs.js';
import { DATA } from '../../testing/sample-events.js';
import { caseOf, eventOf, report, T0, Walk } from '../../testing/walk.js';
import { seenOf } from '../fit.js';
import { decide } from './decide.js';

const facts = {
  version: 3,
  pack: packOf({
    'sources.yaml': `
sources:
  trades:
    kind: json
    map: { type: "\${{ item.failType }}", title: "\${{ headers['x-desk'] }} \${{ body.batch }}" }`,
  }),
};
const exception = {
  type: 'FAIL',
  title: 'x',
  severity: 'high',
  entity: null,
  source: 'generic',
  occurredAt: '',
  fingerprint: 'f',
  fields: {},
} as const;
const intake = (state: Partial<CaseState>, data: Parameters<typeof report>[0], now = T0) =>
  decide(caseOf(state), eventOf('ExceptionIngested', report(data)), facts, now);

it('the first report becomes a normalized exception', () => {
  const outcome = intake({}, { count: 2 }, T0 + 7);
  expect(outcome).toMatchObject({
    kind: 'advance',
    status: 'NORMALIZED',
    merged: { count: 2, lastSeenAt: T0 + 7 },
    set: {
      exception: { type: 'FAIL', entity: 'T-1', fingerprint: 'FAIL|T-1', occurredAt: '2026-11-20T08:59:59.000Z' },
    },
    emit: [{ type: 'ExceptionNormalized', data: { exception: { type: 'FAIL' }, packVersion: 3 } }],
  });
});

it('a source reads what it kept of the request', () => {
  const data = { source: 'trades', item: { failType: 'SSI' }, body: { batch: 'B-7' }, headers: { 'x-desk': 'zurich' } };
  expect(intake({}, data)).toMatchObject({
    set: { exception: { type: 'SSI', title: 'zurich B-7', source: 'trades' } },
  });
});

it('an item that the source cannot read is refused with its place', () => {
  expect(intake({}, { item: { title: 'no type' } })).toMatchObject({
    kind: 'reject',
    code: 'FIELD_MISSING',
    path: 'type',
  });
  expect(intake({}, { source: 'gone' })).toMatchObject({ kind: 'reject', code: 'SOURCE_UNKNOWN' });
});

it.each([
  [1, 'one more report of the same exception, 6 in all'],
  [4, '4 more reports of the same exception, 9 in all'],
])('%i later reports are counted, and not worked again', (count, note) => {
  const outcome = intake({ status: 'WAITING', exception, count: 5 }, { count }, T0 + 9);
  const totals = { count: 5 + count, lastSeenAt: T0 + 9 };
  expect(outcome).toEqual({
    kind: 'advance',
    merged: totals,
    emit: [{ type: 'ExceptionMerged', data: { ...totals, note } }],
  });
});

it('a source that says it is over asks the playbook stage to close the case, and is not counted', () => {
  const reason = 'the source generic says that it is over';
  expect(intake({ status: 'RUNNING', exception, count: 5 }, { resolve: true }, T0 + 9)).toEqual({
    kind: 'advance',
    merged: { count: 5, lastSeenAt: T0 + 9 },
    emit: [
      { type: 'ExceptionMerged', data: { count: 5, lastSeenAt: T0 + 9, note: reason } },
      { type: 'CaseCommanded', data: { command: 'resolve', by: 'generic', reason } },
    ],
  });
});

it('an escalated case that is worked again is normalized anew, and counts nothing', () => {
  const outcome = intake({ status: 'ESCALATED', exception, count: 5 }, { via: 'reingest' });
  expect(outcome).toMatchObject({ status: 'NORMALIZED', emit: [{ type: 'ExceptionNormalized' }] });
  expect(outcome).not.toHaveProperty('merged');
});

it('a case that cannot be read when it is worked again is refused', () => {
  const outcome = intake({ status: 'ESCALATED', exception, count: 5 }, { via: 'reingest', item: {} });
  expect(outcome).toMatchObject({ kind: 'reject', code: 'FIELD_MISSING' });
});

it('the history of a fingerprint is kept with the case, and goes on with each report', () => {
  const seen = { count: 7, first: '2026-11-20T08:00:00.000Z', last: '2026-11-20T08:59:00.000Z', in1h: 3, in24h: 7 };
  expect(intake({}, { seen })).toMatchObject({ set: { exception: { history: seen } } });
  expect(intake({ status: 'TRIAGED', exception }, { seen })).toMatchObject({ set: { exception: { history: seen } } });
  expect(seenOf(caseOf({ exception: { ...exception, history: seen } }))).toEqual(seen);
});

it('a case that is under way is not started over, and a report that came before is not forgotten', () => {
  expect(intake({ status: 'WAITING', exception, count: 5 }, { via: 'reingest' })).toMatchObject({
    merged: { count: 6 },
  });
  expect(intake({ count: 1 }, {})).toMatchObject({ status: 'NORMALIZED', merged: { count: 2 } });
});

it.each([
  ['RESOLVED', 'the case is closed: RESOLVED'],
  ['SUPPRESSED', 'the case is closed: SUPPRESSED'],
  ['CANCELED', 'the case is closed: CANCELED'],
] as const)('a first report on a case that is %s is ignored', (status, reason) => {
  expect(intake({ status }, {})).toEqual({ kind: 'ignore', reason });
});

it('a case that somebody escalated before it was read is read, so that they see what it is about, and goes nowhere', () => {
  const told = intake({ status: 'ESCALATED', count: 0 }, {});
  expect(told).toMatchObject({ kind: 'advance', set: { exception: { type: exception.type } }, merged: { count: 1 } });
  expect(told).not.toHaveProperty('status');
  expect(told).not.toHaveProperty('emit');
  expect(intake({ status: 'ESCALATED' }, { item: {} })).toMatchObject({ kind: 'reject' });
  expect(intake({ status: 'RUNNING' }, {})).toMatchObject({ kind: 'ignore' });
});

it('a report that was accepted before the case ended, and came after, is counted; a late end of it is not', () => {
  const ended = { status: 'RESOLVED', exception, count: 2 } as const;
  expect(intake(ended, {})).toMatchObject({ kind: 'advance', merged: { count: 3 } });
  expect(intake(ended, { resolve: true })).toMatchObject({ kind: 'ignore' });
});

it('the end of a hold that nothing waits for is ignored', () => {
  const elapsed = eventOf('AccumulationElapsed', DATA.AccumulationElapsed);
  for (const state of [caseOf({ exception, status: 'TRIAGED' }), caseOf()])
    expect(decide(state, elapsed, facts, T0)).toMatchObject({ kind: 'ignore' });
});

it('a report that was rejected does not stop a later good one', () => {
  const walk = Walk.of({}, 'triage').report({ item: {} }).report();
  expect(walk.status).toBe('NORMALIZED');
  expect(walk.state.count).toBe(1);
});
