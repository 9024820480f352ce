import { describe, expect, it } from 'vitest';
import { BudgetLedger } from '../../core/budget.js';
import type { CompiledPack, PolicyScope } from '../../packs/index.js';
import { codesOf, packOf, policyScopeOf } from '../../testing/packs.js';
import { decidePolicy, judgePolicy } from './decide.js';
import { claimBudgets } from './match.js';

const HOUR = 3_600_000;
const policies = (...lines: string[]) => ({
  'policies.yaml': `default: { effect: deny, reason: nothing allows it }\npolicies:\n${lines.map((line) => `  - ${line}\n`).join('')}`,
});
const BUDGET = 'budget: { by: exception.entity, limit: 2, per: 1h, over: escalate }';
const pack = packOf(policies(`{ name: repairs, when: triage.confidence > 0.5, effect: allow, ${BUDGET} }`));

/** Decides as the shell does: claims, then the decision on what is there. */
function decide(of: CompiledPack, uses: readonly number[] = [], scope: Partial<PolicyScope> = {}) {
  const full = { ...policyScopeOf(), ...scope };
  const claims = claimBudgets(of, full).map((claim) => ({ ...claim, tenantId: 'acme' }));
  const rows = claims.map((claim) => ({ ...claim, uses, expiresAt: 0 }));
  return { claims, ...judgePolicy(of, full, new BudgetLedger(claims, rows, full.now).of('acme')) };
}
const NOW = policyScopeOf().now;

