import { describe, expect, it } from 'vitest';
import { codesOf, packOf, problemsOf } from '../testing/packs.js';

describe('pack.yaml', () => {
  it('the name alone is enough', () => {
    const pack = packOf({ 'pack.yaml': 'name: acme' });
    expect(pack).toMatchObject({
      name: 'acme',
      description: '',
      limits: { itemsPerRequest: 1_000, stepsPerRun: 1_000, exceptionsPerMinute: null, openCases: null },
      retention: { closedMs: null },
    });
    expect(pack.severities.get('warning')).toBe('medium');
  });

  it('says what the words and numbers of its senders mean, who is there, what is allowed and what is kept', () => {
    const pack = packOf({
      'pack.yaml': `
name: acme
description: Trades
severities: { 1: critical, Warning: high }
people: { ann: { name: Ann, email: ann@example.com }, bob: {} }
groups: { desk: [ann, bob] }
limits: { itemsPerRequest: 10, stepsPerRun: 5, exceptionsPerMinute: 600, openCases: 50 }
retention: { closed: 90d }
`,
    });
    expect(['1', 'warning', 'p2'].map((word) => pack.severities.get(word))).toEqual(['critical', 'high', 'high']);
    expect(pack.people.get('ann')).toEqual({ name: 'Ann', email: 'ann@example.com' });
    expect(pack.people.get('bob')).toEqual({ name: 'bob', email: null });
    expect(pack.groups.get('desk')).toEqual(['ann', 'bob']);
    expect(pack.limits).toEqual({ itemsPerRequest: 10, stepsPerRun: 5, exceptionsPerMinute: 600, openCases: 50 });
    expect(pack.retention).toEqual({ closedMs: 7_776_000_000 });
    expect(packOf({ 'pack.yaml': 'name: acme\nlimits: {}' }).limits.stepsPerRun).toBe(1_000);
  });

  it.each([
    ['', 'pack.yaml:1:1 VALUE_TYPE'],
    ['- a', 'pack.yaml:1:1 VALUE_TYPE'],
    ['description: x', 'pack.yaml:1:1 FIELD_MISSING'],
    ['name: 5', 'pack.yaml:1:7 VALUE_TYPE'],
    ['name: Not A Name', 'pack.yaml:1:7 VALUE_INVALID'],
    ['name: a\nseverties: {}', 'pack.yaml:2:1 FIELD_UNKNOWN'],
    ['name: a\nseverities: { x: urgent }', 'pack.yaml:2:18 VALUE_UNKNOWN'],
    ['name: a\nlimits: { stepsPerRun: 0 }', 'pack.yaml:2:24 VALUE_INVALID'],
    ['name: a\nlimits: { itemsPerRequest: 1.5 }', 'pack.yaml:2:28 VALUE_TYPE'],
    ['name: a\nlimits: { openCases: 0 }', 'pack.yaml:2:22 VALUE_INVALID'],
    ['name: a\nlimits: { exceptionsPerMinute: 1h }', 'pack.yaml:2:32 VALUE_TYPE'],
    ['name: a\nretention: { closed: 1y1y }', 'pack.yaml:2:22 DURATION_INVALID'],
    ['name: a\nretention: { closed: 90 }', 'pack.yaml:2:22 VALUE_TYPE'],
    ['name: a\npeople: { ann: { email: nowhere } }', 'pack.yaml:2:25 VALUE_INVALID'],
    ['name: a\npeople: { ann: { mail: x } }', 'pack.yaml:2:18 FIELD_UNKNOWN'],
    ['name: a\npeople: { ann: {} }\ngroups: { desk: [an] }', 'pack.yaml:3:18 PERSON_UNKNOWN'],
    ['name: a\ngroups: { desk: [[]] }', 'pack.yaml:2:18 VALUE_TYPE'],
  ])('%j → %s', (text, code) => {
    expect(codesOf({ 'pack.yaml': text })).toEqual([code]);
  });

  it('a misspelt word comes with the word that was meant', () => {
    expect(problemsOf({ 'pack.yaml': 'name: a\nseverties: {}' })[0]).toEqual({
      code: 'FIELD_UNKNOWN',
      message: 'Unknown word `severties`.',
      hint: 'Did you mean `severities`?',
      file: 'pack.yaml',
      line: 2,
      column: 1,
      path: 'pack.yaml:2:1',
    });
    expect(problemsOf({ 'pack.yaml': 'name: a\npeople: { ann: { mail: x } }' })[0]?.hint).toBe('Did you mean `email`?');
    expect(problemsOf({ 'pack.yaml': '5' })[0]?.message).toBe('the file must be a map, not a number.');
  });
});

