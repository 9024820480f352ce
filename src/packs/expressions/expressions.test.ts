import { describe, expect, it } from 'vitest';
import type { ProblemError } from '../../core/errors.js';
import type { Table } from '../types.js';
import { createScopeCompiler } from './compile.js';
import { createLibrary } from './library.js';
import { policyShape, SOURCE_SHAPE, stepShape } from './scope.js';
import { compileTemplate, type Encode } from './template.js';
import { preview } from './values.js';

const owners: Table = {
  name: 'owners',
  columns: ['counterparty', 'desk'],
  rows: new Map([
    ['ACME', { counterparty: 'ACME', desk: 'rates' }],
    ['7', { counterparty: '7', desk: 'fx' }],
  ]),
  emptyRow: { counterparty: '', desk: '' },
};
const library = createLibrary(new Map([['owners', owners]]));
const policy = createScopeCompiler(library, policyShape(['owner']));
const step = createScopeCompiler(library, stepShape([], ['look', 'ok']));
const source = createScopeCompiler(library, SOURCE_SHAPE);

const scope = {
  exception: {
    type: 'SETTLEMENT_FAIL',
    title: 'Trade T-1 failed',
    severity: 'high',
    entity: null,
    source: 'trades',
    occurredAt: '2026-11-20T10:00:00.000Z',
    fingerprint: 'f',
    fields: {
      amount: 250_000,
      n: 4,
      text: 'abc',
      list: [1, 2],
      'odd key': 1,
      none: null,
      tags: [{ names: ['a'] }, { names: ['b'] }],
      counterparty: 'ACME',
    },
  },
  seen: { count: 2, first: '2026-11-20T10:00:00.000Z', last: '2026-11-20T10:00:00.000Z' },
  triage: { category: 'settlement', severity: 'high', confidence: 0.9, labels: ['big'], by: 'rules', owner: 'x' },
  tenant: 'demo',
  now: new Date('2026-11-20T12:00:00Z'),
};

const holds = (text: string): boolean | string => {
  const { value, problems } = policy.condition(text);
  if (value === undefined) return problems.map((problem) => problem.code).join();
  return value.falsePart(scope) === undefined;
};
const falsePart = (text: string) => policy.condition(text).value?.falsePart(scope);
const render = (text: unknown): unknown => {
  const { value, problems } = compileTemplate(policy, text);
  return problems.length > 0 ? problems : value.render(scope);
};
const failure = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return (error as ProblemError).problem;
  }
};

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
    expect(falsePart('exception.fields.list[1] == 1')?.values).toEqual({ 'exception.fields.list[1]': 2 });
  });
});

