import { describe, expect, it } from 'vitest';
import { packOf } from '../../testing/packs.js';
import { lastOf, T0, VERSION, Walk } from '../../testing/walk.js';

const call = (id: string, rest = '') =>
  `  - { id: ${id}, use: fs.get, with: { path: "\${{ exception.entity }}" }${rest} }\n`;
const two = `steps:\n${call('first')}${call('second')}`;

describe('steps', () => {
  it('a run makes one call after the other and ends as resolved', () => {
    const walk = Walk.running(`${two}finish: { note: "done with \${{ steps.second.result.text }}" }`);
    expect(walk.state).toMatchObject({
      status: 'RUNNING',
      run: { status: 'RUNNING', pending: { kind: 'tool', step: 'first' } },
    });
    expect(walk.calls[0]).toMatchObject({
      step: 'first',
      tool: 'fs.get',
      input: { path: 'T-1' },
      packVersion: VERSION,
    });
    walk.finishCall().finishCall({ result: { text: 'hello' } });
    expect(walk.calls.map(({ step }) => step)).toEqual(['first', 'second']);
    expect(walk.state).toMatchObject({
      status: 'RESOLVED',
      run: {
        status: 'SUCCEEDED',
        pending: null,
        finishedAt: T0,
        steps: { first: { status: 'done', visit: 1, result: null }, second: { result: { text: 'hello' } } },
      },
    });
    expect(lastOf(walk, 'PlaybookFinished')).toMatchObject({
      outcome: 'resolved',
      note: 'done with hello',
      playbook: 'fix',
    });
  });

  it('a step whose condition is false is skipped, in the same decision', () => {
    const walk = Walk.running(`steps:\n${call('big', ', if: exception.fields.amount > 100')}${call('small')}`);
    expect(walk.state.run).toMatchObject({
      at: 1,
      steps: { big: { status: 'skipped', visit: 1 }, small: { status: 'requested' } },
    });
  });

  it('a finish step ends the run before its last step', () => {
    const walk = Walk.running(
      `steps:\n  - { id: over, if: run.playbook == 'fix', finish: { note: early } }\n${call('never')}`,
    );
    expect(walk.status).toBe('RESOLVED');
    expect(walk.calls).toEqual([]);
    expect(lastOf(walk, 'PlaybookFinished').note).toBe('early');
  });

  it.each([
    ['{ outcome: escalated, note: ask the desk }', 'ask the desk'],
    ['{ outcome: escalated }', 'the playbook fix hands over to a person'],
  ])('a playbook that ends as escalated hands over: %s', (finish, reason) => {
    const walk = Walk.running(`steps: [{ id: over, finish: ${finish} }]`);
    expect(walk.state).toMatchObject({ status: 'ESCALATED', run: { status: 'SUCCEEDED' } });
    expect(lastOf(walk, 'CaseEscalated')).toMatchObject({ code: 'PLAYBOOK_ESCALATED', reason, playbook: 'fix' });
    expect(walk.types).not.toContain('PlaybookFinished');
  });

  it('a run that takes more steps than the pack allows is stopped', () => {
    const walk = Walk.running(two, { 'pack.yaml': 'name: acme\nlimits: { stepsPerRun: 1 }' }).finishCall();
    expect(walk.state).toMatchObject({ status: 'ESCALATED', run: { status: 'FAILED' } });
    expect(lastOf(walk, 'CaseEscalated').code).toBe('RUN_LIMIT');
  });

  it('a run may take exactly as many steps as the pack allows', () => {
    const walk = Walk.running(two, { 'pack.yaml': 'name: acme\nlimits: { stepsPerRun: 2 }' }).finishCall().finishCall();
    expect(walk.status).toBe('RESOLVED');
  });

  it('the same step of two runs, and two steps of one run, are different calls', () => {
    const walk = Walk.running(two).finishCall();
    const again = Walk.running(two, { 'tables/t.csv': 'a,b\n1,2' });
    expect(new Set([...walk.calls, ...again.calls].map(({ executionId }) => executionId)).size).toBe(2);
    expect(again.calls[0]?.executionId).toBe(walk.calls[0]?.executionId); // the same decision asks for the same call
  });
});