describe('tables', () => {
  const table = (text: string) => packOf({ 'tables/owners.csv': text }).tables.get('owners');

  it('the first line names the columns, the first column is the key', () => {
    expect(table('cpty,desk\nACME,rates\n\nGLOBEX,fx\n')).toEqual({
      name: 'owners',
      columns: ['cpty', 'desk'],
      rows: new Map([
        ['ACME', { cpty: 'ACME', desk: 'rates' }],
        ['GLOBEX', { cpty: 'GLOBEX', desk: 'fx' }],
      ]),
      emptyRow: { cpty: '', desk: '' },
    });
  });
  it('quoted cells may hold commas, quotes and line ends; a byte order mark and CR LF do not matter', () => {
    expect(table('\uFEFFk, v\r\na,"x, ""y""\nz"\r\nb,it"s')?.rows).toEqual(
      new Map([
        ['a', { k: 'a', v: 'x, "y"\nz' }],
        ['b', { k: 'b', v: 'it"s' }],
      ]),
    );
  });
  it.each([
    ['', 'tables/owners.csv:1:1 TABLE_EMPTY'],
    ['k,v\na,1\na,2', 'tables/owners.csv:3:1 TABLE_DUPLICATE_KEY'],
    ['k,v\na,"1\n2"\nb', 'tables/owners.csv:4:1 TABLE_ROW'],
    ['k,k\na,1', 'tables/owners.csv:1:1 TABLE_COLUMN'],
    ['k,\na,1', 'tables/owners.csv:1:1 TABLE_COLUMN'],
    ['k,__proto__\na,1', 'tables/owners.csv:1:1 TABLE_COLUMN'],
    ['k,v\na,"open\n', 'tables/owners.csv:2:1 TABLE_SYNTAX'],
    [`k\n${Array.from({ length: 10_001 }, (_, i) => i).join('\n')}`, 'tables/owners.csv:1:1 TOO_MANY'],
  ])('a table that cannot be used is told with its line (%#)', (text, code) => {
    expect(codesOf({ 'tables/owners.csv': text })).toEqual([code]);
  });
});

describe('secrets written out', () => {
  it.each([
    `token: sk_live_${'a1'.repeat(8)}`,
    '-----BEGIN RSA PRIVATE KEY-----',
    'authorization: Bearer abcdefgh12345',
    'authorization: Basic dXNlcjpwYXNzd29yZA==',
    `key: AKIA${'A1B2'.repeat(4)}`,
    `key: ghp_${'a1'.repeat(12)}`,
    `key: xoxb-${'1'.repeat(12)}`,
    `key: sk-${'a1'.repeat(12)}`,
    `key: whsec_${'a1'.repeat(12)}`,
    `key: eyJhbGciOiJI.eyJzdWIiOiIx.${'a1'.repeat(8)}`,
    'dsn: postgres://ann:hunter2@db/x',
  ])('%s is refused and not repeated', (line) => {
    const problems = problemsOf({ 'pack.yaml': `name: a # ${line}` });
    expect(problems.map((problem) => problem.code)).toEqual(['SECRET_INLINE']);
    expect(JSON.stringify(problems)).not.toContain(line.slice(-8));
  });
  it.each([`authorization: Bearer \${{ token }}`, 'auth: secret://trades-token', 'see https://example.com/a:b@c'])(
    '%s is none',
    (line) => {
      expect(problemsOf({ 'pack.yaml': `name: a # ${line}` })).toEqual([]);
    },
  );
  it('in a table as well', () => {
    expect(codesOf({ 'tables/t.csv': 'k,v\na,postgres://ann:hunter2@db/x' })).toEqual([
      'tables/t.csv:2:3 SECRET_INLINE',
    ]);
  });
});
