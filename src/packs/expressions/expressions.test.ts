import { describe, expect, it } from 'vitest';
import { policy, scope, source, step } from '../../testing/expressions.js';

const holds = (text: string): boolean | string => {
  const { value, problems } = policy.condition(text);
  if (value === undefined) return problems.map((problem) => problem.code).join();
  return value.falsePart(scope) === undefined;
};
const falsePart = (text: string) => policy.condition(text).value?.falsePart(scope);
describe('numbers from JSON and numbers in the expression mix', () => {
  it.each([
    'exception.fields.amount > 1000',
    'exception.fields.amount == 250000',
    'exception.fields.amount + 1 == 250001',
    '1 + exception.fields.n == 5',
    'exception.fields.n - 1 == 3 && 5 - exception.fields.n == 1',
    'exception.fields.n * 2 == 8 && 2 * exception.fields.n == 8',
    'exception.fields.n / 8 == 0.5 && 8 / exception.fields.n == 2',
    'exception.fields.n % 3 == 1 && 6 % exception.fields.n == 2 && exception.fields.n % exception.fields.n == 0',
    '7 / 2 == 3',
    'exception.fields.n in [1, 4]',
    'seen.count == 2 && seen.count in [1, 2]',
    'triage.confidence >= 0.8 && triage.confidence < 1',
    'size(exception.fields.list) + 1 == 3',
    'exception.fields.list[0] == 1',
    'double(exception.fields.n) == 4',
    "exception.fields['odd key'] == 1",
  ])('%s', (text) => {
    expect(holds(text)).toBe(true);
  });
});

describe('conditions that hold', () => {
  it.each([
    "exception.entity == null && exception.type.startsWith('SETTLE')",
    "'big' in triage.labels && triage.owner == 'x'",
    "now - timestamp(exception.occurredAt) > duration('1h')",
    "exception.fields.tags.exists(t, t.names.exists(n, n == 'b'))",
    'exception.fields.list.map(x, x + 1).exists(y, y == 3)',
    'cel.bind(limit, 3, exception.fields.n > limit)',
    "re2(exception.title, '^Trade T-[0-9]+') && exception.title.re2('failed$')",
    "lookup('owners', exception.fields.counterparty).desk == 'rates' && lookup('owners', 7).desk == 'fx'",
    "lookup('owners', 'nobody').desk == ''",
    "!has(exception.fields.missing) || exception.fields.missing == ''",
    "exception.severity in ['critical', 'high']",
    "[1, 'x', null].exists(x, [1, 2].exists(y, x == y))",
  ])('%s', (text) => {
    expect(holds(text)).toBe(true);
  });
});

describe('the first false part', () => {
  it('is told with the values that it saw', () => {
    expect(falsePart("exception.type == 'SETTLEMENT_FAIL' && exception.fields.amount > 1000000 && false")).toEqual({
      expression: 'exception.fields.amount > 1000000',
      values: { 'exception.fields.amount': 250_000 },
    });
  });
  it('is found inside nested groups of &&', () => {
    expect(falsePart("true && (exception.fields.n == 4 && (exception.severity == 'low'))")).toEqual({
      expression: "exception.severity == 'low'",
      values: { 'exception.severity': 'high' },
    });
  });
  it('is a whole group of || when that is what was false', () => {
    expect(falsePart("(exception.severity == 'low' ||\n   tenant == 'x')")).toEqual({
      expression: "exception.severity == 'low' || tenant == 'x'",
      values: { 'exception.severity': 'high', tenant: 'demo' },
    });
  });
  it('a missing field that something makes up for does not matter', () => {
    expect(holds("exception.fields.price > 5 || exception.type == 'SETTLEMENT_FAIL'")).toBe(true);
    expect(holds('exception.fields.n == 4 ? true : exception.fields.price > 5')).toBe(true);
    expect(holds('[1, 4].exists(x, x == exception.fields.n || x == exception.fields.price)')).toBe(true);
  });
  it('a missing field makes it false and says so', () => {
    expect(falsePart('exception.fields.price > 5')).toEqual({
      expression: 'exception.fields.price > 5',
      values: {},
      error: 'no such key: price',
    });
  });
  it('a value of the wrong type makes it false and says so', () => {
    expect(falsePart('exception.fields.text > 5')).toEqual({
      expression: 'exception.fields.text > 5',
      values: { 'exception.fields.text': 'abc' },
      error: 'no such overload: string > int',
      failed: true,
    });
  });
  it('a value that is neither true nor false makes it false and says so', () => {
    expect(falsePart('exception.fields.text')?.error).toBe('the result is neither true nor false');
  });
  it('names bound by the expression itself have no value to tell', () => {
    expect(falsePart('exception.fields.list.exists(x, x == 9 && x < exception.fields.n)')?.values).toEqual({
      'exception.fields.list': [1, 2],
      'exception.fields.n': 4,
    });
  });
  it('paths through a key in brackets, a map literal or an index are told too', () => {
    expect(falsePart("exception.fields['odd key'] == {'a': exception.fields.n}['a']")?.values).toEqual({
      "exception.fields['odd key']": 1,
      'exception.fields.n': 4,
    });
    expect(falsePart('exception.fields.list[exception.fields.n] == -exception.fields.n')?.values).toEqual({
      'exception.fields.list': [1, 2],
      'exception.fields.n': 4,
    });
    expect(falsePart('exception.fields.list[0.5] == 1')?.values).toEqual({ 'exception.fields.list': [1, 2] });
    expect(falsePart('exception.fields.list[int(exception.fields.n)] == 1')?.error).toMatch(
      /^no such key: index out of bounds/,
    );
    expect(falsePart('exception.fields.list[1] == 1')?.values).toEqual({ 'exception.fields.list[1]': 2 });
  });
});

