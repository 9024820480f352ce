import { describe, expect, it } from 'vitest';
import { CASE_STATUSES } from '../../core/case.js';
import { packOf } from '../../testing/packs.js';
import { DATA } from '../../testing/sample-events.js';
import { caseOf, eventOf, lastOf, T0, VERSION, Walk } from '../../testing/walk.js';
import { decide } from './decide.js';
import { playbook } from './stage.js';

const LOOK = 'steps: [{ id: look, use: fs.get, with: { path: a.txt } }]';
const ASK = 'steps: [{ id: ok, approve: { from: [group:desk], timeout: 1h } }]';

describe('start', () => {
  it.each([
    ['deny', 'POLICY_DENIED'],
    ['hold', 'POLICY_HELD'],
  ] as const)('what policy answers with %s goes to a person, and no playbook runs', (effect, code) => {
    const walk = Walk.of({ 'playbooks/p.yaml': `playbook: fix\n${LOOK}` }, 'playbook').report();
    const policy = { ...walk.state.policy!, effect, reason: 'month end' };
    const data = { policy: { ...policy, explain: [{ name: 'freeze', place: 'policies.yaml:2:3', matched: false }] } };
    const state = { ...walk.state, policy };
    const outcome = decide(state, eventOf('PolicyEvaluated', data), { version: 3, pack: walk.pack }, T0);
    expect(outcome).toMatchObject({
      status: 'ESCALATED',
      set: { run: null },
      emit: [
        { type: 'CaseEscalated', data: { code, reason: 'month end', runId: null, explain: [{ name: 'freeze' }] } },
      ],
    });
  });

  it('an approval that names nobody is no approval', () => {
    const walk = Walk.of({ 'playbooks/p.yaml': `playbook: fix\n${LOOK}` }, 'playbook').report();
    const policy = { ...walk.state.policy!, effect: 'require_approval' as const, approval: null };
    const facts = { version: 3, pack: walk.pack };
    expect(decide({ ...walk.state, policy }, eventOf('PolicyEvaluated', { policy }), facts, T0)).toMatchObject({
      status: 'ESCALATED',
      emit: [{ data: { code: 'POLICY_DENIED', reason: expect.stringContaining('names nobody') } }],
    });
    const spent = { ...policy, code: 'BUDGET_SPENT', reason: 'used up; nobody may approve' };
    expect(
      decide({ ...walk.state, policy: spent }, eventOf('PolicyEvaluated', { policy: spent }), facts, T0),
    ).toMatchObject({
      status: 'ESCALATED',
      emit: [{ data: { code: 'BUDGET_SPENT', reason: 'used up; nobody may approve' } }],
    });
  });

  describe('a policy that allows only some playbooks', () => {
    const pack = (policies: string) => ({
      'policies.yaml': policies,
      'playbooks/p.yaml': `playbook: fix\npriority: 5\n${LOOK}`,
      'playbooks/q.yaml': `playbook: watch\n${LOOK}`,
      'playbooks/r.yaml': `playbook: page\nwhen: exception.type == 'OTHER'\n${LOOK}`,
    });
    const only = (...names: string[]) => pack(`default: { effect: allow, allowPlaybooks: [${names.join(', ')}] }`);

    it('another one that fits runs instead, and the explanation says why', () => {
      const { playbook, explain } = lastOf(Walk.of(only('watch', 'page')).report(), 'PlaybookStarted');
      expect(playbook).toBe('watch');
      expect(explain.map(({ name, matched, note }) => [name, matched, note])).toEqual([
        ['fix', true, 'the default policy allows only watch, page'],
        ['page', false, undefined],
        ['watch', true, 'chosen with priority 0'],
      ]);
    });

    it('where none of them fits, a person is needed', () => {
      const walk = Walk.of(only('page')).report();
      expect(walk.status).toBe('ESCALATED');
      expect(lastOf(walk, 'CaseEscalated')).toMatchObject({
        code: 'NO_PLAYBOOK',
        reason: 'no playbook that fits this exception is allowed: the default policy allows only page',
      });
    });

    it('a playbook must be allowed by each policy that applies and names some', () => {
      const policies = `default: { effect: deny }
policies:
  - { name: any, effect: allow }
  - { name: careful, effect: allow, allowPlaybooks: [fix, watch] }
  - { name: later, when: "exception.type == 'OTHER'", effect: allow, allowPlaybooks: [page] }
  - { name: at night, effect: require_approval, approval: { from: [ann] }, allowPlaybooks: [watch, page] }`;
      const walk = Walk.of(pack(policies)).report();
      expect(walk.state.policy?.only).toEqual([
        { policy: 'careful', playbooks: ['fix', 'watch'] },
        { policy: 'at night', playbooks: ['watch', 'page'] },
      ]);
      expect(lastOf(walk, 'PlaybookStarted').playbook).toBe('watch');
      expect(lastOf(walk, 'PlaybookStarted').explain[0]?.note).toBe('`at night` allows only watch, page');
    });

    it('where a stricter policy stops the case, it means nothing', () => {
      const policies = `default: { effect: deny }
policies:
  - { name: careful, effect: allow, allowPlaybooks: [fix] }
  - { name: never, effect: deny }`;
      expect(Walk.of(pack(policies)).report().state.policy?.only).toBeUndefined();
    });
  });

  it('when no playbook fits, the escalation explains each of them', () => {
    const walk = Walk.of({ 'playbooks/p.yaml': `playbook: fix\nwhen: exception.type == 'OTHER'\n${LOOK}` }).report();
    expect(walk.status).toBe('ESCALATED');
    const { code, reason, explain, packVersion } = lastOf(walk, 'CaseEscalated');
    expect([code, reason, packVersion]).toEqual([
      'NO_PLAYBOOK',
      'none of the 1 playbooks fits this exception',
      VERSION,
    ]);
    expect(explain).toMatchObject([
      { name: 'fix', matched: false, falsePart: { values: { 'exception.type': 'FAIL' } } },
    ]);
    expect(walk.state.feedback?.explain).toEqual(explain);
  });

  it('a run is pinned to its pack and says why its playbook was chosen', () => {
    const walk = Walk.running(LOOK);
    const { runId, explain, packVersion } = lastOf(walk, 'PlaybookStarted');
    expect(explain).toMatchObject([{ name: 'fix', matched: true }]);
    expect(packVersion).toBe(VERSION);
    expect(walk.state.run).toMatchObject({ runId, packVersion, playbook: 'fix', gate: 'none', startedAt: T0, at: 0 });
  });

  it.each(CASE_STATUSES.filter((status) => status !== 'EVALUATED'))('a case that is %s starts no run', (status) => {
    const walk = Walk.running(LOOK);
    const data = lastOf(walk, 'PolicyEvaluated');
    walk.state = { ...walk.state, status };
    walk.append({ type: 'PolicyEvaluated', data });
    expect(walk.last.outcome).toEqual({ kind: 'ignore', reason: expect.stringContaining(status) });
  });
});