describe('a budget', () => {
  it('that is not used up lets its policy apply, and is used', () => {
    const { record, spend, claims } = decide(pack, [NOW - HOUR, NOW - 1]);
    expect(claims).toEqual([{ budget: 'repairs', key: 'T-1', limit: 2, perMs: HOUR, tenantId: 'acme' }]);
    expect(record).toMatchObject({ effect: 'allow', winner: 'repairs', reason: 'repairs' });
    expect(record.explain[0]?.budget).toEqual({ by: 'exception.entity', key: 'T-1', used: 1, limit: 2, perMs: HOUR });
    expect(spend).toEqual([{ budget: 'repairs', key: 'T-1', at: NOW }]);
  });

  it('that is used up has the effect it says, and is not used', () => {
    const { record, spend } = decide(pack, [NOW - 2, NOW - 1]);
    expect(record).toMatchObject({ effect: 'deny', code: 'BUDGET_SPENT', winner: 'repairs' });
    expect(record.reason).toBe('repairs: its budget is used up, 2 of 2');
    expect(record.explain[0]).toMatchObject({ effect: 'deny', note: 'its budget is used up', budget: { used: 2 } });
    expect(spend).toEqual([]);
  });

  it.each([
    ['deny', 'deny', undefined],
    ['suppress', 'suppress', undefined],
    ['escalate', 'deny', 'BUDGET_SPENT'],
  ])('over: %s comes to %s', (over, effect, code) => {
    const own = packOf(policies(`{ name: p, effect: allow, budget: { limit: 1, per: 1m, over: ${over} } }`));
    expect(decide(own, [NOW]).record).toMatchObject({ effect, approval: null });
    expect(decide(own, [NOW]).record.code).toBe(code);
    expect(decide(own).record.explain[0]?.budget).toMatchObject({ by: '', key: '', used: 0 });
  });

  it('over: require_approval asks whom the policy names; within the budget nobody is asked', () => {
    const line = `{ name: p, reason: r, effect: allow, approval: { from: [ann] }, budget: { limit: 1, per: 1m, over: require_approval } }`;
    const own = packOf(policies(line));
    expect(decide(own).record).toMatchObject({ effect: 'allow', approval: null, reason: 'r' });
    expect(decide(own, [NOW]).record).toMatchObject({ effect: 'require_approval', approval: { from: ['ann'] } });
  });

  it('over: require_approval without an approval of its own asks whom the default names', () => {
    const budget = 'budget: { limit: 1, per: 1m, over: require_approval }';
    const text = (effect: string) =>
      `default: { effect: ${effect}, approval: { from: [bob] } }\npolicies: [{ name: p, effect: allow, ${budget} }]`;
    for (const effect of ['require_approval', 'deny', 'hold, for: 1h']) {
      const own = packOf({ 'policies.yaml': text(effect) });
      expect(decide(own, [NOW]).record).toMatchObject({ effect: 'require_approval', approval: { from: ['bob'] } });
      expect(decide(own, [NOW]).record.code).toBeUndefined();
    }
    const denied = packOf({ 'policies.yaml': text('deny').replace('effect: allow', 'when: false, effect: allow') });
    expect(decide(denied).record).toMatchObject({ effect: 'deny', approval: null });
    const unused = 'default: { effect: deny, approval: { from: [bob] } }';
    expect(codesOf({ 'policies.yaml': unused })).toEqual(['policies.yaml:1:26 FIELD_UNKNOWN']);
  });

  it('over: require_approval where nobody is named says that nobody may approve', () => {
    const own = packOf(policies('{ name: p, effect: allow, budget: { limit: 1, per: 1m, over: require_approval } }'));
    const { record, spend } = decide(own, [NOW]);
    expect(record).toMatchObject({ effect: 'require_approval', approval: null, code: 'BUDGET_SPENT' });
    expect(record.reason).toBe('p: its budget is used up, 1 of 1; the policy names nobody who may approve');
    expect(record.explain[0]?.note).toBe('over budget; the policy names nobody who may approve');
    expect(spend).toEqual([]);
    expect(decide(own).record).toMatchObject({ effect: 'allow', winner: 'p' });
  });

  it('over: hold holds once; a case that was held and finds it used up again goes to a person', () => {
    const own = packOf(policies('{ name: p, effect: allow, for: 10m, budget: { limit: 1, per: 1h, over: hold } }'));
    const first = decide(own, [NOW]).record;
    expect(first).toMatchObject({
      effect: 'hold',
      hold: { until: NOW + 600_000, afterwards: 'reprocess' },
      held: ['p'],
    });
    const again = decide(own, [NOW], { held: ['p'] }).record;
    expect(again).toMatchObject({ effect: 'deny', code: 'BUDGET_SPENT', held: ['p'] });
    expect(decide(own, [], { held: ['p'] }).record).toMatchObject({ effect: 'allow', held: ['p'] });
  });

  it('whose policy another one outdoes is not used, an equal one that stands before it changes nothing', () => {
    const allow = `{ name: repairs, effect: allow, ${BUDGET} }`;
    const denied = decide(packOf(policies(allow, '{ name: freeze, effect: deny }')));
    expect([denied.record.winner, denied.spend]).toEqual(['freeze', []]);
    const equal = packOf(policies('{ name: all, effect: allow }', allow));
    expect(decide(equal).spend).toHaveLength(1);
    expect(decide(equal, [NOW, NOW]).record).toMatchObject({ effect: 'deny', winner: 'repairs' });
    const outdone = decide(packOf(policies(allow, '{ name: freeze, effect: suppress }')), [NOW, NOW]);
    expect(outdone.record.explain[0]?.note).toBe('its budget is used up; `freeze` is stricter');
  });

  it('whose policy does not match is neither claimed nor used', () => {
    const { claims, record, spend } = decide(pack, [], { triage: { ...policyScopeOf().triage, confidence: 0.1 } });
    expect([claims, record.winner, spend]).toEqual([[], null, []]);
    expect(claimBudgets(packOf(), policyScopeOf())).toEqual([]);
  });

  it('whose key cannot be had counts as used up, and says so', () => {
    const own = packOf(
      policies('{ name: p, effect: allow, budget: { by: exception.fields.cpty, limit: 9, per: 1h, over: deny } }'),
    );
    const { claims, record } = decide(own);
    expect(claims).toEqual([]);
    expect(record.effect).toBe('deny');
    expect(record.reason).toContain('no such key: cpty');
    expect(record.explain[0]?.note).toContain('cannot be counted, so it counts as used up');
  });

  it('a long key is named by its hash', () => {
    const own = packOf(
      policies(`{ name: p, effect: allow, budget: { by: exception.title, limit: 9, per: 1h, over: deny } }`),
    );
    const { exception } = policyScopeOf();
    const { claims } = decide(own, [], { exception: { ...exception, title: 'x'.repeat(201) } });
    expect(claims[0]?.key).toMatch(/^[0-9a-f]{64}$/);
  });

  it('without budgets at hand a policy that needs one cannot be decided', () => {
    expect(() => decidePolicy(pack, policyScopeOf())).toThrow('was not claimed');
  });
});

