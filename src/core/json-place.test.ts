import { expect, it } from 'vitest';
import { jsonErrorPlace } from './json-place.js';

it.each([
  ['', 'line 1 column 1'],
  ['   ', 'line 1 column 4'],
  ['abc', 'line 1 column 1'],
  ['\u0000', 'line 1 column 1'],
  ['\ufeff{}', 'line 1 column 1'],
  ['{', 'line 1 column 2'],
  ['{"a"', 'line 1 column 5'],
  ['{"a"}', 'line 1 column 5'],
  ['{a: 1}', 'line 1 column 2'],
  ["{'a': 1}", 'line 1 column 2'],
  ['{"a": }', 'line 1 column 7'],
  ['{"a": 1,}', 'line 1 column 9'],
  ['{"a": 1 "b": 2}', 'line 1 column 9'],
  ['{"a": 1]', 'line 1 column 8'],
  ['{\n  "a": 1,\n  "b": [1, 2\n}', 'line 4 column 1'],
  ['[1,]', 'line 1 column 4'],
  ['[1 2]', 'line 1 column 4'],
  ['[,1]', 'line 1 column 2'],
  ['[1', 'line 1 column 3'],
  ['[]]', 'line 1 column 3'],
  ['{}  x', 'line 1 column 5'],
  ['[01]', 'line 1 column 3'],
  ['[1.]', 'line 1 column 3'],
  ['[+1]', 'line 1 column 2'],
  ['[-]', 'line 1 column 2'],
  ['[truely]', 'line 1 column 6'],
  ['[nul]', 'line 1 column 2'],
  ['["abc]', 'line 1 column 7'],
  ['["a\nb"]', 'line 1 column 4'],
  ['["a\\xb"]', 'line 1 column 4'],
  ['["\\u12g4"]', 'line 1 column 3'],
  ['["\\n\\u00e9", "\\"", x]', 'line 1 column 20'],
])('%j stops being JSON at %s', (text, place) => {
  expect(() => JSON.parse(text)).toThrow(SyntaxError);
  expect(jsonErrorPlace(text)).toBe(place);
});

it('a long string does not overflow the stack', () => {
  expect(jsonErrorPlace(`["${'a'.repeat(300_000)}", x]`)).toBe('line 1 column 300006');
});
