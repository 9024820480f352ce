import { describe, expect, it } from 'vitest';
import { lastOf, T0, VERSION, Walk } from '../../testing/walk.js';

const HOUR = 3_600_000;
const look = '  - { id: look, use: fs.get, with: { path: a } }\n';
const ask = (rest = '', onTimeout = 'escalate') =>
  `  - { id: ok, approve: { title: "Repair \${{ exception.entity }}?", from: [group:desk, carl], timeout: 1h, onTimeout: ${onTimeout} }${rest} }\n`;
const pendingStep = (walk: Walk) => walk.state.run?.pending?.step;
const statuses = (walk: Walk) => [...walk.waits.values()];
const escalation = (walk: Walk) => {
  const { code, reason } = lastOf(walk, 'CaseEscalated');
  return [walk.status, walk.state.run?.status, code, reason];
};

describe('an approval in a playbook', () => {
  it('a run waits for people, by name and for a time', () => {
    const walk = Walk.running(`steps:\n${ask()}${look}`);
    expect(walk.state).toMatchObject({
      status: 'WAITING',
      run: { status: 'WAITING', steps: { ok: { status: 'waiting' } } },
    });
    const asked = lastOf(walk, 'ApprovalRequested');
    expect(asked).toMatchObject({
      step: 'ok',
      title: 'Repair T-1?',
      terms: { from: ['ann', 'bob', 'carl'] },
      expiresAt: T0 + HOUR,
    });
    const { waitId, runId } = asked;
    const [timer] = walk.timers.values();
    expect(timer).toMatchObject({ dueAt: T0 + HOUR, data: { waitId, runId, step: 'ok', packVersion: VERSION } });
  });

  it('what was approved goes on, and the timer is off', () => {
    const walk = Walk.running(`steps:\n${ask()}${look}`).answer('approved', 'fine');
    expect(walk.state.run?.steps.ok).toEqual({
      status: 'done',
      visit: 1,
      result: { approved: true, by: ['ann'], comment: 'fine' },
    });
    expect([walk.status, pendingStep(walk), walk.timers.size, ...statuses(walk)]).toEqual([
      'RUNNING',
      'look',
      0,
      'approved',
    ]);
  });

  it.each([
    [null, 'step ok was rejected by ann'],
    ['too risky', 'step ok was rejected by ann: too risky'],
  ])('what was rejected goes to a person with the comment: %s', (comment, reason) => {
    const walk = Walk.running(`steps:\n${ask()}${look}`).answer('rejected', comment);
    expect(escalation(walk)).toEqual(['ESCALATED', 'FAILED', 'APPROVAL_REJECTED', reason]);
    expect(walk.state.run?.steps.ok?.result).toMatchObject({ approved: false, comment });
    expect([walk.timers.size, ...statuses(walk)]).toEqual([0, 'rejected']);
  });

  it('a run rejected twice loops back twice, with the comment for its next plan, and then goes to a person', () => {
    const plan = `  - { id: plan, use: fs.put, with: { path: p, content: "\${{ has(steps.ok.result) ? steps.ok.result.comment : 'first' }}" } }\n`;
    const walk = Walk.running(`steps:\n${plan}${ask(', rejected: { goto: plan, max: 2 }')}`);
    for (const comment of ['cheaper', 'simpler']) {
      walk.finishCall().answer('rejected', comment);
      expect([walk.status, pendingStep(walk)]).toEqual(['RUNNING', 'plan']);
    }
    walk.finishCall().answer('rejected', 'no');
    expect(escalation(walk)).toEqual(['ESCALATED', 'FAILED', 'APPROVAL_REJECTED', 'step ok was rejected by ann: no']);
    const contents = walk.calls.map(({ input }) => (input as { content: string }).content);
    expect(contents).toEqual(['first', 'cheaper', 'simpler']);
    expect(new Set(walk.calls.map(({ executionId }) => executionId)).size).toBe(3);
    expect(statuses(walk)).toEqual(['rejected', 'rejected', 'rejected']);
  });

  it('an approval nobody gave escalates when its time is over', () => {
    const walk = Walk.running(`steps:\n${ask()}${look}`).fireTimer();
    expect(escalation(walk)).toEqual(['ESCALATED', 'FAILED', 'APPROVAL_EXPIRED', 'nobody decided step ok in time']);
    expect(walk.state.run?.steps.ok).toMatchObject({ status: 'failed', error: { code: 'APPROVAL_EXPIRED' } });
    expect(statuses(walk)).toEqual(['expired']);
  });

  it('silence may mean yes', () => {
    const walk = Walk.running(`steps:\n${ask('', 'approve')}${look}`).fireTimer();
    expect([walk.status, pendingStep(walk), ...statuses(walk)]).toEqual(['RUNNING', 'look', 'approved']);
    expect(walk.state.run?.steps.ok?.result).toEqual({ approved: true, by: ['timeout'], comment: null });
  });

  it('silence may mean no', () => {
    const walk = Walk.running(`steps:\n${ask('', 'reject')}${look}`).fireTimer();
    expect(escalation(walk)).toEqual(['ESCALATED', 'FAILED', 'APPROVAL_REJECTED', 'step ok was rejected by timeout']);
    expect(statuses(walk)).toEqual(['rejected']);
  });
});