describe('commands', () => {
  const ENDS = [
    ['resolve', 'RESOLVED', 'resolved'],
    ['cancel', 'CANCELED', 'canceled'],
  ] as const;

  it.each(ENDS)('%s lets go the call that the run waits for', (command, status, outcome) => {
    const walk = Walk.running(LOOK);
    const { executionId, runId } = walk.calls[0]!;
    const commanded = eventOf('CaseCommanded', { command, by: 'ann', reason: 'test trade' });
    expect(decide(walk.state, commanded, null, T0)).toMatchObject({ cancelExecutions: [executionId] });
    walk.command(command);
    expect(walk.state).toMatchObject({ status, run: { status: 'CANCELED', pending: null, finishedAt: T0 } });
    expect(lastOf(walk, 'ToolCanceled')).toEqual({ runId, executionId, reason: 'test trade' });
    expect(lastOf(walk, 'PlaybookFinished')).toMatchObject({ runId, playbook: 'fix', outcome, note: 'test trade' });
    walk.finishCall();
    expect(walk.ignored).toContain(`ToolFinished: the case is closed: ${status}`);
  });

  it.each(ENDS)('%s closes the approval that the run waits for', (command, status) => {
    const walk = Walk.running(ASK).command(command);
    expect(walk.state).toMatchObject({ status, run: { status: 'CANCELED' } });
    expect([...walk.waits.values()]).toEqual(['canceled']);
    expect(walk.timers.size).toBe(0);
    expect(walk.types).not.toContain('ToolCanceled');
  });

  it.each(ENDS)('%s ends a case that has no run yet', (command, status, outcome) => {
    const walk = Walk.of({}, 'triage').report().command(command);
    expect(walk.state).toMatchObject({ status, run: null });
    expect(lastOf(walk, 'PlaybookFinished')).toMatchObject({ runId: null, playbook: null, outcome, packVersion: null });
  });

  it('a person resolves what a failed run has left, and the run stays as it failed', () => {
    const walk = Walk.running(LOOK).finishCall({ status: 'failed' }).command('resolve');
    expect(walk.state).toMatchObject({ status: 'RESOLVED', run: { status: 'FAILED' } });
    expect(walk.types.filter((type) => type === 'FeedbackCaptured')).toHaveLength(2);
  });

  it('a person takes on a case whose run waits for a call: the run is over, the call is let go', () => {
    const walk = Walk.running(LOOK).command('escalate');
    const { executionId, runId } = walk.calls[0]!;
    expect(walk.state).toMatchObject({ status: 'ESCALATED', run: { status: 'CANCELED', pending: null } });
    expect(lastOf(walk, 'ToolCanceled')).toMatchObject({ executionId });
    const told = { code: 'COMMANDED', reason: 'ann: test trade', runId, playbook: 'fix', packVersion: VERSION };
    expect(lastOf(walk, 'CaseEscalated')).toMatchObject(told);
    walk.finishCall();
    expect(walk.types.at(-1)).not.toBe('ToolRequested');
  });

  it.each(['intake', 'triage', 'policy'] as const)('a case that has not come past %s is escalated', (stage) => {
    const walk = Walk.of({}, stage).report().command('escalate');
    expect(walk.state).toMatchObject({ status: 'ESCALATED', run: null });
    expect(lastOf(walk, 'CaseEscalated')).toMatchObject({ runId: null, playbook: null, packVersion: null });
  });

  it('a case that a person has already is not escalated again', () => {
    const walk = Walk.running(LOOK).command('escalate').command('escalate');
    expect(walk.last.outcome).toEqual({ kind: 'ignore', reason: 'the case is ESCALATED already' });
    expect(walk.types.filter((type) => type === 'CaseEscalated')).toHaveLength(1);
  });

  it('a command on a closed case changes nothing', () => {
    const walk = Walk.running(LOOK).command('cancel').command('resolve');
    expect(walk.last.outcome).toEqual({ kind: 'ignore', reason: 'the case is closed: CANCELED' });
  });
});