describe('a hold', () => {
  const one = (line: string) => packOf(policies(line));
  it('lasts for its time, and the same policy does not hold the case again', () => {
    const own = one('{ name: wait, effect: hold, for: 30m, afterwards: drop }');
    const record = decidePolicy(own, policyScopeOf());
    expect(record).toMatchObject({ effect: 'hold', winner: 'wait', held: ['wait'] });
    expect(record.hold).toEqual({ until: NOW + 1_800_000, afterwards: 'drop', place: 'policies.yaml:3:5' });
    const again = decidePolicy(own, { ...policyScopeOf(), held: ['wait'] });
    expect(again).toMatchObject({ effect: 'deny', winner: null, held: ['wait'] });
    expect(again.explain[0]).toMatchObject({ matched: false, note: 'it has held this case for as long as it may' });
  });

  it('with a window lasts to its end, as often as there is one', () => {
    const own = one('{ name: freeze, window: { cron: "0 9 * * *", for: 2h }, effect: hold }');
    const record = decidePolicy(own, { ...policyScopeOf(), held: ['freeze'] });
    expect(record).toMatchObject({ effect: 'hold', hold: { until: NOW + HOUR, afterwards: 'reprocess' } });
    expect(record.held).toEqual(['freeze']);
  });

  it('a suppression that is to be looked at again holds the case, and is as strict as one', () => {
    const line = '{ name: quiet, window: { cron: "0 9 * * *", for: 2h }, effect: suppress, afterwards: reprocess }';
    const record = decidePolicy(packOf(policies('{ name: no, effect: deny }', line)), policyScopeOf());
    expect(record).toMatchObject({ effect: 'hold', winner: 'quiet', hold: { until: NOW + HOUR } });
    const dropped = one('{ name: quiet, window: { cron: "0 9 * * *", for: 2h }, effect: suppress, afterwards: drop }');
    expect(decidePolicy(dropped, policyScopeOf())).toMatchObject({ effect: 'suppress', winner: 'quiet' });
  });

  it('of the default lasts once; after that a person is needed', () => {
    const own = packOf({ 'policies.yaml': 'default: { effect: hold, for: 1h, reason: wait }' });
    const record = decidePolicy(own, policyScopeOf());
    expect(record).toMatchObject({ effect: 'hold', winner: null, hold: { until: NOW + HOUR } });
    const again = decidePolicy(own, { ...policyScopeOf(), ...(record.held && { held: record.held }) });
    expect(again).toMatchObject({
      effect: 'deny',
      code: 'POLICY_HELD',
      reason: 'wait: it was held for as long as it may be',
    });
  });
});

describe('a guard that cannot be evaluated', () => {
  const line = (effect: string) => `{ name: p, when: exception.fields.amount > 'x', effect: ${effect} }`;
  it.each(['deny', 'hold, for: 1h', 'require_approval, approval: { from: [ann] }'])(
    '%s applies, and says so',
    (effect) => {
      const record = decidePolicy(packOf(policies(line(effect))), policyScopeOf());
      expect(record).toMatchObject({ winner: 'p', effect: effect.split(',')[0] });
      expect(record.explain[0]).toMatchObject({
        matched: true,
        falsePart: { failed: true },
        note: 'it could not be evaluated, so it counts as matched',
      });
    },
  );
  it.each(['allow', 'suppress'])('%s does not', (effect) => {
    const record = decidePolicy(packOf(policies(line(effect))), policyScopeOf());
    expect(record).toMatchObject({ winner: null, explain: [{ matched: false, falsePart: { failed: true } }] });
  });
  it('for want of a field it does not apply either: it says what it is about', () => {
    const own = packOf(policies('{ name: p, when: exception.fields.price > 5, effect: deny }'));
    expect(decidePolicy(own, policyScopeOf()).winner).toBeNull();
  });
});

describe('budgets and holds are checked', () => {
  it.each([
    ['{ name: p, effect: allow, budget: { limit: 0, per: 1h, over: deny } }', '3:48 VALUE_INVALID'],
    ['{ name: p, effect: allow, budget: { limit: 1001, per: 1h, over: deny } }', '3:48 VALUE_INVALID'],
    ['{ name: p, effect: allow, budget: { limit: 1, per: x, over: deny } }', '3:56 DURATION_INVALID'],
    ['{ name: p, effect: allow, budget: { limit: 1, per: 1h, over: allow } }', '3:66 VALUE_UNKNOWN'],
    [
      '{ name: p, effect: require_approval, budget: { limit: 1, per: 1h, over: require_approval } }',
      '3:5 FIELD_MISSING',
    ],
    ['{ name: p, effect: allow, budget: { limit: 1, per: 1h, over: hold } }', '3:5 HOLD_TIME'],
    ['{ name: p, effect: allow, budget: { by: exception.typ, limit: 1, per: 1h, over: deny } }', '3:45 EXPR_UNKNOWN'],
    [`{ name: p, effect: allow, budget: { by: '\${{ tenant }}', limit: 1, per: 1h, over: deny } }`, '3:45 EXPR_SYNTAX'],
    ['{ name: p, effect: hold }', '3:5 HOLD_TIME'],
    ['{ name: p, effect: suppress, afterwards: reprocess }', '3:5 HOLD_TIME'],
    ['{ name: p, effect: hold, for: 1h, window: { cron: "0 0 * * *", for: 1h } }', '3:5 HOLD_TIME'],
    ['{ name: p, effect: hold, for: ever }', '3:35 DURATION_INVALID'],
    ['{ name: p, effect: allow, for: 1h }', '3:31 FIELD_UNKNOWN'],
    ['{ name: p, effect: deny, afterwards: drop }', '3:30 FIELD_UNKNOWN'],
    ['{ name: p, effect: hold, for: 1h, afterwards: later }', '3:51 VALUE_UNKNOWN'],
  ])('%s → %s', (line, code) => {
    expect(codesOf(policies(line))).toEqual([`policies.yaml:${code}`]);
  });
});
