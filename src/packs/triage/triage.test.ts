import { describe, expect, it } from 'vitest';
import { codesOf, packOf, problemsOf, scopeOf } from '../../testing/packs.js';
import { decidePolicy } from '../policies/decide.js';
import type { TriageScope } from '../types.js';
import { decideTriage } from './decide.js';

const RULES = `
triage:
  - name: who owns it
    set: { owner: "\${{ lookup('owners', exception.fields.cpty).desk }}", labels: [seen] }
    continue: true
  - name: big
    when: exception.type == 'SETTLEMENT_FAIL' && exception.fields.amount > 1000000
    set: { category: settlement, severity: p1, confidence: 0.95, labels: [big, seen] }
  - name: small
    when: exception.fields.amount <= 1000000
    set: { category: settlement }
  - name: otherwise
    set: { category: other, confidence: 0.3 }
`;
const pack = packOf({ 'triage.yaml': RULES, 'tables/owners.csv': 'cpty,desk\nACME,rates\n' });

describe('triage', () => {
  it('what matching rules set adds up, until one without `continue` matches', () => {
    const record = decideTriage(pack, scopeOf({ fields: { amount: 2_000_000, cpty: 'ACME' } }));
    expect(record).toEqual({
      category: 'settlement',
      severity: 'critical',
      confidence: 0.95,
      labels: ['seen', 'big'],
      extra: { owner: 'rates' },
      by: 'rules',
      explain: [
        { name: 'who owns it', place: 'triage.yaml:3:5', matched: true, set: { owner: 'rates', labels: ['seen'] } },
        {
          name: 'big',
          place: 'triage.yaml:6:5',
          matched: true,
          set: { category: 'settlement', severity: 'critical', confidence: 0.95, labels: ['big', 'seen'] },
        },
      ],
      packVersion: 7,
    });
  });

  it('a rule that did not match tells its first false part; what could not be set is told, too', () => {
    const record = decideTriage(pack, scopeOf());
    expect(record).toMatchObject({ category: 'settlement', severity: 'medium', confidence: 1, extra: {} });
    expect(record.explain).toEqual([
      {
        name: 'who owns it',
        place: 'triage.yaml:3:5',
        matched: true,
        set: { labels: ['seen'] },
        note: `\`owner\` was not set: \${{ lookup('owners', exception.fields.cpty).desk }} could not be evaluated: no such key: cpty`,
      },
      {
        name: 'big',
        place: 'triage.yaml:6:5',
        matched: false,
        falsePart: { expression: 'exception.fields.amount > 1000000', values: { 'exception.fields.amount': 250_000 } },
      },
      { name: 'small', place: 'triage.yaml:9:5', matched: true, set: { category: 'settlement' } },
    ]);
  });

  it('a missing field is no reason to stop: the rule does not match', () => {
    const { explain, category, confidence } = decideTriage(pack, scopeOf({ fields: {} }));
    expect(explain[1]?.falsePart?.error).toBe('no such key: amount');
    expect([category, confidence]).toEqual(['other', 0.3]);
  });

  it('without a rule that matches the category is unknown and nobody is sure', () => {
    expect(decideTriage(packOf(), scopeOf({ severity: 'low' }))).toMatchObject({
      category: 'unknown',
      severity: 'low',
      confidence: 0,
      labels: [],
      explain: [],
    });
  });

  it.each([
    ['category', ''],
    ['severity', 'urgent'],
    ['confidence', 2],
    ['confidence', 'x'],
    ['labels', 'x'],
    ['labels', [1]],
    ['priority', 0],
    ['priority', 2.5],
    ['priority', '1'],
    ['owner', undefined],
  ])('an expression that gives %s = %j sets nothing and says so', (key, value) => {
    const own = packOf({ 'triage.yaml': `triage: [{ name: a, set: { ${key}: "\${{ exception.fields.x }}" } }]` });
    const { explain, category, confidence, labels } = decideTriage(own, scopeOf({ fields: { x: value } }));
    expect(explain[0]?.set).toEqual({});
    expect(explain[0]?.note).toContain(`\`${key}\` was not set`);
    expect([category, confidence, labels]).toEqual(['unknown', 0, []]);
  });

  it('the last rule that sets a priority says which; policies may ask for it, set or not', () => {
    const first = '{ name: a, set: { priority: 5 }, continue: true }';
    const second = `{ name: b, when: has(exception.fields.p), set: { priority: "\${{ exception.fields.p }}" } }`;
    const policies = `default: { effect: deny }\npolicies: [{ name: urgent, when: triage.priority <= 3, effect: allow }]`;
    const own = packOf({ 'triage.yaml': `triage:\n  - ${first}\n  - ${second}\n`, 'policies.yaml': policies });
    const decided = (scope: TriageScope) => {
      const triage = decideTriage(own, scope);
      return [triage.priority, decidePolicy(own, { ...scope, triage }).effect];
    };
    expect(decided(scopeOf())).toEqual([5, 'deny']);
    expect(decided(scopeOf({ fields: { p: 1 } }))).toEqual([1, 'allow']);
    expect(decidePolicy(own, { ...scopeOf(), triage: decideTriage(packOf(), scopeOf()) }).effect).toBe('allow');
    expect(decideTriage(packOf(), scopeOf())).not.toHaveProperty('priority');
  });

  it('an expression that gives a good value sets it', () => {
    const set = `{ severity: "\${{ exception.fields.s }}", confidence: "\${{ exception.fields.c / 2 }}", labels: "\${{ [exception.type] }}" }`;
    const own = packOf({ 'triage.yaml': `triage: [{ name: a, set: ${set} }]` });
    const record = decideTriage(own, scopeOf({ fields: { s: 'ERROR', c: 1 } }));
    expect(record).toMatchObject({ severity: 'high', confidence: 0.5, labels: ['SETTLEMENT_FAIL'] });
  });
});

