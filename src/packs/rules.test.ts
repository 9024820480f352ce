import { describe, expect, it } from 'vitest';
import { packOf, policyScopeOf, scopeOf } from '../testing/packs.js';
import { Random } from '../testing/simulation/random.js';
import { decidePolicy } from './policies/decide.js';
import { eachTrace, MOST_PASSED, MOST_TRIED } from './rules.js';
import { decideTriage } from './triage/decide.js';

const TYPES = ['FAIL', 'DOWN', 'SLOW', 'GAP', ''];
const SOURCES = ['trades', 'alerts', "o'k"];
/** What a field may hold: the kinds that plain tests expect, and those that only CEL itself can judge. */
const VALUES = ['a', 'b', 'abc', 1, 2.5, 0, true, false, null, ['a', 'b'], [1, 'a'], { x: 1 }, undefined] as const;
const TESTS = [
  "exception.type == 'FAIL'",
  "'DOWN' == exception.type",
  "exception.type in ['SLOW', 'GAP']",
  "exception.source == 'trades'",
  "exception['source'] != 'alerts'",
  "exception.fields.k == 'a'",
  "exception.fields.k in ['a', 'b']",
  "exception.fields.k in ['a', 1]",
  'exception.fields.k in [exception.fields.l]',
  "exception.fields.k != 'b'",
  'exception.fields.k > 1',
  'exception.fields.k <= 2.5',
  '2 < exception.fields.k',
  'exception.fields.k >= 1 || exception.fields.l < 1',
  'exception.fields.k == 1',
  'exception.fields.k == true',
  'exception.fields.k == null',
  'exception.fields.k == exception.fields.l',
  "'a' in exception.fields.l",
  'exception.type in exception.fields.l',
  "exception.fields.k.startsWith('a')",
  "exception.fields.k.endsWith('c') || exception.fields.l.contains('b')",
  'exception.fields.k.contains(exception.fields.l)',
  'size(exception.fields.k) > 1',
  'has(exception.fields.l)',
  "!(exception.fields.k == 'a')",
  "!has(exception.fields.k) || exception.fields.k == 'b'",
  "exception.fields.deep.er.still == 'x'",
  "exception.severity == 'high' ? exception.fields.k == 1 : exception.fields.l == 2",
  'seen.count > 1',
  'exception.fields.k == 9007199254740993',
  "(exception.type == 'FAIL' && exception.fields.k == 'a') || exception.fields.l == 'b'",
  'has(exception.fields.k.x) && has(exception.fields.deep)',
  "'x' in exception.fields",
  "1 == 2 || exception.type == 'FAIL'",
  "re2(exception.type, 'A')",
  'has(exception.fields.k) || exception.fields.l.exists(x, x == 1)',
  'exception.fields.l.exists(x, x == 1)',
  "exception.fields.list[0] == 'x'",
  '{1: 2} == exception.fields.k',
];

function conditionOf(random: Random): string {
  const parts = Array.from({ length: 1 + random.below(3) }, () => random.pick(TESTS));
  return parts.map((part) => (random.chance(0.1) ? `(${part} || ${random.pick(TESTS)})` : `(${part})`)).join(' && ');
}

function rulesOf(random: Random, count: number) {
  const yaml = (line: (n: number) => object) => JSON.stringify(Array.from({ length: count }, (_, n) => line(n)));
  return {
    'triage.yaml': `triage: ${yaml((n) => ({
      name: `r${n}`,
      when: conditionOf(random),
      set: { category: `c${n}` },
      continue: random.chance(0.7),
    }))}`,
    'policies.yaml': `default: { effect: deny }\npolicies: ${yaml((n) => ({
      name: `p${n}`,
      when: random.chance(0.3) ? `triage.category == 'c${n}'` : conditionOf(random),
      effect: random.pick(['allow', 'deny', 'suppress']),
    }))}`,
  };
}

function exceptionOf(random: Random) {
  const fields = {
    k: random.pick<unknown>(VALUES),
    l: random.pick<unknown>(VALUES),
    deep: random.pick<unknown>([{ er: { still: 'x' } }, 1]),
  };
  const told = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  return { type: random.pick(TYPES), source: random.pick(SOURCES), fields: told };
}

