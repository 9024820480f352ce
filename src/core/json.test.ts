import { describe, expect, it } from 'vitest';
import { ProblemError } from './errors.js';
import { nestsDeeper, parseJson, storable, textProblem } from './json.js';

const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

/** What `parseJson` has against a text: its code and place. */
function problemWith(text: string): { code: string; path: string | undefined } {
  try {
    parseJson(text);
  } catch (error) {
    if (error instanceof ProblemError) return { code: error.problem.code, path: error.problem.path };
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}

describe('bad JSON is refused with a code and a place', () => {
  it.each([
    ['{"type": "fail",}', 'JSON_INVALID', 'line 1 column 17'],
    ['{"a": 1,\n "b": tru}', 'JSON_INVALID', 'line 2 column 7'],
    ['', 'JSON_INVALID', 'line 1 column 1'],
    ['NaN', 'JSON_INVALID', 'line 1 column 1'],
    ['{"a": 1} {"a": 2}', 'JSON_INVALID', 'line 1 column 10'],
    ['{"a":1,"a":2}', 'JSON_DUPLICATE_KEY', 'a'],
    ['{"a":1,"\\u0061":2}', 'JSON_DUPLICATE_KEY', 'a'],
    ['{"items":[{"x":1},{"x":1,"x":1}]}', 'JSON_DUPLICATE_KEY', 'items[1].x'],
    ['{"__proto__":{"admin":true}}', 'KEY_FORBIDDEN', '__proto__'],
    ['{"\\u005f_proto__":{"admin":true}}', 'KEY_FORBIDDEN', '__proto__'],
    ['{"a":{"constructor":{"prototype":{}}}}', 'KEY_FORBIDDEN', 'a.constructor'],
    ['{"prototype":1}', 'KEY_FORBIDDEN', 'prototype'],
    ['{"a":{"b":"x\\u0000y"}}', 'TEXT_NUL', 'a.b'],
    ['"\\u0000"', 'TEXT_NUL', '(the document)'],
    ['{"a\\u0000":1}', 'TEXT_NUL', '(the document)'],
    ['["\\ud800"]', 'TEXT_INVALID_UNICODE', '[0]'],
    ['["\\udc00"]', 'TEXT_INVALID_UNICODE', '[0]'],
    ['["\ud800"]', 'TEXT_INVALID_UNICODE', '[0]'],
    ['{"amount":1e400}', 'NUMBER_INVALID', 'amount'],
    ['[0,-1e999]', 'NUMBER_INVALID', '[1]'],
    ['{"id":9007199254740993}', 'ID_MUST_BE_STRING', 'id'],
    ['-9007199254740993', 'ID_MUST_BE_STRING', '(the document)'],
  ])('%j is %s at %s', (text, code, path) => {
    expect(problemWith(text)).toEqual({ code, path });
  });

  it.each([33, 20_000])('%i levels are too deep, and do not overflow the stack', (levels) => {
    expect(problemWith(nested(levels))).toEqual({ code: 'JSON_TOO_DEEP', path: undefined });
  });
});

describe('good JSON is parsed as JSON.parse does', () => {
  it.each([
    nested(32),
    ' { "a" : [ 1 , 2.5e-3 , { } , [ ] , null , true , false ] , "b" : "x" }\r\n\t',
    '{"a":1,"A":2,"b":{"a":3}}',
    '"a \\"quoted\\" \\\\ \\u00e9 \\ud83d\\ude00 😀"',
    '{"text":"[[[[{{{{ \\" ]"}',
    '9007199254740991',
    '12345678901234567890.5',
    '-0',
  ])('%s', (text) => {
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });

  it('brackets inside strings do not count as depth', () => {
    const text = '{"a":"[[[[\\"[[[","b":[1]}';
    expect([1, 2, 3, 4].map((most) => nestsDeeper(text, most))).toEqual([true, false, false, false]);
    expect(nestsDeeper('{"a":1}', 1)).toBe(false); // not as many brackets
  });

  it('a string that never ends hides the rest from the depth', () => {
    expect([0, 1].map((most) => nestsDeeper('["abc[[[[', most))).toEqual([true, false]);
  });
});

describe('text is checked through its escapes', () => {
  it.each([
    ['plain', undefined],
    ['a\\nb\\\\u0000', undefined],
    ['\\ud83d\\ude00', undefined],
    ['\\ud83d\\ude00\\n\\u0041', undefined],
    ['\\u0000', 'TEXT_NUL'],
    ['\\ud83d', 'TEXT_INVALID_UNICODE'],
    ['\\ude00\\ud83d', 'TEXT_INVALID_UNICODE'],
    ['\\ud83d\\ud83d\\ude00', 'TEXT_INVALID_UNICODE'],
    ['\\ud83dx\\ude00', 'TEXT_INVALID_UNICODE'],
    ['\\ud83dx\\n', 'TEXT_INVALID_UNICODE'],
    ['\udc00', 'TEXT_INVALID_UNICODE'],
  ])('%j: %s', (raw, problem) => {
    expect(textProblem(raw)).toBe(problem);
  });

  it('what cannot be stored is replaced, the rest stays', () => {
    expect(storable('a\u0000b\ud800c😀')).toBe('a\ufffdb\ufffdc😀');
  });
});

describe('random documents', () => {
  const rounds = Array.from({ length: 300 }, (_, seed) => seed + 1);

  it('a clean one is accepted, with the value that JSON.parse gives', () => {
    for (const seed of rounds) {
      const text = document(randomFrom(seed));
      expect(parseJson(text), `seed ${seed}`).toEqual(JSON.parse(text));
    }
  });

  it('one with a key twice in one of its objects is refused', () => {
    for (const seed of rounds) {
      const random = randomFrom(seed);
      const text = `{"twin":${document(random)},"other":{"twin":1},"twin":${document(random)}}`;
      const path = pick(random, ['a', 'b.c', 'd.e.f']);
      const wrapped = path.split('.').reduceRight((inner, key) => `{"${key}" : ${inner}}`, text);
      expect(problemWith(wrapped), `seed ${seed}`).toEqual({ code: 'JSON_DUPLICATE_KEY', path: `${path}.twin` });
    }
  });

  it('a damaged one is refused as invalid exactly where JSON.parse refuses it', () => {
    let refused = 0;
    for (const seed of rounds) {
      const random = randomFrom(seed);
      const whole = document(random);
      const at = Math.floor(random() * whole.length);
      const damaged = whole.slice(0, at) + pick(random, ['', ',', ']', '}', '"', 'x', ':']) + whole.slice(at + 1);
      if (isJson(damaged)) continue;
      refused++;
      expect(problemWith(damaged).code, `seed ${seed}: ${damaged}`).toBe('JSON_INVALID');
    }
    expect(refused).toBeGreaterThan(100);
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed * 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const pick = <T>(random: () => number, choices: readonly T[]): T => choices[Math.floor(random() * choices.length)]!;

/** A random document without anything that the guards refuse, with random white space. */
function document(random: () => number, depth = 0): string {
  const space = () => pick(random, ['', '', ' ', '\n', '\t ', '\r\n']);
  const size = Math.floor(random() * 4);
  const kind = depth < 5 ? random() : random() / 2;
  if (kind < 0.2) return pick(random, ['0', '-1', '3.25', '1e3', '-2.5E-4', '9007199254740991']);
  if (kind < 0.3) return pick(random, ['true', 'false', 'null']);
  if (kind < 0.5)
    return pick(random, ['""', '"a b"', '"\\u00e9\\n"', '"\\ud83d\\ude00"', '"]}{["', '"\\\\\\""', '"日本"']);
  const parts = Array.from({ length: size }, (_, index) => {
    const value = space() + document(random, depth + 1) + space();
    return kind < 0.75 ? value : `${space()}"k${index}"${space()}:${value}`;
  }).join(',');
  return kind < 0.75 ? `[${parts}${space()}]` : `{${parts}${space()}}`;
}