describe('what is wrong is found when the pack is compiled', () => {
  it.each([
    ['', 'EXPR_SYNTAX'],
    ['exception.type ==', 'EXPR_SYNTAX'],
    ["'open", 'EXPR_SYNTAX'],
    ['constructor.constructor("return process")()', 'EXPR_SYNTAX'],
    ['constructor("x") == 1', 'EXPR_FORBIDDEN_NAME'],
    ['exception.fields.constructor == 1', 'EXPR_FORBIDDEN_NAME'],
    ['exception.__proto__ == 1', 'EXPR_FORBIDDEN_NAME'],
    ['__proto__ == 1', 'EXPR_FORBIDDEN_NAME'],
    ['prototype == 1', 'EXPR_FORBIDDEN_NAME'],
    ["exception.fields['__proto__'] == 1", 'EXPR_FORBIDDEN_NAME'],
    ["{'prototype': 1} == exception.fields", 'EXPR_FORBIDDEN_NAME'],
    ['exception.fields.constructor() == 1', 'EXPR_FORBIDDEN_NAME'],
    [`${'('.repeat(100)}true${')'.repeat(100)}`, 'EXPR_TOO_DEEP'],
    [Array.from({ length: 300 }, () => 'true').join(' && '), 'EXPR_TOO_DEEP'],
    [`'${'x'.repeat(4_000)}' == ''`, 'EXPR_TOO_LONG'],
    ['1 / 0 == 1', 'EXPR_DIV_ZERO'],
    ['exception.fields.n % 0 == 1', 'EXPR_DIV_ZERO'],
    ['excepton.type == 1', 'EXPR_UNKNOWN'],
    ['steps.look.result == 1', 'EXPR_UNKNOWN'],
    ['exception.typ == "x"', 'EXPR_UNKNOWN'],
    ['triage.ownr == "x"', 'EXPR_UNKNOWN'],
    ["exception.fields.exsts('x')", 'EXPR_UNKNOWN'],
    ['min(1, 2) == 1', 'EXPR_UNKNOWN'],
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

describe('templates', () => {
  it.each([
    ['plain text', 'plain text'],
    [5, 5],
    [null, null],
    ['${{ exception.fields.amount }}', 250_000],
    [' ${{ exception.fields.amount }} ', 250_000],
    ['${{ 1 + 1 }}', 2],
    ['${{ 5u }}', 5],
    ['${{ int("9007199254740993") }}', '9007199254740993'],
    ['${{ exception.fields.list }}', [1, 2]],
    ['${{ exception.fields.tags[0] }}', { names: ['a'] }],
    ['${{ now }}', '2026-11-20T12:00:00.000Z'],
    ["${{ duration('90s') }}", '90s'],
    ["${{ b'ab' }}", 'YWI='],
    ['${{ exception.entity }}', null],
    ['${{ tenant }}/${{ exception.fields.n }}', 'demo/4'],
    ['is ${{ exception.entity }}.', 'is .'],
    ['is ${{ exception.fields.list }} and ${{ true }}', 'is [1,2] and true'],
    ["${{ {'a': {'b': 1}} }}", { a: { b: 1 } }],
    ['${{ \'}}\' + "}}" }}x', '}}}}x'],
    ["${{ '\\'}}' }}x", "'}}x"],
    [
      { a: ['${{ tenant }}', { b: '${{ exception.fields.n }}' }], c: true },
      { a: ['demo', { b: 4 }], c: true },
    ],
  ])('%j renders as %j', (text, value) => {
    expect(render(text)).toEqual(value);
  });

  it('knows which of them are constant', () => {
    expect(compileTemplate(policy, { a: ['x', 1] }).value.constant).toBe(true);
    expect(compileTemplate(policy, { a: ['x', '${{ tenant }}'] }).value.constant).toBe(false);
  });

  it('problems tell the path and the offset inside the text', () => {
    expect(render({ with: ['ok', 'x ${{ excepton.type }}'] })).toMatchObject([
      { code: 'EXPR_UNKNOWN', path: ['with', 1], offset: 6 },
    ]);
    expect(render('a ${{ b')).toEqual([
      { code: 'TEMPLATE_UNCLOSED', message: 'The `${{` has no closing `}}`.', offset: 2, path: [] },
    ]);
    expect(render("a ${{ 'b }}")).toMatchObject([{ code: 'TEMPLATE_UNCLOSED' }]);
    expect(render('a ${{ } }} b')).toMatchObject([{ code: 'TEMPLATE_UNCLOSED' }]);
    expect(render('${{ }}')).toMatchObject([{ code: 'EXPR_SYNTAX' }]);
    expect(render('a ${{ nope }} b')).toMatchObject([{ code: 'EXPR_UNKNOWN' }]);
  });

  it('a missing key is a problem with its path', () => {
    const { value } = compileTemplate(policy, { id: '${{ exception.fields.missing }}' });
    expect(failure(() => value.render(scope))).toMatchObject({
      code: 'EXPR_FAILED',
      path: 'id',
      message: '${{ exception.fields.missing }} could not be evaluated: no such key: missing',
    });
    expect(value.renderLenient(scope)).toEqual({});
  });

  it('where it may be missing, text goes on without it, and a list keeps its place', () => {
    const { value } = compileTemplate(policy, ['<${{ exception.fields.missing }}>', '${{ exception.fields.list[9] }}']);
    expect(value.renderLenient(scope)).toEqual(['<>', null]);
  });

  it('other failures are problems there too', () => {
    const { value } = compileTemplate(policy, '${{ exception.fields.text + 1 }}');
    expect(failure(() => value.renderLenient(scope))).toMatchObject({ code: 'EXPR_FAILED' });
  });

  it('a result that JSON cannot hold is a problem', () => {
    const alone = compileTemplate(policy, '${{ exception.fields.n / (exception.fields.n - 4) }}');
    expect(failure(() => alone.value.render(scope))).toMatchObject({ code: 'NUMBER_INVALID' });
    const deep = compileTemplate(policy, { a: { b: '${{ exception.fields.n / (exception.fields.n - 4) }}' } });
    expect(failure(() => deep.value.render(scope))).toMatchObject({ code: 'NUMBER_INVALID', path: 'a.b' });
  });

  it('an encoder sees each interpolated value and the text before it, not a lone expression', () => {
    const encode: Encode = (value, before) => `<${before.length}:${value}>`;
    const { value } = compileTemplate(policy, { a: '/x/${{ tenant }}/y', b: '${{ tenant }}' }, () => encode);
    expect(value.render(scope)).toEqual({ a: '/x/<3:demo>/y', b: 'demo' });
  });
});

describe('a preview of what was seen', () => {
  it.each([
    ['x'.repeat(300), `${'x'.repeat(200)}…`],
    [5n, 5],
    [null, null],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
    [Array.from({ length: 11 }, () => 1), 'a list of 11'],
    [Object.fromEntries(Array.from({ length: 11 }, (_, i) => [i, i])), 'an object of 11 keys'],
    [{ a: [{ b: { c: 1 } }] }, { a: ['an object of 1 keys'] }],
    [[[[1]]], [['a list of 1']]],
  ])('%s → %j', (value, shown) => {
    expect(preview(value)).toEqual(shown);
  });
});
