import { describe, expect, it } from 'vitest';
import type { ProblemError } from '../../core/errors.js';
import { policy, scope } from '../../testing/expressions.js';
import { compileTemplate, type Encode } from './template.js';
import { preview } from './values.js';

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

describe('templates', () => {
  it.each([
    ['plain text', 'plain text'],
    [5, 5],
    [null, null],
    [`\${{ exception.fields.amount }}`, 250_000],
    [` \${{ exception.fields.amount }} `, 250_000],
    [`\${{ 1 + 1 }}`, 2],
    [`\${{ 5u }}`, 5],
    [`\${{ int("9007199254740993") }}`, '9007199254740993'],
    [`\${{ exception.fields.list }}`, [1, 2]],
    [`\${{ exception.fields.tags[0] }}`, { names: ['a'] }],
    [`\${{ now }}`, '2026-11-20T12:00:00.000Z'],
    [`\${{ duration('90s') }}`, '90s'],
    [`\${{ b'ab' }}`, 'YWI='],
    [`\${{ exception.entity }}`, null],
    [`\${{ tenant }}/\${{ exception.fields.n }}`, 'demo/4'],
    [`is \${{ exception.entity }}.`, 'is .'],
    [`is \${{ exception.fields.list }} and \${{ true }}`, 'is [1,2] and true'],
    [`\${{ {'a': {'b': 1}} }}`, { a: { b: 1 } }],
    [`\${{ '}}' + "}}" }}x`, '}}}}x'],
    [`\${{ '\\'}}' }}x`, "'}}x"],
    [
      { a: [`\${{ tenant }}`, { b: `\${{ exception.fields.n }}` }], c: true },
      { a: ['demo', { b: 4 }], c: true },
    ],
  ])('%j renders as %j', (text, value) => {
    expect(render(text)).toEqual(value);
  });

  it('knows which of them are constant', () => {
    expect(compileTemplate(policy, { a: ['x', 1] }).value.constant).toBe(true);
    expect(compileTemplate(policy, { a: ['x', `\${{ tenant }}`] }).value.constant).toBe(false);
  });

  it('problems tell the path and the offset inside the text', () => {
    expect(render({ with: ['ok', `x \${{ excepton.type }}`] })).toMatchObject([
      { code: 'EXPR_UNKNOWN', path: ['with', 1], offset: 6 },
    ]);
    expect(render('a ${{ b')).toEqual([
      { code: 'TEMPLATE_UNCLOSED', message: `The \`\${{\` has no closing \`}}\`.`, offset: 2, path: [] },
    ]);
    expect(render(`a \${{ 'b }}`)).toMatchObject([{ code: 'TEMPLATE_UNCLOSED' }]);
    expect(render(`a \${{ } }} b`)).toMatchObject([{ code: 'TEMPLATE_UNCLOSED' }]);
    expect(render(`\${{ }}`)).toMatchObject([{ code: 'EXPR_SYNTAX' }]);
    expect(render(`a \${{ nope }} b`)).toMatchObject([{ code: 'EXPR_UNKNOWN' }]);
  });

  it('a missing key is a problem with its path', () => {
    const { value } = compileTemplate(policy, { id: `\${{ exception.fields.missing }}` });
    expect(failure(() => value.render(scope))).toMatchObject({
      code: 'EXPR_FAILED',
      path: 'id',
      message: `\${{ exception.fields.missing }} could not be evaluated: no such key: missing`,
    });
    expect(value.renderLenient(scope)).toEqual({});
  });

  it('a key that is missing behind a computed index is missing, too', () => {
    const { value } = compileTemplate(policy, `\${{ exception.fields.tags[int(exception.fields.n)] }}`);
    expect(value.renderLenient(scope)).toBeUndefined();
    expect(failure(() => value.render(scope))).toMatchObject({ code: 'EXPR_FAILED' });
  });

  it('where it may be missing, text goes on without it, and a list keeps its place', () => {
    const { value } = compileTemplate(policy, [
      `<\${{ exception.fields.missing }}>`,
      `\${{ exception.fields.list[9] }}`,
    ]);
    expect(value.renderLenient(scope)).toEqual(['<>', null]);
  });

  it('other failures are problems there too', () => {
    const { value } = compileTemplate(policy, `\${{ exception.fields.text + 1 }}`);
    expect(failure(() => value.renderLenient(scope))).toMatchObject({ code: 'EXPR_FAILED' });
  });

  it('a result that JSON cannot hold is a problem', () => {
    const alone = compileTemplate(policy, `\${{ exception.fields.n / (exception.fields.n - 4) }}`);
    expect(failure(() => alone.value.render(scope))).toMatchObject({ code: 'NUMBER_INVALID' });
    const deep = compileTemplate(policy, { a: { b: `\${{ exception.fields.n / (exception.fields.n - 4) }}` } });
    expect(failure(() => deep.value.render(scope))).toMatchObject({ code: 'NUMBER_INVALID', path: 'a.b' });
  });

  it('an encoder sees each interpolated value and the text before it, not a lone expression', () => {
    const encode: Encode = (value, before) => `<${before.length}:${value}>`;
    const { value } = compileTemplate(policy, { a: `/x/\${{ tenant }}/y`, b: `\${{ tenant }}` }, () => encode);
    expect(value.render(scope)).toEqual({ a: '/x/<3:demo>/y', b: 'demo' });
  });
});

describe('a preview of what was seen', () => {
  it('is cut where the text is long', () => {
    expect(preview('x'.repeat(300))).toBe(`${'x'.repeat(200)}...`);
  });
  it.each([
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