describe("policy's approval before the first step", () => {
  const gate = (rest = '') => ({
    'policies.yaml': `default: { effect: require_approval, approval: { from: [group:desk], timeout: 1h${rest} } }`,
  });
  const gated = (rest = '') => Walk.running(`steps:\n${look}`, gate(rest));

  it('no step is worked before people have agreed', () => {
    const walk = gated();
    expect(walk.types.slice(-2)).toEqual(['PlaybookStarted', 'ApprovalRequested']);
    expect(lastOf(walk, 'ApprovalRequested')).toMatchObject({
      title: 'Run fix: Trade T-1 failed',
      terms: { from: ['ann', 'bob'] },
    });
    expect(walk.state).toMatchObject({ status: 'WAITING', run: { gate: 'asked', steps: {} } });
    expect(walk.calls).toEqual([]);
  });

  it('the policy may say what people are asked', () => {
    expect(lastOf(gated(', title: Month end'), 'ApprovalRequested').title).toBe('Month end');
  });

  it('a run that people agreed to begins with its first step', () => {
    const walk = gated().answer('approved');
    expect([walk.state.run?.gate, pendingStep(walk), walk.timers.size]).toEqual(['passed', 'look', 0]);
    expect(walk.finishCall().status).toBe('RESOLVED');
  });

  it('an approval as first step is asked after that of policy', () => {
    const walk = Walk.running(`steps:\n${ask()}${look}`, gate()).answer('approved');
    expect([walk.status, pendingStep(walk), ...statuses(walk)]).toEqual(['WAITING', 'ok', 'approved', 'open']);
    expect(walk.answer('approved').state.run).toMatchObject({ at: 1, pending: { step: 'look' } });
  });

  it('a run that people refused goes to a person', () => {
    const walk = gated().answer('rejected', 'not today');
    expect(escalation(walk)).toEqual([
      'ESCALATED',
      'FAILED',
      'APPROVAL_REJECTED',
      'the run was rejected by ann: not today',
    ]);
  });

  it('a run that nobody agreed to goes to a person', () => {
    const walk = gated().fireTimer();
    expect(escalation(walk)).toEqual(['ESCALATED', 'FAILED', 'APPROVAL_EXPIRED', 'nobody approved the run in time']);
  });

  it('silence may let the run begin', () => {
    expect(pendingStep(gated(', onTimeout: approve').fireTimer())).toBe('look');
  });

  it('without terms, as an edited record might be, silence goes to a person', () => {
    const walk = gated(', onTimeout: approve');
    walk.state = { ...walk.state, policy: { ...walk.state.policy!, approval: null } };
    expect(walk.fireTimer().status).toBe('ESCALATED');
  });
});

