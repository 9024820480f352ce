import { describe, expect, it } from 'vitest';
import type { EventData } from '../../core/events.js';
import { lastOf, T0, Walk } from '../../testing/walk.js';

type Data = Partial<EventData['ExceptionIngested']>;
const HOLD = { 'sources.yaml': `hold: [{ name: small ones, when: "exception.severity in ['low', 'info']", for: 2m }]` };
const low = (over: Data = {}): Data => ({ item: { type: 'FAIL', entity: 'T-1', severity: 'low' }, ...over });
const held = (files: Readonly<Record<string, string>> = {}) => Walk.of({ ...HOLD, ...files }, 'triage').report(low());

describe('an exception that a rule holds', () => {
  it('waits, and says why and until when', () => {
    const walk = held();
    expect(walk.types).toEqual(['ExceptionIngested', 'ExceptionHeld']);
    expect(walk.state).toMatchObject({ status: 'WAITING', count: 1, exception: { waiting: { kind: 'hold' } } });
    expect(lastOf(walk, 'ExceptionHeld')).toMatchObject({
      kind: 'hold',
      rule: 'small ones',
      place: 'sources.yaml:1:8',
      until: T0 + 120_000,
      explain: [{ name: 'small ones', matched: true }],
    });
  });

  it('goes on when its time is over', () => {
    const walk = held().fireTimer();
    expect(walk.types.slice(2)).toEqual(['AccumulationElapsed', 'ExceptionNormalized']);
    expect(walk.status).toBe('NORMALIZED');
    expect(walk.state.exception).not.toHaveProperty('waiting');
    expect(lastOf(walk, 'ExceptionNormalized').exception).toEqual(walk.state.exception);
  });

  it('is dropped when its source says that it is over, and the record says by which rule', () => {
    const walk = Walk.of(HOLD).report(low());
    walk.now = T0 + 30_000;
    walk.report(low({ resolve: true }));
    expect(walk.types.slice(2)).toEqual(['ExceptionIngested', 'CaseSuppressed', 'FeedbackCaptured']);
    expect(walk.state).toMatchObject({ status: 'SUPPRESSED', count: 1, feedback: { outcome: 'suppressed' } });
    expect(walk.timers.size).toBe(0);
    expect(lastOf(walk, 'CaseSuppressed').policy).toMatchObject({
      effect: 'suppress',
      winner: 'small ones',
      reason: 'the source generic says that it is over, 30 s after it began',
      explain: [{ name: 'small ones', matched: true, effect: 'suppress' }],
      packVersion: 3,
    });
  });

  it('is counted when it is reported again', () => {
    const seen = { count: 9, first: '2026-11-20T08:00:00.000Z', last: '2026-11-20T09:00:00.000Z', in1h: 2, in24h: 9 };
    const walk = held().report(low({ count: 2, seen }));
    expect(walk.state).toMatchObject({ status: 'WAITING', count: 3, exception: { history: seen } });
    expect(lastOf(walk, 'ExceptionMerged').note).toBe('reported while it is held, 3 in all');
    expect(walk.fireTimer().state).toMatchObject({ status: 'NORMALIZED', exception: { history: seen } });
  });

  it('goes on at once when it is reported as something that is not held', () => {
    const walk = held().report({
      item: { type: 'FAIL', entity: 'T-1', severity: 'critical', occurredAt: '2026-11-20T09:00:00Z' },
    });
    expect(walk.types.slice(3)).toEqual(['ExceptionMerged', 'ExceptionNormalized']);
    expect(walk.state).toMatchObject({
      status: 'NORMALIZED',
      count: 2,
      exception: { severity: 'critical', occurredAt: '2026-11-20T08:59:59.000Z' },
    });
    expect(walk.timers.size).toBe(0);
    expect(lastOf(walk, 'ExceptionNormalized').explain).toMatchObject([{ name: 'small ones', matched: false }]);
  });

  it('stays as bad as it was when the report that is not held is less bad', () => {
    const files = { 'sources.yaml': "hold: [{ when: exception.type == 'FAIL', for: 2m }]" };
    const walk = held(files).report({ item: { type: 'OTHER', severity: 'info' } });
    expect(walk.state).toMatchObject({ status: 'NORMALIZED', exception: { type: 'OTHER', severity: 'low' } });
  });

  it('stays held when a report cannot be read', () => {
    const walk = held().report({ item: {} });
    expect(walk.state).toMatchObject({ status: 'WAITING', count: 2 });
    expect(lastOf(walk, 'ExceptionMerged').note).toContain('cannot be read');
  });

  it('that was canceled meanwhile does not go on', () => {
    const walk = held().command('cancel').fireTimer();
    expect(walk.status).toBe('CANCELED');
    expect(walk.ignored).toEqual(['AccumulationElapsed: the case is closed: CANCELED']);
  });

  it('that somebody escalated meanwhile does not go on by itself', () => {
    const walk = held().command('escalate').fireTimer().report(low());
    expect(walk.state).toMatchObject({ status: 'ESCALATED', count: 2 });
    expect(walk.ignored).toEqual(['AccumulationElapsed: nothing waits for the end of this hold']);
    expect(walk.report(low({ via: 'reingest' })).status).toBe('NORMALIZED');
  });

  it('is not held again when somebody asks for it to be worked', () => {
    expect(Walk.of(HOLD, 'triage').report(low({ via: 'reingest' })).status).toBe('NORMALIZED');
  });

  it('says why it was not held, where the pack has such rules', () => {
    const walk = Walk.of(HOLD, 'triage').report();
    expect(lastOf(walk, 'ExceptionNormalized').explain).toMatchObject([
      { name: 'small ones', matched: false, falsePart: { values: { 'exception.severity': 'medium' } } },
    ]);
  });

  it('may ask for its history', () => {
    const files = { 'sources.yaml': 'hold: [{ name: new ones, when: seen.in24h < 5, for: 1m }]' };
    const seen = { count: 9, first: '', last: '', in1h: 1, in24h: 7 };
    expect(Walk.of(files, 'triage').report().status).toBe('WAITING');
    expect(Walk.of(files, 'triage').report({ seen }).status).toBe('NORMALIZED');
  });
});