describe('triage.yaml is checked', () => {
  const rules = (text: string) => `triage:\n  - ${text}\n`;
  it.each([
    [rules('{ name: a, set: { severity: urgent } }'), 'triage.yaml:2:33 VALUE_INVALID'],
    [rules('{ name: a, set: { confidence: 2 } }'), 'triage.yaml:2:35 VALUE_INVALID'],
    [rules('{ name: a, set: { category: 5 } }'), 'triage.yaml:2:33 VALUE_INVALID'],
    [rules('{ name: a, set: { labels: x } }'), 'triage.yaml:2:31 VALUE_INVALID'],
    [rules('{ name: a, set: { priority: 6 } }'), 'triage.yaml:2:33 VALUE_INVALID'],
    [rules('{ name: a, set: { by: me } }'), 'triage.yaml:2:23 NAME_RESERVED'],
    [rules('{ name: a, set: { "a b": me } }'), 'triage.yaml:2:23 NAME_RESERVED'],
    [rules(`{ name: a, set: { x: "\${{ nope }}" } }`), 'triage.yaml:2:31 EXPR_UNKNOWN'],
    [rules(`{ name: a, set: { x: "a \${{ b" } }`), 'triage.yaml:2:29 TEMPLATE_UNCLOSED'],
    [rules('{ name: a, when: 5, set: {} }'), 'triage.yaml:2:22 VALUE_TYPE'],
    [rules(`{ name: a, when: "\${{ true }}", set: {} }`), 'triage.yaml:2:22 EXPR_SYNTAX'],
    [rules('{ name: a, set: {}, wehn: x }'), 'triage.yaml:2:25 FIELD_UNKNOWN'],
    [rules('{ name: a, set: {} }\n  - { name: a, set: {} }'), 'triage.yaml:3:13 RULE_DUPLICATE'],
    ['triage: {}', 'triage.yaml:1:9 VALUE_TYPE'],
    ['triag: []', 'triage.yaml:1:1 FIELD_UNKNOWN'],
  ])('%s → %s', (text, code) => {
    expect(codesOf({ 'triage.yaml': text })[0]).toBe(code);
  });
  it('more rules than anybody reads are too many', () => {
    expect(codesOf({ 'triage.yaml': `triage: [${'a,'.repeat(10_001)}]` })[0]).toBe('triage.yaml:1:9 TOO_MANY');
  });
  it('true and false are conditions; an empty list is no rule', () => {
    const own = packOf({
      'triage.yaml': 'triage: [{ name: a, when: false, set: {} }, { name: b, when: true, set: {} }]',
    });
    expect(decideTriage(own, scopeOf()).explain.map((trace) => trace.matched)).toEqual([false, true]);
    expect(packOf({ 'triage.yaml': 'triage:\n' }).triage).toEqual([]);
  });
  it('a misspelt severity comes with the word that was meant', () => {
    expect(problemsOf({ 'triage.yaml': rules('{ name: a, set: { severity: critcal } }') })[0]?.hint).toBe(
      'Did you mean `critical`?',
    );
  });
});
