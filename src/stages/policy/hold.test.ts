import { describe, expect, it } from 'vitest';
import { lastOf, report, T0, Walk } from '../../testing/walk.js';

const policies = (lines: string, otherwise = '{ effect: allow }') => ({
  'policies.yaml': `default: ${otherwise}\npolicies:\n  - ${lines}\n`,
  'playbooks/p.yaml': 'playbook: fix\nsteps: [{ id: done, finish: { outcome: resolved } }]\n',
});
const FREEZE = '{ name: freeze, window: { cron: "0 8 * * *", for: 2h }, effect: hold';
const UNTIL = T0 + 3_600_000;

describe('a case that a policy holds', () => {
  it('waits to the end of the window, and is then decided anew', () => {
    const walk = Walk.of(policies(`${FREEZE} }`)).report();
    expect(walk.status).toBe('WAITING');
    expect([...walk.timers.values()]).toMatchObject([{ kind: 'window', dueAt: UNTIL }]);
    expect(lastOf(walk, 'ExceptionHeld')).toMatchObject({
      ...{ kind: 'window', rule: 'freeze', place: 'policies.yaml:3:5', until: UNTIL },
      policy: { effect: 'hold', explain: [{ window: { until: UNTIL } }] },
    });
    walk.fireTimer();
    expect([walk.status, walk.state.policy?.effect]).toEqual(['RESOLVED', 'allow']);
    expect(walk.types.filter((type) => type === 'ExceptionTriaged')).toHaveLength(2);
  });

  it('is let go when the policy says so, and the reason is told', () => {
    const walk = Walk.of(policies(`${FREEZE}, afterwards: drop, reason: month end }`))
      .report()
      .fireTimer();
    expect(walk.status).toBe('SUPPRESSED');
    expect(lastOf(walk, 'CaseSuppressed').policy.reason).toBe('month end: the time for which it was held is over');
    expect(walk.state.feedback).toMatchObject({ outcome: 'suppressed' });
  });

  it('for a time, is not held by the same policy again', () => {
    const walk = Walk.of(policies('{ name: wait, effect: hold, for: 5m }', '{ effect: deny, reason: no }')).report();
    walk.fireTimer();
    expect(walk.state.policy).toMatchObject({ effect: 'deny', winner: null, held: ['wait'] });
    expect(walk.status).toBe('ESCALATED');
  });

  it('by the default, goes to a person after it', () => {
    const walk = Walk.of(policies('{ name: never, when: false, effect: deny }', '{ effect: hold, for: 1h }')).report();
    expect(lastOf(walk, 'ExceptionHeld')).toMatchObject({ rule: 'default', until: UNTIL });
    expect(lastOf(walk.fireTimer(), 'CaseEscalated').code).toBe('POLICY_HELD');
  });

  it('counts further reports, and is over when its source says so; the timer is let go', () => {
    const walk = Walk.of(policies(`${FREEZE} }`))
      .report()
      .report();
    expect([walk.status, walk.state.count]).toEqual(['WAITING', 2]);
    walk.report({ resolve: true });
    expect([walk.status, walk.timers.size]).toEqual(['RESOLVED', 0]);
  });

  it('an end that comes for a case that is not held any more is ignored', () => {
    const walk = Walk.of(policies(`${FREEZE} }`)).report();
    const [timer] = walk.timers.values();
    walk.command('cancel');
    const { timerId, dueAt, data } = timer!;
    walk.append({ type: 'AccumulationElapsed', data: { timerId, kind: 'window', dueAt, data } });
    expect(walk.ignored).toEqual(['AccumulationElapsed: no policy holds the case any more']);
  });
});

describe('a budget over several cases', () => {
  it('lets three through and sends the fourth to a person', () => {
    const budget = 'budget: { by: exception.entity, limit: 3, per: 1h, over: escalate }';
    const walk = Walk.of(policies(`{ name: repairs, effect: allow, ${budget} }`, '{ effect: deny }'));
    const ends = [1, 2, 3, 4].map((n) => walk.next().report({ fingerprint: `f${n}` }).status);
    expect(ends).toEqual(['RESOLVED', 'RESOLVED', 'RESOLVED', 'ESCALATED']);
    expect(lastOf(walk, 'CaseEscalated')).toMatchObject({ code: 'BUDGET_SPENT' });
    walk.now += 3_600_000;
    expect(walk.next().report(report()).status).toBe('RESOLVED');
  });
});