const GROUP = (rest = '') => ({
  'sources.yaml': `accumulate: [{ name: crashes, by: [exception.fields.ns], window: 30s, max: 3${rest} }]`,
});
const accumulate = { rule: 'crashes', key: 'group:k', max: 3 };
const crash = (pod: string, over: Data = {}): Data => ({
  item: { type: 'Crash', title: `pod ${pod} crashes`, entity: pod, severity: 'low', fields: { ns: 'a', pod } },
  fingerprint: pod,
  accumulate,
  ...over,
});
const gathering = (rest = '') => Walk.of(GROUP(rest), 'triage').report(crash('p1'));

describe('exceptions that a rule gathers', () => {
  it('wait for the others, and go on as one when the window is over', () => {
    const walk = gathering();
    expect(walk.state).toMatchObject({ status: 'WAITING', exception: { waiting: { kind: 'accumulate', reports: 1 } } });
    expect(lastOf(walk, 'ExceptionHeld')).toMatchObject({ kind: 'accumulate', rule: 'crashes', until: T0 + 30_000 });
    expect([...walk.timers.values()]).toMatchObject([{ dueAt: T0 + 30_000, data: { closes: true } }]);
    walk
      .report(crash('p2', { item: { type: 'Crash', entity: 'p2', severity: 'critical', fields: { ns: 'a' } } }))
      .fireTimer();
    expect(walk.types.slice(2)).toEqual(['ExceptionIngested', 'AccumulationElapsed', 'ExceptionNormalized']);
    expect(walk.state).toMatchObject({
      status: 'NORMALIZED',
      count: 2,
      exception: {
        title: '2 × pod p1 crashes',
        type: 'Crash',
        entity: 'p1',
        severity: 'critical',
        fields: { ns: 'a', pod: 'p1' },
        items: [
          { entity: 'p1', fingerprint: 'p1', severity: 'low', count: 1, fields: { pod: 'p1' } },
          { entity: 'p2', severity: 'critical', title: 'Crash' },
        ],
      },
    });
    expect(walk.state.exception).not.toHaveProperty('waiting');
  });

  it('are each counted once in the list, with how often they came', () => {
    const worse = { type: 'Crash', entity: 'p1', severity: 'high', fields: { ns: 'a' } };
    const walk = gathering()
      .report(crash('p2'))
      .report(crash('p1', { count: 4, item: worse }));
    expect(walk.state).toMatchObject({
      status: 'NORMALIZED',
      count: 6,
      exception: { severity: 'high', items: [{ count: 5, severity: 'high' }, { count: 1 }] },
    });
  });

  it('go on at once when the group is full, and the timer is off', () => {
    const walk = gathering().report(crash('p2')).report(crash('p3'));
    expect(walk.status).toBe('NORMALIZED');
    expect(walk.last.outcome).toMatchObject({ release: true });
    expect(walk.timers.size).toBe(0);
    const one = Walk.of({ 'sources.yaml': GROUP()['sources.yaml'].replace('max: 3', 'max: 1') }, 'triage').report(
      crash('p1'),
    );
    expect(one.types).toEqual(['ExceptionIngested', 'ExceptionNormalized']);
    expect(one.state.exception).toMatchObject({ title: 'pod p1 crashes', items: [{ entity: 'p1' }] });
  });

  it('are taken out one by one when they are over; a single one that is left goes on by itself', () => {
    const walk = gathering().report(crash('p2')).fireTimer();
    expect(walk.state.exception?.items).toHaveLength(2);
    const left = gathering().report(crash('p1', { resolve: true }));
    expect(left.state).toMatchObject({ status: 'WAITING', count: 1, exception: { waiting: { items: [] } } });
    left.report(crash('p2'));
    expect(left.state).toMatchObject({
      status: 'NORMALIZED',
      count: 2,
      exception: { title: 'pod p2 crashes', entity: 'p2' },
    });
  });

  it('are dropped when all of them were over before the window was, and it is said so', () => {
    const walk = gathering()
      .report(crash('p1', { resolve: true }))
      .fireTimer();
    expect(walk.status).toBe('SUPPRESSED');
    expect(lastOf(walk, 'CaseSuppressed').policy).toMatchObject({
      winner: 'crashes',
      reason: 'all that was gathered was over before the window was',
    });
  });

  it('are not missed when the group is full and nothing is left in it: a last timer ends it', () => {
    const walk = gathering()
      .report(crash('p1', { resolve: true }))
      .report(crash('p9', { resolve: true }));
    expect(walk.status).toBe('WAITING');
    expect([...walk.timers.values()]).toMatchObject([{ dueAt: T0, data: { closes: true } }]);
    walk.report(crash('p2'));
    expect(walk.state).toMatchObject({ status: 'NORMALIZED', exception: { entity: 'p2' } });
  });

  it('a report that cannot be read is refused with its place', () => {
    expect(gathering().report(crash('p2', { item: {} })).last.outcome).toMatchObject({ kind: 'reject', path: 'type' });
  });

  it('keep the newest history', () => {
    const seen = { count: 4, first: 'a', last: 'b', in1h: 1, in24h: 2 };
    const walk = gathering().report(crash('p2', { seen })).fireTimer();
    expect(walk.state.exception).toMatchObject({ history: seen });
  });

  it('later reports are counted, and the end of one of several does not end the case', () => {
    const walk = gathering()
      .report(crash('p2'))
      .fireTimer()
      .report(crash('p1', { count: 2 }));
    expect(walk.state.count).toBe(4);
    walk.report(crash('p1', { resolve: true }));
    expect(lastOf(walk, 'ExceptionMerged').note).toBe('the source generic says that one of the group is over');
    const single = gathering()
      .fireTimer()
      .report(crash('p1', { resolve: true }));
    expect(single.types).toContain('CaseCommanded');
  });

  it('are worked again as a group', () => {
    const walk = Walk.of(GROUP()).report(crash('p1')).report(crash('p2')).fireTimer();
    expect(walk.status).toBe('ESCALATED');
    walk.report({ via: 'reingest' });
    expect(walk.types.filter((type) => type === 'ExceptionNormalized')).toHaveLength(2);
    expect(walk.state.exception?.items).toHaveLength(2);
  });

  it('are worked as a group when somebody escalated them before their time, or alone where all were over', () => {
    const walk = gathering().report(crash('p2')).command('escalate').report({ via: 'reingest' });
    expect(walk.state).toMatchObject({ status: 'NORMALIZED', exception: { items: [{}, {}] } });
    const over = gathering()
      .report(crash('p1', { resolve: true }))
      .command('escalate')
      .report({ via: 'reingest' });
    expect(over.state).toMatchObject({ status: 'NORMALIZED', exception: { entity: 'T-1' } });
    expect(over.state.exception).not.toHaveProperty('items');
  });

  it('are worked alone where the pack has no such rule any more', () => {
    expect(Walk.of({}, 'triage').report(crash('p1')).state).toMatchObject({ status: 'NORMALIZED' });
  });

  it('stay within what an event can carry, however large they are', () => {
    const big = (pod: string, kb: number) =>
      crash(pod, { item: { type: 'Crash', title: 't'.repeat(900), fields: { text: 'x'.repeat(kb * 1_000) } } });
    const many = Walk.of({ 'sources.yaml': GROUP()['sources.yaml'].replace('max: 3', 'max: 500') }, 'triage');
    for (let i = 0; i < 60; i++) many.report(big(`pod-${i}`, 20));
    const exception = many.fireTimer().state.exception;
    expect(JSON.stringify(exception).length).toBeLessThan(150_000);
    expect(exception?.items).toHaveLength(60);
    expect(exception?.title).toHaveLength('60 × '.length + 300);
    expect(exception?.items?.at(-1)?.fields).toEqual({});
    expect(Walk.of(GROUP(), 'triage').report(big('p1', 240)).status).toBe('NORMALIZED');
  });
});

describe('a group that is debounced', () => {
  const debounced = () => gathering(', mode: debounce, atMost: 50s');

  it('begins its window again with each report, and one more timer closes it', () => {
    const walk = debounced();
    expect([...walk.timers.values()]).toMatchObject([{ dueAt: T0 + 30_000, data: { closes: false } }]);
    walk.now = T0 + 10_000;
    walk.report(crash('p2')).fireTimer();
    expect(walk.status).toBe('WAITING');
    expect([...walk.timers.values()]).toMatchObject([{ dueAt: T0 + 40_000, data: { closes: false } }]);
    walk.fireTimer();
    expect([...walk.timers.values()]).toMatchObject([{ dueAt: T0 + 40_000, data: { closes: true } }]);
    expect(walk.fireTimer().status).toBe('NORMALIZED');
  });

  it('ends at the latest when it says', () => {
    const walk = debounced();
    walk.now = T0 + 29_000;
    walk.report(crash('p2')).fireTimer();
    expect([...walk.timers.values()]).toMatchObject([{ dueAt: T0 + 50_000, data: { closes: true } }]);
    expect(walk.fireTimer().state).toMatchObject({ status: 'NORMALIZED', exception: { items: [{}, {}] } });
  });
});