describe('the index of rules', () => {
  it('decides and tells the same as trying every rule', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = new Random(seed);
      const pack = packOf(rulesOf(random, 12));
      for (let n = 0; n < 25; n++) {
        const scope = scopeOf(exceptionOf(random));
        const triage = decideTriage(pack, scope);
        expect(triage, `seed ${seed}`).toEqual(decideTriage(pack, scope, { all: true }));
        const policyScope = { ...scope, triage };
        expect(decidePolicy(pack, policyScope), `seed ${seed}`).toEqual(
          decidePolicy(pack, policyScope, undefined, { all: true }),
        );
      }
    }
  });

  it('the plain tests answer as CEL does', () => {
    for (const test of TESTS) {
      const rule = (when: string) => ({ name: when, when, set: { category: 'x' } });
      const slow = `${test.replace(/^/, '(')}) && cel.bind(one, 1, one == 1)`; // the same, and a part that only CEL can judge
      const whole = `cel.bind(one, 1, one == 1 && (${test}))`;
      const quick = packOf({ 'triage.yaml': `triage: [${JSON.stringify(rule(slow))}]` });
      const celOnly = packOf({ 'triage.yaml': `triage: [${JSON.stringify(rule(whole))}]` });
      const random = new Random(7);
      for (let n = 0; n < 200; n++) {
        const scope = scopeOf(exceptionOf(random));
        const found = [quick, celOnly].map((pack) => decideTriage(pack, scope).explain[0]);
        expect(
          [found[0]?.matched, found[0]?.falsePart?.error === undefined],
          `${test} of ${JSON.stringify(scope.exception)}`,
        ).toEqual([found[1]?.matched, found[1]?.falsePart?.error === undefined]);
      }
    }
  });

  it('many rules that want something else are told one by one at first, and then in one line', () => {
    const line = (n: number, when: string) => `  - { name: r${n}, when: "${when}", set: { category: c } }\n`;
    const types = Array.from({ length: 60 }, (_, n) => line(n, `exception.type == 'T${n}'`));
    const sources = Array.from({ length: 3 }, (_, n) =>
      line(100 + n, `exception.source in ['S${n}'] && seen.count > 1`),
    );
    const entity = line(150, "exception.entity == 'nobody'");
    const last = line(200, "exception.type == 'FAIL'");
    const pack = packOf({ 'triage.yaml': `triage:\n${[entity, ...types, ...sources, last].join('')}` });
    const { explain, category } = decideTriage(pack, scopeOf({ type: 'FAIL' }));
    expect(category).toBe('c');
    expect(explain).toHaveLength(MOST_PASSED + 2);
    expect(explain.at(-2)).toMatchObject({ name: 'r200', matched: true });
    expect(explain.at(-1)).toEqual({
      ...{ name: '...', place: 'triage.yaml:52:5', matched: false, skipped: 14 },
      note: '11 more want another `exception.type`; 3 more want another `exception.source`',
    });
    expect(decideTriage(pack, scopeOf({ type: 'FAIL' }), { all: true }).explain).toHaveLength(65);
  });

  it('thousands of rules that were tried and did not match are told in one line, too', () => {
    const lines = Array.from(
      { length: MOST_TRIED + 7 },
      (_, n) => `{ name: r${n}, when: seen.count > ${n + 1}, set: {} }`,
    );
    const pack = packOf({ 'triage.yaml': `triage: [${lines.join(', ')}]` });
    const { explain } = decideTriage(pack, scopeOf());
    expect(explain).toHaveLength(MOST_TRIED + 1);
    expect(explain.at(-1)).toEqual({
      name: '...',
      place: '',
      matched: false,
      note: '7 more did not match',
      skipped: 7,
    });
  });

  it('told in brief, rules that were passed over are names with the value they share, and lines again by their pack', () => {
    const rules = [
      `{ name: any, when: seen.count > 0, set: { owner: x }, continue: true }`,
      `{ name: a, when: "exception.type == 'A'", set: {} }`,
      `{ name: source, when: "exception.source == 'S' && seen.count > 1", set: {} }`,
      `{ name: b, when: "exception.type in ['B', 'C']", set: {} }`,
      `{ name: fails, when: "exception.type == 'FAIL' && seen.count > 5", set: {} }`,
      `{ name: last, when: "exception.type == 'FAIL'", set: { category: c } }`,
    ];
    const pack = packOf({ 'triage.yaml': `triage: [${rules.join(', ')}]` });
    const scope = scopeOf({ type: 'FAIL' });
    const { explain, ...decided } = decideTriage(pack, scope, { brief: true });
    const { explain: each, ...same } = decideTriage(pack, scope);
    expect(decided).toEqual(same);
    expect(JSON.stringify(explain)).toMatch(/^[ -~]*$/); // one other character would double the memory of each text it stands in
    expect(explain.map(({ name, rules: names }) => names ?? name)).toEqual([
      'any',
      'fails',
      'last',
      ['a', 'b'],
      ['source'],
    ]);
    expect(explain[3]).toEqual({
      ...{ name: '...', place: each[1]?.place, matched: false, rules: ['a', 'b'], skipped: 2 },
      falsePart: { expression: 'exception.type', values: { 'exception.type': 'FAIL' } },
    });
    expect(eachTrace(pack.triage, explain)).toEqual(each);
    expect(eachTrace([], explain).map(({ name }) => name)).toEqual(['any', 'fails', 'last', 'a', 'b', 'source']);
    const without = [{ name: 'a', place: 'here', when: null }];
    expect(eachTrace(without, explain)[0]).toEqual({
      ...explain[3],
      name: 'a',
      place: 'here',
      rules: undefined,
      skipped: undefined,
    });
  });

  it('a policy that stands behind many others still wins', () => {
    const lines = Array.from(
      { length: 80 },
      (_, n) => `{ name: p${n}, when: "triage.category == 'c${n}'", effect: deny }`,
    );
    const pack = packOf({
      'policies.yaml': `default: { effect: deny }\npolicies: [${lines.join(', ')}, { name: last, effect: allow }]`,
    });
    const record = decidePolicy(pack, policyScopeOf());
    expect([record.winner, record.explain.length]).toEqual(['last', MOST_PASSED + 2]);
  });
});
