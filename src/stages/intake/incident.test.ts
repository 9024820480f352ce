import { describe, expect, it } from 'vitest';
import type { EventData } from '../../core/events.js';
import { lastOf, Walk } from '../../testing/walk.js';

type Data = Partial<EventData['ExceptionIngested']>;
const rule = (more = '') => ({
  'sources.yaml': `correlate: [{ name: one a desk, when: exception.type == 'FAIL', by: [exception.fields.desk], window: 5m${more} }]`,
});
const fail = (over: Data = {}): Data => ({
  item: { type: 'FAIL', entity: 'T-1', severity: 'low', fields: { desk: 'rates' } },
  ...over,
});
const member = (more = '', files: Readonly<Record<string, string>> = {}) =>
  Walk.of({ ...rule(more), ...files }, 'triage').report(fail());
const INCIDENT = '99999999-2222-4333-8444-555555555555';
const ended = (outcome: EventData['IncidentEnded']['outcome']) =>
  ({
    type: 'IncidentEnded',
    data: { incidentId: outcome === 'alone' ? null : INCIDENT, rule: 'one a desk', outcome, reason: 'it is over' },
  }) as const;

describe('an exception that belongs together with others', () => {
  it('waits as a member, and asks to be one', () => {
    const walk = member();
    expect(walk.types).toEqual(['ExceptionIngested', 'ExceptionCorrelated']);
    expect(walk.state).toMatchObject({
      ...{ status: 'WAITING', count: 1 },
      exception: {
        waiting: { kind: 'member', rule: 'one a desk', place: 'sources.yaml:1:13' },
        incident: { role: 'member', rule: 'one a desk', run: 'parent' },
      },
    });
    expect(lastOf(walk, 'ExceptionCorrelated')).toMatchObject({
      ...{ by: ['rates'], run: 'parent', packVersion: 3 },
      explain: [{ name: 'one a desk', matched: true }],
    });
    expect(walk.last.outcome).toMatchObject({ joins: { terms: { by: ['rates'] }, at: walk.now } });
  });

  it('goes on at once where the members are worked on, and asks all the same', () => {
    const walk = member(', run: both');
    expect(walk.types).toEqual(['ExceptionIngested', 'ExceptionCorrelated', 'ExceptionNormalized']);
    expect(walk.state).toMatchObject({ status: 'NORMALIZED', exception: { incident: { run: 'both' } } });
    expect(walk.state.exception).not.toHaveProperty('waiting');
    expect(lastOf(walk, 'ExceptionNormalized').exception).toEqual(walk.state.exception);
  });

  it('goes its own way where no rule takes it, and its event says why', () => {
    const walk = Walk.of(rule(), 'triage').report();
    expect(walk.types).toEqual(['ExceptionIngested', 'ExceptionNormalized']);
    expect(lastOf(walk, 'ExceptionNormalized').explain).toMatchObject([{ note: '`by` gives nothing for it' }]);
    expect(walk.last.outcome).not.toHaveProperty('joins');
  });

  it('is looked at when a hold before it is over, and what was said of holds stays beside it', () => {
    const sources = `hold: [{ name: small ones, when: exception.severity == 'low', for: 2m }]\n${rule()['sources.yaml']}`;
    const walk = Walk.of({ 'sources.yaml': sources }, 'triage').report(fail());
    expect(walk.types).toEqual(['ExceptionIngested', 'ExceptionHeld']);
    walk.fireTimer();
    expect(walk.types.slice(2)).toEqual(['AccumulationElapsed', 'ExceptionCorrelated']);
    expect(walk.state).toMatchObject({ status: 'WAITING', exception: { waiting: { kind: 'member' } } });
    const other = Walk.of({ 'sources.yaml': sources }, 'triage').report({ item: { type: 'OTHER' } });
    expect(lastOf(other, 'ExceptionNormalized').explain).toMatchObject([
      { name: 'small ones' },
      { name: 'one a desk' },
    ]);
  });

  it('lets the reports of a member that goes out of its hold stand before', () => {
    const sources = `hold: [{ when: exception.severity == 'low', for: 2m }]\n${rule(', run: members')['sources.yaml']}`;
    const walk = Walk.of({ 'sources.yaml': sources }, 'triage').report(fail());
    walk.report(fail({ item: { type: 'FAIL', severity: 'high', fields: { desk: 'rates' } } }));
    expect(walk.types.slice(3)).toEqual(['ExceptionMerged', 'ExceptionCorrelated', 'ExceptionNormalized']);
  });
});

