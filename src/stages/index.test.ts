import { describe, expect, it } from 'vitest';
import { EVENTS } from '../core/events.js';
import { STAGES } from '../core/stages.js';
import { packOf } from '../testing/packs.js';
import { DATA } from '../testing/sample-events.js';
import { eventOf, lastOf, T0, Walk } from '../testing/walk.js';
import { STAGE_TABLE } from './index.js';

describe('the table of stages', () => {
  it.each(STAGES)('%s consumes exactly what the catalogue sends it', (name) => {
    const sent = Object.entries(EVENTS).filter(([, { to }]) => to === name);
    expect([...STAGE_TABLE[name].consumes].sort()).toEqual(sent.map(([type]) => type).sort());
    expect(STAGE_TABLE[name].name).toBe(name);
  });

  const pack = packOf();
  const deps = {
    activePack: () => ({ version: 8, pack }),
    packVersion: (_: string, version: number) => ({ version, pack }),
  };

  it.each([
    ['intake', eventOf('ExceptionIngested', { ...DATA.ExceptionIngested, packVersion: 2 }), 2],
    ['triage', eventOf('ExceptionNormalized', DATA.ExceptionNormalized), 8],
    ['policy', eventOf('ExceptionTriaged', DATA.ExceptionTriaged), 8],
  ] as const)('%s decides with the right version of the pack', (name, event, version) => {
    expect(STAGE_TABLE[name].gather(deps, event)).toEqual({ version, pack });
  });

  it.each([
    ['tool', eventOf('ToolCanceled', DATA.ToolCanceled)],
    ['feedback', eventOf('CaseEscalated', DATA.CaseEscalated)],
  ] as const)('%s needs no pack', (name, event) => {
    expect(STAGE_TABLE[name].gather(deps, event)).toBeNull();
  });
});

const DESK = {
  'triage.yaml': `
triage:
  - { name: big, when: exception.fields.amount > 1000000, set: { category: settlement, severity: critical, labels: [big] } }
  - { name: heartbeat, when: exception.type == 'HEARTBEAT', set: { category: noise } }
  - { name: otherwise, set: { category: settlement } }`,
  'policies.yaml': `
default: { effect: deny, reason: no policy allows it }
policies:
  - { name: quiet, when: triage.category == 'noise', effect: suppress }
  - { name: four eyes, when: "'big' in triage.labels", effect: require_approval, approval: { from: [group:desk] } }
  - { name: repair, when: triage.category == 'settlement', effect: allow }`,
  'tools.yaml': `
connections: { desk: { kind: http, base: https://desk.example } }
tools:
  resubmit: { use: http.request, connection: desk, params: { id: string }, with: { method: POST, path: "/trades/\${{ id }}" }, effect: idempotent }`,
  'playbooks/resubmit.yaml': `
playbook: resubmit
when: triage.category == 'settlement'
steps: [{ id: send, use: resubmit, with: { id: "\${{ exception.entity }}" } }]
finish: { note: "sent again: \${{ steps.send.result.body.status }}" }`,
};
const trade = (amount: number, type = 'FAIL') => ({ item: { type, entity: 'T-1', fields: { amount } } });
const STRAIGHT = ['ExceptionIngested', 'ExceptionNormalized', 'ExceptionTriaged', 'PolicyEvaluated', 'PlaybookStarted'];

describe('one exception through all six stages', () => {
  it('a failed trade is sent again and resolved, with everything that had a part in it counted', () => {
    const walk = Walk.of(DESK).report(trade(5));
    expect(walk.calls).toMatchObject([
      { tool: 'resubmit', connection: 'desk', effect: 'idempotent', input: { path: '/trades/T-1' } },
    ]);
    walk.now = T0 + 900;
    walk.finishCall({ result: { body: { status: 'SETTLED' } } });
    expect(walk.types).toEqual([...STRAIGHT, 'ToolRequested', 'ToolFinished', 'PlaybookFinished', 'FeedbackCaptured']);
    expect(walk.state).toMatchObject({ status: 'RESOLVED', count: 1, triage: { category: 'settlement' } });
    expect(lastOf(walk, 'FeedbackCaptured')).toEqual({
      outcome: 'resolved',
      note: 'sent again: SETTLED',
      durationMs: 900,
      used: { rules: ['otherwise'], policies: ['repair'], effect: 'allow', playbook: 'resubmit' },
    });
    expect(walk.ignored).toEqual([]);
  });

  it('a big one waits for the desk first', () => {
    const walk = Walk.of(DESK)
      .report(trade(2_000_000))
      .answer('approved')
      .finishCall({ result: { body: { status: 'SETTLED' } } });
    expect(walk.types.slice(4, 8)).toEqual(['PlaybookStarted', 'ApprovalRequested', 'WaitResolved', 'ToolRequested']);
    expect(walk.state.feedback).toMatchObject({ outcome: 'resolved', used: { policies: ['four eyes', 'repair'] } });
  });

  it('noise is suppressed and captured', () => {
    const walk = Walk.of(DESK).report(trade(5, 'HEARTBEAT'));
    expect(walk.types.slice(3)).toEqual(['CaseSuppressed', 'FeedbackCaptured']);
    expect(walk.state).toMatchObject({
      status: 'SUPPRESSED',
      feedback: { outcome: 'suppressed', used: { playbook: null } },
    });
  });

  it('while it is worked on, more reports are counted, and the source may say that it is over', () => {
    const walk = Walk.of(DESK)
      .report(trade(5))
      .report({ ...trade(5), count: 3 })
      .report({ resolve: true });
    expect(walk.state).toMatchObject({
      status: 'RESOLVED',
      count: 4,
      run: { status: 'CANCELED' },
      feedback: { outcome: 'resolved' },
    });
    const closing = ['ExceptionMerged', 'CaseCommanded', 'ToolCanceled', 'PlaybookFinished', 'FeedbackCaptured'];
    expect(walk.types.slice(-closing.length)).toEqual(closing);
  });

  it('an escalated case that is worked again starts over, with a new run', () => {
    const walk = Walk.of(DESK).report(trade(5)).finishCall({ status: 'failed' });
    const first = walk.state.run!.runId;
    walk.report({ ...trade(5), via: 'reingest' }).finishCall({ result: { body: { status: 'SETTLED' } } });
    expect(walk.state).toMatchObject({ status: 'RESOLVED', count: 1, feedback: { outcome: 'resolved' } });
    expect(walk.state.run?.runId).not.toBe(first);
  });
});
