import { describe, expect, it } from 'vitest';
import { codesOf, packOf, problemsOf } from '../testing/packs.js';
import { testPlace } from './tests.js';

const SAMPLE = { 'samples/a.json': '{ "type": "X" }' };

describe('the tests of a pack', () => {
  it('are read with what they give and expect', () => {
    const [one, two] = packOf({
      ...SAMPLE,
      'tests/one.yaml': 'input: samples/a.json\nexpect: { playbook: null }\n',
      'tests/two.yaml': [
        'description: the third time',
        'input: samples/a.json',
        'source: generic',
        'headers: { X-Id: "1" }',
        'now: 2026-11-20T10:00:00Z',
        'seen: { count: 3 }',
        'given: { steps.look: { amount: 1 } }',
        'expect:',
        '  - { triage: { category: x } }',
      ].join('\n'),
    }).tests;
    expect(one).toMatchObject({ file: 'tests/one.yaml', description: null, source: 'generic', now: null, given: {} });
    expect(one?.expect).toEqual({ playbook: null });
    expect(two).toMatchObject({
      description: 'the third time',
      headers: { 'x-id': '1' },
      now: Date.UTC(2026, 10, 20, 10),
      given: { 'seen.count': 3, 'steps.look': { amount: 1 } },
      expect: [{ triage: { category: 'x' } }],
    });
    expect(two && testPlace(two, ['expect', 0, 'triage'])).toBe('tests/two.yaml:9:15');
  });

  it.each([
    ['expect: {}', ['1:1 FIELD_MISSING']],
    ['input: samples/b.json\nexpect: {}', ['1:8 SAMPLE_UNKNOWN']],
    ['input: samples/a.json\nsource: trade\nexpect: {}', ['2:9 SOURCE_UNKNOWN']],
    ['input: samples/a.json\nnow: yesterday\nexpect: {}', ['2:6 TIME_INVALID']],
    ['input: samples/a.json\nexpects: {}', ['1:1 FIELD_MISSING', '2:1 FIELD_UNKNOWN']],
    ['input: samples/a.json\nexpect: { triag: {} }', ['2:11 FIELD_UNKNOWN']],
    ['input: samples/a.json\nexpect: [{}, { status: CLOSED }]', ['2:24 VALUE_UNKNOWN']],
    ['input: samples/a.json\nseen: { count: 0 }\nexpect: {}', ['2:16 VALUE_INVALID']],
    ['- 1', ['1:1 VALUE_TYPE', '1:1 FIELD_MISSING']],
    ['input: [', ['1:9 YAML_SYNTAX']],
  ])('%j is told: %j', (text, codes) => {
    expect(codesOf({ ...SAMPLE, 'tests/a.yaml': text })).toEqual(codes.map((code) => `tests/a.yaml:${code}`));
  });

  it('a misspelt sample is told what was meant', () => {
    const files = { ...SAMPLE, 'tests/a.yaml': 'input: samples/aa.json\nexpect: {}\n' };
    expect(problemsOf(files)[0]?.hint).toBe('Did you mean `samples/a.json`?');
  });
});
