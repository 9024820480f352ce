import { describe, expect, it } from 'vitest';
import { codesOf, packOf, policyScopeOf, problemsOf } from '../../testing/packs.js';
import { expandApprovers } from './approval.js';
import { decidePolicy } from './decide.js';

const DEFAULT = 'default: { effect: deny, reason: no policy allows it }\n';
const policies = (...lines: string[]) => ({
  'pack.yaml': 'name: acme\npeople: { ann: {}, bob: {}, cy: {} }\ngroups: { desk: [ann, bob], none: [] }\n',
  'policies.yaml': `${DEFAULT}policies:\n${lines.map((line) => `  - ${line}\n`).join('')}`,
  'triage.yaml': 'triage: [{ name: a, set: { owner: x } }]',
  'playbooks/fix.yaml': 'playbook: fix\nsteps: [{ id: a, finish: {} }]',
  'playbooks/repair.yaml': 'playbook: repair\nsteps: [{ id: a, finish: {} }]',
});
const decide = (...lines: string[]) => decidePolicy(packOf(policies(...lines)), policyScopeOf());

const ALLOW = "{ name: known, when: triage.confidence >= 0.8 && triage.owner == 'rates', effect: allow }";
const ASK =
  '{ name: big, when: "\'big\' in triage.labels", effect: require_approval, reason: a lot, approval: { from: [group:desk] } }';

describe('policies', () => {
  it('all are evaluated, the strictest effect wins, and the others say which one was stricter', () => {
    const record = decide(ALLOW, ASK, "{ name: noise, when: triage.category == 'noise', effect: suppress }");
    expect(record).toEqual({
      effect: 'require_approval',
      reason: 'a lot',
      winner: 'big',
      approval: { from: ['group:desk'], quorum: 1, notRequester: false, timeoutMs: 86_400_000, onTimeout: 'escalate' },
      explain: [
        { name: 'known', place: 'policies.yaml:3:5', matched: true, effect: 'allow', note: '`big` is stricter' },
        { name: 'big', place: 'policies.yaml:4:5', matched: true, effect: 'require_approval' },
        {
          name: 'noise',
          place: 'policies.yaml:5:5',
          matched: false,
          falsePart: { expression: "triage.category == 'noise'", values: { 'triage.category': 'settlement' } },
        },
      ],
      packVersion: 7,
    });
  });

  it.each([
    [['allow', 'deny'], 'deny'],
    [['deny', 'suppress'], 'suppress'],
    [['suppress', 'deny', 'allow'], 'suppress'],
    [['allow'], 'allow'],
  ])('of %j, %s wins', (effects, winner) => {
    expect(decide(...effects.map((effect, i) => `{ name: p${i}, effect: ${effect} }`)).effect).toBe(winner);
  });

  it('among equals the first wins; without a reason the name is the reason', () => {
    const record = decide('{ name: one, effect: deny }', '{ name: two, effect: deny }');
    expect(record).toMatchObject({ winner: 'one', reason: 'one', approval: null });
    expect(record.explain[1]?.note).toBe('`one` stands before it');
  });

  it('when none matches the default decides', () => {
    expect(decide('{ name: never, when: false, effect: allow }')).toMatchObject({
      effect: 'deny',
      reason: 'no policy allows it',
      winner: null,
    });
    const text = 'default: { effect: require_approval, approval: { from: [ann] } }';
    expect(decidePolicy(packOf({ 'policies.yaml': text }), policyScopeOf())).toMatchObject({
      effect: 'require_approval',
      reason: 'no policy matches',
      approval: { from: ['ann'] },
      explain: [],
    });
  });

  it('a policy that cannot be evaluated does not match, and says why', () => {
    const record = decide('{ name: p, when: exception.fields.price > 5, effect: suppress }');
    expect(record).toMatchObject({
      effect: 'deny',
      explain: [{ matched: false, falsePart: { error: 'no such key: price' } }],
    });
  });

  it('groups are expanded to people, each once', () => {
    const pack = packOf(policies(ASK));
    expect(expandApprovers(pack, ['group:desk', 'ann', 'cy', 'group:gone'])).toEqual(['ann', 'bob', 'cy']);
  });

  it('the terms of an approval are taken over', () => {
    const terms = '{ title: t, from: [ann, cy], quorum: 2, notRequester: true, timeout: 4h, onTimeout: reject }';
    expect(decide(`{ name: p, effect: require_approval, approval: ${terms} }`).approval).toEqual({
      title: 't',
      from: ['ann', 'cy'],
      quorum: 2,
      notRequester: true,
      timeoutMs: 14_400_000,
      onTimeout: 'reject',
    });
  });
});