describe('reminders', () => {
  const MINUTE = 60_000;
  const reminding = ask().replace('timeout: 1h', 'timeout: 1h, remind: 20m');
  const asked = () => Walk.running(`steps:\n${reminding}${look}`);
  const reminders = (walk: Walk) => walk.types.filter((type) => type === 'ApprovalReminded').length;

  it('people are reminded after each interval, and not at the end of their time', () => {
    const walk = asked();
    const question = lastOf(walk, 'ApprovalRequested');
    for (const count of [1, 2]) {
      walk.fireTimer();
      expect(walk.now).toBe(T0 + count * 20 * MINUTE);
      const { runId, step, waitId, title, expiresAt } = question;
      const told = { runId, step, waitId, title, from: ['ann', 'bob', 'carl'], count, expiresAt };
      expect(lastOf(walk, 'ApprovalReminded')).toEqual(told);
    }
    expect([...walk.timers.values()].map(({ kind }) => kind)).toEqual(['wait.timeout']);
    expect(escalation(walk.fireTimer())[2]).toBe('APPROVAL_EXPIRED');
    expect(reminders(walk)).toBe(2);
  });

  it.each(['answer', 'command', 'timeout'])('nobody is reminded of what is over: %s', (end) => {
    const walk = asked().fireTimer();
    if (end === 'answer') walk.answer('approved');
    if (end === 'command') walk.command('cancel');
    if (end === 'timeout') walk.fire('wait.timeout');
    expect([walk.timers.size, reminders(walk)]).toEqual([0, 1]);
  });

  it('the same reminder comes once, though its timer is told twice', () => {
    const walk = asked();
    const timer = [...walk.timers.values()].find(({ kind }) => kind === 'wait.remind')!;
    walk.fireTimer().timers.set(timer.timerId, timer);
    walk.fireTimer();
    expect(reminders(walk)).toBe(1);
    expect(walk.ignored).toEqual([`TimerFired: the reminder ${timer.timerId} is over`]);
  });

  it('after a time when nobody was there, those that were missed are left out', () => {
    const walk = Walk.running(`steps:\n${reminding.replace('20m', '10m')}${look}`);
    walk.now = T0 + 35 * MINUTE;
    walk.fireTimer();
    expect(reminders(walk)).toBe(1);
    expect([...walk.timers.values()].map(({ dueAt }) => dueAt)).toEqual([T0 + HOUR, T0 + 40 * MINUTE]);
    expect(walk.state.run?.pending).toMatchObject({ remind: { count: 1 } });
  });

  it("policy's approval reminds as well", () => {
    const terms = 'approval: { from: [group:desk], timeout: 1h, remind: 25m }';
    const walk = Walk.running(`steps:\n${look}`, {
      'policies.yaml': `default: { effect: require_approval, ${terms} }`,
    });
    walk.fireTimer();
    expect(lastOf(walk, 'ApprovalReminded')).toMatchObject({ step: 'policy-gate', from: ['ann', 'bob'], count: 1 });
  });

  it('a record of policy that has lost its approval reminds nobody', () => {
    const terms = 'approval: { from: [group:desk], timeout: 1h, remind: 25m }';
    const walk = Walk.running(`steps:\n${look}`, {
      'policies.yaml': `default: { effect: require_approval, ${terms} }`,
    });
    walk.state = { ...walk.state, policy: { ...walk.state.policy!, approval: null } };
    expect(reminders(walk.fireTimer())).toBe(0);
  });
});

describe('answers that nobody waits for', () => {
  it('a decision that comes after the time was over changes nothing', () => {
    const walk = Walk.running(`steps:\n${ask('', 'approve')}${look}`);
    const { waitId, runId, step } = lastOf(walk, 'ApprovalRequested');
    walk.fireTimer();
    const late = { runId, step, waitId, by: ['ann'], comment: null, packVersion: VERSION };
    walk.append({ type: 'WaitResolved', data: { ...late, decision: 'rejected' } });
    expect(pendingStep(walk)).toBe('look');
    expect(walk.ignored).toEqual([`WaitResolved: no run waits for the approval ${waitId}`]);
  });

  it('a timer that fires after the decision changes nothing', () => {
    const walk = Walk.running(`steps:\n${ask()}${look}`);
    const [timer] = walk.timers.values();
    walk.answer('approved').timers.set(timer!.timerId, timer!);
    walk.fireTimer();
    expect(pendingStep(walk)).toBe('look');
    expect(walk.ignored).toHaveLength(1);
  });

  it('an answer to the question of an earlier visit is not taken for the present one', () => {
    const loop = ', rejected: { goto: look, max: 2 }';
    const walk = Walk.running(`steps:\n${look}${ask(loop)}`).finishCall();
    const { waitId, runId, step } = lastOf(walk, 'ApprovalRequested');
    walk.answer('rejected').finishCall();
    const old = { runId, step, waitId, by: ['bob'], comment: null, packVersion: VERSION };
    walk.append({ type: 'WaitResolved', data: { ...old, decision: 'approved' } });
    expect(walk.status).toBe('WAITING');
    expect(statuses(walk)).toEqual(['rejected', 'open']);
  });

  it('a case that does not wait any more is left alone', () => {
    const walk = Walk.running(`steps:\n${ask()}${look}`);
    walk.state = { ...walk.state, status: 'ESCALATED' };
    walk.answer('approved');
    expect(walk.ignored).toEqual(['WaitResolved: the case is ESCALATED; this event is for a case that is WAITING']);
  });

  it('a pinned pack whose step is no approval any more stops the case', () => {
    const walk = Walk.running(`steps:\n${ask()}${look}`);
    const other = Walk.of({ 'playbooks/p.yaml': `playbook: fix\nsteps:\n${look}` });
    other.state = walk.state;
    other.answer('approved');
    expect(other.last.outcome).toMatchObject({ kind: 'reject', code: 'RUN_STEP_LOST' });
  });
});