describe('a member that waits', () => {
  it('counts further reports, and ends when its source says so', () => {
    const walk = Walk.of(rule())
      .report(fail())
      .report(fail({ count: 2 }));
    expect(walk.state).toMatchObject({ status: 'WAITING', count: 3 });
    walk.report(fail({ resolve: true }));
    expect(walk.types.slice(-3)).toEqual(['CaseCommanded', 'PlaybookFinished', 'FeedbackCaptured']);
    expect(walk.status).toBe('RESOLVED');
  });

  it.each([
    ['resolved', 'RESOLVED', 'PlaybookFinished'],
    ['canceled', 'CANCELED', 'PlaybookFinished'],
    ['suppressed', 'SUPPRESSED', 'CaseSuppressed'],
  ] as const)('is %s with its incident', (outcome, status, event) => {
    const walk = Walk.of(rule()).report(fail()).append(ended(outcome));
    expect(walk.types.slice(-3)).toEqual(['IncidentEnded', event, 'FeedbackCaptured']);
    expect(walk.state).toMatchObject({ status, feedback: { outcome, note: 'it is over' } });
    expect(walk.state.exception).not.toHaveProperty('waiting');
    walk.append(ended(outcome));
    expect(walk.ignored.at(-1)).toContain('closed');
  });

  it('goes its own way where there was no incident, and is no member of another one', () => {
    const walk = member().append(ended('alone'));
    expect(walk.types.slice(-2)).toEqual(['IncidentEnded', 'ExceptionNormalized']);
    expect(walk.status).toBe('NORMALIZED');
  });

  it('that a person took on does not end with its incident, and stays a member when it is worked again', () => {
    const walk = Walk.of(rule(), 'triage').report(fail()).command('escalate').append(ended('resolved'));
    expect(walk.status).toBe('ESCALATED');
    expect(walk.ignored).toEqual(['IncidentEnded: it waits for no incident']);
    walk.report(fail({ via: 'reingest' }));
    expect(walk.state).toMatchObject({ status: 'NORMALIZED', exception: { incident: { role: 'member' } } });
  });
});

describe('a parent', () => {
  const parent = (run: 'parent' | 'members'): Data => ({
    ...{ via: 'correlation', count: 2, item: { type: 'Incident', entity: 'rates' } },
    incident: { role: 'parent', rule: 'one a desk', place: 'sources.yaml:1:13', key: 'k', run },
  });

  it('is worked on as any other case, and is no member itself', () => {
    const every = { 'sources.yaml': 'correlate: [{ by: [exception.type], window: 5m }]' };
    const walk = Walk.of(every, 'triage').report(parent('parent'));
    expect(walk.types).toEqual(['ExceptionIngested', 'ExceptionNormalized']);
    expect(walk.state).toMatchObject({ count: 2, exception: { incident: { role: 'parent' } } });
  });

  it('that was ended before anybody had seen it is known as one', () => {
    const walk = Walk.of(rule()).command('cancel').report(parent('parent'));
    expect(walk.state).toMatchObject({ status: 'CANCELED', count: 2, exception: { incident: { role: 'parent' } } });
    const bad = Walk.of(rule())
      .command('cancel')
      .report({ ...parent('parent'), item: { title: 'no type' } });
    expect(bad.ignored.at(-1)).toContain('closed');
  });

  it('waits where its members are worked on, counts them, and ends when it is told', () => {
    const walk = Walk.of(rule()).report(parent('members')).report(parent('members'));
    expect(walk.types).toEqual(['ExceptionIngested', 'IncidentOpened', 'ExceptionIngested', 'ExceptionMerged']);
    expect(walk.state).toMatchObject({ status: 'WAITING', count: 4, exception: { waiting: { kind: 'parent' } } });
    walk.append({ type: 'CaseCommanded', data: { command: 'resolve', by: 'one a desk', reason: 'all are over' } });
    expect(walk.status).toBe('RESOLVED');
  });
});