describe('gather', () => {
  const asked: number[] = [];
  const pack = packOf();
  const remember = (_: string, version: number) => {
    asked.push(version);
    return { version, pack };
  };
  const deps = { activePack: () => ({ version: 99, pack }), packVersion: remember };

  it.each([
    [eventOf('PolicyEvaluated', { policy: { ...DATA.PolicyEvaluated.policy, packVersion: 7 } })],
    [eventOf('ToolFinished', { ...DATA.ToolFinished, packVersion: 7 })],
    [eventOf('WaitResolved', { ...DATA.WaitResolved, packVersion: 7 })],
    [eventOf('TimerFired', { ...DATA.TimerFired, data: { packVersion: 7 } })],
  ])('a run is decided with the pack version that its event names, not the active one', (event) => {
    expect(playbook.gather(deps, event)).toEqual({ version: 7, pack });
    expect(asked.pop()).toBe(7);
  });

  it('a command needs no pack, and a timer that names none belongs to no run', () => {
    expect(playbook.gather(deps, eventOf('CaseCommanded', DATA.CaseCommanded))).toBeNull();
    const event = eventOf('TimerFired', DATA.TimerFired);
    expect(playbook.gather(deps, event)).toBeNull();
    const reason = 'the TimerFired names no pack version, so it belongs to no run';
    expect(decide(caseOf({ status: 'WAITING' }), event, null, T0)).toEqual({ kind: 'ignore', reason });
  });
});