describe('results', () => {
  it('a large result is kept as its beginning, with a note', () => {
    const walk = Walk.running(two).finishCall({ result: { text: `${'x'.repeat(16_374)}😀`.repeat(2) } });
    const kept = walk.state.run?.steps.first?.result as { cut: boolean; note: string; text: string };
    expect(kept.cut).toBe(true);
    expect(kept.note).toBe('the result has 32763 characters; the run keeps the first 16384 as text');
    expect(kept.text).toMatch(/^\{"text":"xxx/);
    expect(kept.text.isWellFormed()).toBe(true);
  });
});

describe('failures', () => {
  const error = { code: 'HTTP_404', errorNumber: 3003, message: 'not found' };

  it.each(['failed', 'timeout'] as const)('a call that ends as %s ends the run, and says why', (status) => {
    const walk = Walk.running(two).finishCall({ status, error });
    const failed = { status: 'failed', visit: 1, error: { code: 'HTTP_404', message: 'not found' } };
    expect(walk.state).toMatchObject({
      status: 'ESCALATED',
      run: { status: 'FAILED', at: 0, steps: { first: failed } },
    });
    const reason = 'step first failed: HTTP_404: not found';
    expect(lastOf(walk, 'CaseEscalated')).toMatchObject({ code: 'STEP_FAILED', reason });
  });

  it('a call that gives no reason is told by its status', () => {
    const walk = Walk.running(two).finishCall({ status: 'timeout' });
    expect(lastOf(walk, 'CaseEscalated').reason).toBe('step first failed: TIMEOUT: the call gave no reason');
  });

  it('a run goes on without a step that may fail, and later steps see its error', () => {
    const rest = call('second', `, if: steps.first.error.code == 'HTTP_404'`);
    const walk = Walk.running(`onError: continue\nsteps:\n${call('first')}${rest}`).finishCall({
      status: 'failed',
      error,
    });
    expect(walk.state.run).toMatchObject({
      at: 1,
      steps: { first: { status: 'failed' }, second: { status: 'requested' } },
    });
  });

  it.each([
    ['unknown', 'OUTCOME_UNKNOWN'],
    ['canceled', 'TOOL_CANCELED'],
  ] as const)('a call that ends as %s needs a person even where a step may fail', (status, code) => {
    const walk = Walk.running(`onError: continue\n${two}`).finishCall({ status, error });
    expect(walk.state).toMatchObject({
      status: 'ESCALATED',
      run: { status: 'FAILED', steps: { first: { status: 'failed' } } },
    });
    const reason = `the call of step first ended as ${status}: not found`;
    expect(lastOf(walk, 'CaseEscalated')).toMatchObject({ code, reason });
  });

  it.each([
    ['a parameter', call('bad').replace('exception.entity', 'exception.fields.missing')],
    ['a condition', call('bad', ', if: exception.fields.missing > 1')],
  ])('%s that cannot be evaluated fails the step', (_, step) => {
    const walk = Walk.running(`steps:\n${step}`);
    expect(walk.calls).toEqual([]);
    expect(walk.state.run?.steps.bad).toMatchObject({ status: 'failed', visit: 1, error: { code: 'EXPR_FAILED' } });
    expect(lastOf(walk, 'CaseEscalated')).toMatchObject({
      code: 'STEP_FAILED',
      reason: expect.stringMatching(/^step bad failed: EXPR_FAILED: .*missing/),
    });
  });

  it('a step that cannot be asked for is passed by where it may fail', () => {
    const bad = call('bad', ', onError: continue').replace('exception.entity', 'exception.fields.missing');
    expect(Walk.running(`steps:\n${bad}${call('good')}`).calls.map(({ step }) => step)).toEqual(['good']);
  });
});

describe('the priority of a case', () => {
  it.each([
    [{}, undefined],
    [{ 'triage.yaml': 'triage: [{ name: urgent, set: { category: x, priority: 1 } }]' }, 1],
  ])('goes with its calls, where triage sets one: %j', (files, priority) => {
    const walk = Walk.running(`steps:\n${call('first')}`, files);
    expect(lastOf(walk, 'ToolRequested').priority).toBe(priority);
    expect(walk.calls[0]?.priority).toBe(priority ?? 3);
  });
});

describe('events that nobody waits for', () => {
  it('the end of another call is ignored', () => {
    const walk = Walk.running(two).finishCall({ executionId: '0b8f5c1e-8a55-4f0e-9d3c-2f1e6a7b8c9d' });
    expect(walk.state.run?.at).toBe(0);
    expect(walk.ignored).toEqual(['ToolFinished: no run waits for the call 0b8f5c1e-8a55-4f0e-9d3c-2f1e6a7b8c9d']);
  });

  it('the end of a call is taken once', () => {
    const walk = Walk.running(two);
    const end = { executionId: walk.calls[0]!.executionId };
    walk.finishCall().finishCall(end);
    expect(walk.calls).toHaveLength(2);
    expect(walk.ignored).toHaveLength(1);
  });

  it('the end of a call of a case that is not running is ignored', () => {
    const walk = Walk.running(two);
    walk.state = { ...walk.state, status: 'ESCALATED' };
    walk.finishCall();
    expect(walk.ignored).toEqual(['ToolFinished: the case is ESCALATED; this event is for a case that is RUNNING']);
  });

  it.each([
    ['the playbook', {}],
    ['the step', { 'playbooks/p.yaml': `playbook: fix\nsteps:\n${call('first')}` }],
  ])('a pinned pack that has lost %s stops the case until a person has looked', (_, files) => {
    const walk = Walk.running(two).finishCall();
    const { state } = walk;
    const { executionId, runId, step } = walk.calls[1]!;
    const end = new Walk(packOf(files));
    end.state = state;
    end.calls.push(walk.calls[1]!);
    end.finishCall({ executionId, runId, step });
    expect(end.last.outcome).toMatchObject({ kind: 'reject', code: 'RUN_STEP_LOST' });
  });
});
