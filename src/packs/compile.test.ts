import { describe, expect, it } from 'vitest';
import { codesOf, packFiles, packOf, problemsOf } from '../testing/packs.js';
import { compilePack } from './compile.js';

describe('a pack as a whole', () => {
  it('what is listed: samples and tests; other files are nobody’s business', () => {
    const pack = packOf({
      'samples/b.json': '{',
      'samples/a.json': '{}',
      'tests/t.yaml': 'input: samples/a.json\nexpect: {}',
      'README.md': '# hi',
    });
    expect(pack.samples).toEqual(['samples/a.json', 'samples/b.json']);
    expect(pack.tests.map(({ file }) => file)).toEqual(['tests/t.yaml']);
  });

  it('the hash names the content: not the order of files, not line ends, not the read-me', () => {
    const files = packFiles({ 'triage.yaml': 'triage: []\n', 'README.md': 'a' });
    const turned = new Map([...files].reverse().map(([name, text]) => [name, text.replaceAll('\n', '\r\n')]));
    turned.set('README.md', 'b');
    const { pack } = compilePack(files);
    expect(pack?.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(compilePack(turned).pack?.hash).toBe(pack?.hash);
    expect(packOf({ 'triage.yaml': 'triage: [ ]\n' }).hash).not.toBe(pack?.hash);
  });

  it.each<[Record<string, string | null>, string]>([
    [{ 'pack.yaml': null }, 'pack.yaml:1:1 PACK_MISSING'],
    [{ 'triages.yaml': '' }, 'triages.yaml:1:1 FILE_UNKNOWN'],
    [{ 'playbooks/deep/x.yaml': '' }, 'playbooks/deep/x.yaml:1:1 FILE_UNKNOWN'],
    [{ 'triage.yml': '' }, 'triage.yml:1:1 FILE_UNKNOWN'],
    [{ 'owners.csv': '' }, 'owners.csv:1:1 FILE_UNKNOWN'],
    [{ 'agents.yaml': '' }, 'agents.yaml:1:1 WORD_UNSUPPORTED'],
    [{ 'samples/../../x.json': '{}' }, 'samples/../../x.json:1:1 FILE_NAME'],
    [{ '/etc/x': '' }, '/etc/x:1:1 FILE_NAME'],
    [{ 'samples/a\nb.json': '' }, 'samples/a\nb.json:1:1 FILE_NAME'],
    [{ 'samples\\a.json': '' }, 'samples\\a.json:1:1 FILE_NAME'],
    [{ 'samples/x.json': 'one\nab\0' }, 'samples/x.json:2:3 TEXT_INVALID'],
    [{ 'samples/x.json': 'a\ud800' }, 'samples/x.json:1:2 TEXT_INVALID'],
    [{ 'policies.yaml': null }, 'policies.yaml:1:1 POLICY_NO_DEFAULT'],
    [{ 'tools.yaml': 'a: [' }, 'tools.yaml:1:5 YAML_SYNTAX'],
  ])('%j → %s', (files, code) => {
    expect(codesOf(files)[0]).toBe(code);
  });

  it.each([
    ['samples/big.json', 10_000_001],
    ['triage.yaml', 2_000_001],
  ])('%s of %i characters is not even looked at', (file, chars) => {
    expect(codesOf({ [file]: ' '.repeat(chars) })).toEqual(['pack.yaml:1:1 PACK_TOO_LARGE']);
  });

  it('a file of nothing but values is not read: that would take a second for each 100,000 of them', () => {
    const [problem, ...more] = problemsOf({ 'triage.yaml': `triage: [${'{a: [1,2]},'.repeat(110_000)}]` });
    expect([problem?.path, problem?.code, more]).toEqual(['triage.yaml:1:1', 'PACK_TOO_LARGE', []]);
    expect(codesOf({ 'triage.yaml': `# ${'a long comment '.repeat(30_000)}\ntriage: []` })).toEqual([]);
  });

  it('too many files are not even looked at', () => {
    const files = Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`samples/${i}.json`, '{}']));
    expect(codesOf(files)).toEqual(['pack.yaml:1:1 PACK_TOO_LARGE']);
  });

  it('every problem of every file is told at once, by file and line', () => {
    const codes = codesOf({
      'pack.yaml': 'name: a\nfoo: 1',
      'sources.yaml': 'sources: { s: { kind: jsn } }',
      'triage.yaml': 'triage:\n  - { name: a, when: excepton.type == 1, set: { severity: urgent } }\n  - { name: b }\n',
      'policies.yaml': 'policies: [{ name: p, when: "1 / 0 == 1", effect: alow }]',
      'tools.yaml': 'tools: { x: { use: http.requets } }',
      'playbooks/p.yaml': 'playbook: p\nsteps: [{ id: a, use: nope }]',
      'tables/t.csv': '',
    });
    expect(codes).toEqual([
      'pack.yaml:2:1 FIELD_UNKNOWN',
      'playbooks/p.yaml:2:23 TOOL_UNKNOWN',
      'policies.yaml:1:1 POLICY_NO_DEFAULT',
      'policies.yaml:1:30 EXPR_DIV_ZERO',
      'policies.yaml:1:51 VALUE_UNKNOWN',
      'sources.yaml:1:23 VALUE_UNKNOWN',
      'tables/t.csv:1:1 TABLE_EMPTY',
      'tools.yaml:1:20 BLOCK_UNKNOWN',
      'triage.yaml:2:22 EXPR_UNKNOWN',
      'triage.yaml:2:59 VALUE_INVALID',
      'triage.yaml:3:5 FIELD_MISSING',
    ]);
  });
});

describe('words of a later version are refused, never ignored', () => {
  const playbook = (step: string) => ({ 'playbooks/p.yaml': `playbook: p\nsteps: [${step}]` });
  it.each<Record<string, string>>([
    { 'policies.yaml': 'default: { effect: require_approval, approval: { from: [ann], delegate: bob } }' },
    { 'tools.yaml': 'tools: { a: { use: sql.query } }' },
    { 'tools.yaml': 'tools: { a: { use: fs.get, with: { path: x }, limit: {} } }' },
    { 'tools.yaml': 'connections: { a: { kind: sql, dsn: secret://x } }' },
    { 'tools.yaml': 'connections: { a: { kind: http, base: "https://x", breaker: default } }' },
    { 'playbooks/p.yaml': 'playbook: p\nkey: x\nsteps: [{ id: a, finish: {} }]' },
    { 'playbooks/p.yaml': 'playbook: p\nonError: undo\nsteps: [{ id: a, finish: {} }]' },
    playbook('{ id: a, finish: {}, onError: { goto: a } }'),
    playbook('{ id: a, use: ai.generate }'),
    ...['wait', 'ask', 'delay', 'parallel', 'forEach', 'switch', 'call', 'set'].map((word) =>
      playbook(`{ id: a, ${word}: {} }`),
    ),
    playbook('{ id: a, use: fs.get, with: { path: x }, undo: {} }'),
  ])('%j', (files) => {
    const problems = problemsOf(files);
    expect(problems.map((problem) => problem.code)).toEqual(['WORD_UNSUPPORTED']);
  });
});