describe('a month-end freeze beside a budget', () => {
  const pack = packOf({
    'pack.yaml': 'name: acme\ngroups: { settlement-leads: [ann, bob, cy] }\n',
    'policies.yaml': `default: { effect: deny, reason: no policy allows it }
policies:
  - name: month-end freeze
    window: { cron: "0 0 28-31 * *", for: 24h, tz: Europe/Zurich }
    when: triage.category == 'settlement'
    effect: require_approval
    approval: { from: [group:settlement-leads], quorum: 2, notRequester: true, timeout: 4h, onTimeout: escalate }
  - name: not more than three repairs an hour for one counterparty
    effect: allow
    when: triage.confidence >= 0.8
    budget: { by: exception.fields.counterparty, limit: 3, per: 1h, over: require_approval }
`,
  });
  const day = (now: number, uses = 0) => {
    const scope = policyScopeOf();
    const own = { ...scope, now, exception: { ...scope.exception, fields: { counterparty: 'ACME' } } };
    return decidePolicy(pack, own, { used: () => uses });
  };
  it.each([
    ['2026-11-27T22:59:59Z', 0, 'allow', null, undefined],
    ['2026-11-27T22:59:59Z', 3, 'require_approval', null, 'BUDGET_SPENT'],
    ['2026-11-27T23:00:00Z', 0, 'require_approval', 2, undefined],
    ['2026-11-30T22:59:59Z', 3, 'require_approval', 2, undefined],
  ])('at %s with %i repairs before: %s', (at, uses, effect, quorum, code) => {
    const record = day(Date.parse(at), uses);
    expect([record.effect, record.approval?.quorum ?? null, record.code]).toEqual([effect, quorum, code]);
  });
});

describe('policies.yaml is checked', () => {
  const approval = (text: string) => `{ name: p, effect: require_approval, approval: ${text} }`;
  it.each([
    ['{ name: p, effect: alow }', '3:24 VALUE_UNKNOWN'],
    ['{ name: p, effect: allow }\n  - { name: p, effect: deny }', '4:13 RULE_DUPLICATE'],
    ['{ name: p, effect: require_approval }', '3:5 FIELD_MISSING'],
    ['{ name: p, effect: allow, approval: { from: [ann] } }', '3:31 FIELD_UNKNOWN'],
    ['{ name: p, when: triage.ownr == 1, effect: allow }', '3:22 EXPR_UNKNOWN'],
    ['{ name: p, effect: allow, allowPlaybooks: [] }', '3:47 VALUE_INVALID'],
    ['{ name: p, effect: deny, allowPlaybooks: [fix] }', '3:30 FIELD_UNKNOWN'],
    ['{ name: p, effect: allow, allowPlaybooks: [fix, repiar] }', '3:53 PLAYBOOK_UNKNOWN'],
    [approval('{ from: [] }'), '3:60 APPROVERS_EMPTY'],
    [approval('{ from: [group:none] }'), '3:60 APPROVERS_EMPTY'],
    [approval('{ from: [ann], timeout: 1h, remind: 1h }'), '3:88 REMIND_TIME'],
    [approval('{ from: [ann], remind: 10m }'), '3:75 REMIND_TIME'],
    [approval('{ from: [group:desk, ann], quorum: 3 }'), '3:87 QUORUM_IMPOSSIBLE'],
    [approval('{ from: [group:dsk] }'), '3:61 GROUP_UNKNOWN'],
    [approval('{ from: [desk] }'), '3:61 PERSON_UNKNOWN'],
    [approval('{ from: [an] }'), '3:61 PERSON_UNKNOWN'],
    [approval('{ from: [ann], timeout: -5m }'), '3:76 DURATION_INVALID'],
    [approval('{ from: [ann], onTimeout: wait }'), '3:78 VALUE_UNKNOWN'],
    [approval('{ quorum: 1 }'), '3:52 FIELD_MISSING'],
  ])('%s → %s', (line, code) => {
    expect(codesOf(policies(line))[0]).toBe(`policies.yaml:${code}`);
  });
  it('a playbook that is not there is told with the one that was meant', () => {
    const [problem] = problemsOf(policies('{ name: p, effect: allow, allowPlaybooks: [repiar] }'));
    expect(problem).toMatchObject({ message: 'There is no playbook `repiar`.', hint: 'Did you mean `repair`?' });
  });
  it('a playbook that is there with a problem of its own is known', () => {
    const files = policies('{ name: p, effect: allow, allowPlaybooks: [fix] }');
    const codes = codesOf({ ...files, 'playbooks/fix.yaml': 'playbook: fix\nsteps: []' });
    expect(codes.join()).not.toContain('PLAYBOOK_UNKNOWN');
  });
  it('a group written without `group:` is recognised', () => {
    expect(problemsOf(policies(approval('{ from: [desk] }')))[0]?.hint).toBe('Did you mean `group:desk`?');
    expect(problemsOf(policies(approval('{ from: [an] }')))[0]?.hint).toBe('Did you mean `ann`?');
  });
  it.each([
    ['policies: []', '1:1 POLICY_NO_DEFAULT'],
    ['default: deny', '1:10 VALUE_TYPE'],
    ['default: { effect: deny }\npolices: []', '2:1 FIELD_UNKNOWN'],
  ])('%j → %s', (text, code) => {
    expect(codesOf({ 'policies.yaml': text })).toEqual([`policies.yaml:${code}`]);
  });
});