describe('what is wrong is found when the pack is compiled', () => {
  it.each([
    ['', 'EXPR_SYNTAX'],
    ['exception.type ==', 'EXPR_SYNTAX'],
    ["'open", 'EXPR_SYNTAX'],
    [String.raw`re2(exception.title, '\d+')`, 'EXPR_SYNTAX'],
    ['constructor.constructor("return process")()', 'EXPR_SYNTAX'],
    ['constructor("x") == 1', 'EXPR_FORBIDDEN_NAME'],
    ['exception.fields.constructor == 1', 'EXPR_FORBIDDEN_NAME'],
    ['exception.__proto__ == 1', 'EXPR_FORBIDDEN_NAME'],
    ['__proto__ == 1', 'EXPR_FORBIDDEN_NAME'],
    ['prototype == 1', 'EXPR_FORBIDDEN_NAME'],
    ["exception.fields['__proto__'] == 1", 'EXPR_FORBIDDEN_NAME'],
    ["{'prototype': 1} == exception.fields", 'EXPR_FORBIDDEN_NAME'],
    ['exception.fields.constructor() == 1', 'EXPR_FORBIDDEN_NAME'],
    ['1 / 0 == 1', 'EXPR_DIV_ZERO'],
    ['exception.fields.n % 0 == 1', 'EXPR_DIV_ZERO'],
    ['excepton.type == 1', 'EXPR_UNKNOWN'],
    ['steps.look.result == 1', 'EXPR_UNKNOWN'],
    ['exception.typ == "x"', 'EXPR_UNKNOWN'],
    ['triage.ownr == "x"', 'EXPR_UNKNOWN'],
    ["exception.fields.exsts('x')", 'EXPR_UNKNOWN'],
    ['min(1, 2) == 1', 'EXPR_UNKNOWN'],
    ['tenant.bind(x, 1, true)', 'EXPR_UNKNOWN'],
    ['cel.bind(x)', 'EXPR_UNKNOWN'],
    ["'a' < 1", 'EXPR_TYPE'],
    ['exception.type > 5', 'EXPR_TYPE'],
    ['exception.title', 'EXPR_TYPE'],
    ['re2(exception.title)', 'EXPR_TYPE'],
    ["lookup() == ''", 'EXPR_TYPE'],
    ["'(a+)+$'.matches('x')", 'EXPR_MATCHES'],
    ["matches(exception.title, 'x')", 'EXPR_MATCHES'],
    ["re2(exception.title, '(a')", 'EXPR_REGEX'],
    ['re2(exception.title, exception.type)', 'EXPR_REGEX'],
    ['exception.title.re2(5)', 'EXPR_REGEX'],
    ["lookup('ownrs', 'x').desk == ''", 'TABLE_UNKNOWN'],
    ["lookup(exception.type, 'x').desk == ''", 'TABLE_UNKNOWN'],
    ["lookup('owners', 'x').dsk == ''", 'COLUMN_UNKNOWN'],
    ['exception.fields.list.exists(x, exception.fields.tags.exists(y, x == y))', 'EXPR_COSTLY'],
  ])('%s → %s', (text, code) => {
    expect(holds(text)).toBe(code);
  });

  it.each([
    ['brackets in brackets', `${'('.repeat(100)}true${')'.repeat(100)}`, 'EXPR_TOO_DEEP'],
    ['a long chain', Array.from({ length: 300 }, () => 'true').join(' && '), 'EXPR_TOO_DEEP'],
    ['a long text', `'${'x'.repeat(4_000)}' == ''`, 'EXPR_TOO_LONG'],
  ])('%s is too much', (_, text, code) => {
    expect(holds(text)).toBe(code);
  });

  it('a misspelt name comes with the name that was meant, and its offset', () => {
    expect(policy.condition("tenant == 'x' && excepton.type == 'x'").problems).toEqual([
      { code: 'EXPR_UNKNOWN', message: 'Unknown name `excepton`.', hint: 'Did you mean `exception`?', offset: 17 },
    ]);
  });
  it('a name far from all others comes with the list of them', () => {
    expect(policy.condition("zzzzzzzzz == 'x'").problems[0]?.hint).toBe('Known: exception, now, seen, tenant, triage.');
  });
  it('every problem of one expression is told at once', () => {
    expect(holds("exception.typ == foo && matches(bar, 'x')")).toBe(
      'EXPR_UNKNOWN,EXPR_UNKNOWN,EXPR_MATCHES,EXPR_UNKNOWN',
    );
  });
  it('a step that the playbook does not have', () => {
    expect(step.expression('steps.lok.result').problems).toEqual([
      { code: 'STEP_UNKNOWN', message: '`steps` has no `lok`.', hint: 'Did you mean `look`?', offset: 0 },
    ]);
    expect(step.expression('steps.look.result.amount').problems).toEqual([]);
  });
  it('in a source, body, headers and item are in scope and told by name', () => {
    expect([...source.expression("headers['x-kind'] + body.a").names]).toEqual(['headers.x-kind', 'body.a']);
    expect(source.expression('exception.type').problems[0]?.code).toBe('EXPR_UNKNOWN');
  });
});

describe('parentheses around an operand belong to the part', () => {
  it.each([
    'true && !(exception.fields.n == 4)',
    'true && (exception.fields.n + 1) * 2 == (3 + 8)',
    "true && !(exception.fields.text == ')' || (exception.fields.n == 4))",
    'true && ((exception.fields.n)) == ((5))',
  ])('%s', (text) => {
    expect(falsePart(text)?.expression).toBe(text.slice('true && '.length));
  });
});
