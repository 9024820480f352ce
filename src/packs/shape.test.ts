import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createReport } from './problems.js';
import { readShape, wordFor } from './shape.js';
import { type PackFile, readYaml } from './yaml.js';

const told = (schema: z.ZodType, text: string): (string | undefined)[] => {
  const report = createReport();
  const file = readYaml('a.yaml', text, report) as PackFile;
  expect(readShape(file, [], schema, report)).toBeUndefined();
  return report.sorted().flatMap((problem) => [problem.code, problem.message, problem.hint]);
};

describe('a shape that does not fit', () => {
  const list = z.array(z.strictObject({ word: z.string().optional() }));
  it.each([
    [list, '- { wrd: x }', ['FIELD_UNKNOWN', 'Unknown word `wrd`.', 'Did you mean `word`?']],
    [
      z.discriminatedUnion('kind', [z.strictObject({ kind: z.literal('a') })]),
      '{ kind: a, more: 1 }',
      ['FIELD_UNKNOWN', 'Unknown word `more`.', 'There is none yet.'],
    ],
    [z.strictObject({ n: z.date() }), 'n: 5', ['VALUE_TYPE', '`n` must be date, not a number.', undefined]],
    [list, '- 5', ['VALUE_TYPE', 'item 1 must be a map, not a number.', undefined]],
    [z.strictObject({ a: z.string() }), 'a:', ['VALUE_TYPE', '`a` must be text, not empty.', undefined]],
  ] as const)('%# is told in words', (schema, text, expected) => {
    expect(told(schema, text)).toEqual(expected);
  });

  it.each([
    [null, 'empty'],
    [[], 'a list'],
    ['x', 'text'],
    [1, 'a number'],
    [true, 'true or false'],
    [{}, 'a map'],
  ])('%j is called %s', (value, word) => {
    expect(wordFor(value)).toBe(word);
  });
});
