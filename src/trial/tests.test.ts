import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packFiles, packOf } from '../testing/packs.js';
import { runTests } from './tests.js';

const FILES = {
  'triage.yaml': `triage:
  - name: big
    when: exception.fields.amount > 100
    set: { category: settlement, severity: high, owner: rates }
  - name: rest
    set: { category: other }
`,
  'policies.yaml': 'default: { effect: allow }\n',
  'playbooks/repair.yaml': `playbook: repair
when: triage.category == 'settlement'
steps:
  - { id: look, use: http.request, with: { method: GET, url: "https://x.test/" } }
  - { id: ok, approve: { from: [group:desk] } }
`,
  'sources.yaml': `sources:
  trades: { kind: json, map: { type: "\${{ item.kind }}", fields: { amount: "\${{ item.a }}" } } }
`,
  'samples/big.json': '{ "type": "FAIL", "fields": { "amount": 500 } }',
  'samples/two.json': '[{ "kind": "A", "a": 1 }, { "kind": "B", "a": 500 }]',
  'samples/bad.json': '{ "type": ',
  'samples/none.json': '{ "title": "x" }',
};
const run = (test: string, files = {}) => {
  const all = { ...FILES, ...files, 'tests/t.yaml': test };
  return runTests(packOf(all), packFiles(all))[0];
};

describe('a test of a pack', () => {
  it('passes where every word that it expects was decided', () => {
    const test = `description: a big one
input: samples/big.json
given: { steps.look: { status: 200 }, steps.ok: approved }
expect:
  exception: { type: FAIL, fields: { amount: 500 } }
  triage: { category: settlement, severity: high, owner: rates }
  policy: { effect: allow }
  playbook: repair
  steps: [look, ok]
  calls: [http.request]
  approvals: [{ from: [ann, bob], decision: approved }]
  status: RESOLVED
  outcome: resolved
  waitsFor: null
  problem: null
`;
    expect(run(test)).toEqual({
      ...{ file: 'tests/t.yaml', description: 'a big one', passed: true, differences: [], problem: null },
    });
  });

  it('tells each word that was decided otherwise, with the place where it is expected', () => {
    const test = `input: samples/big.json
expect:
  triage: { category: other, desk: x }
  steps: [look]
  playbook: mend
  waitsFor: steps.ok
  status: RESOLVED
`;
    expect(run(test)?.differences).toEqual([
      { path: 'triage.category', place: 'tests/t.yaml:3:23', expected: 'other', decided: 'settlement' },
      { path: 'triage.desk', place: 'tests/t.yaml:3:36', expected: 'x', decided: null },
      { path: 'playbook', place: 'tests/t.yaml:5:13', expected: 'mend', decided: 'repair' },
      { path: 'status', place: 'tests/t.yaml:7:11', expected: 'RESOLVED', decided: 'RUNNING' },
      { path: 'waitsFor', place: 'tests/t.yaml:6:13', expected: 'steps.ok', decided: 'steps.look' },
    ]);
  });

  it('of an input with several exceptions expects a list', () => {
    const list = (second: string) =>
      run(
        `input: samples/two.json\nsource: trades\nexpect: [{ triage: { category: other } }, { triage: { category: ${second} } }]`,
      );
    expect(list('settlement')?.passed).toBe(true);
    expect(list('other')?.differences).toMatchObject([{ path: '[1].triage.category', place: 'tests/t.yaml:3:65' }]);
    const single = run('input: samples/two.json\nsource: trades\nexpect: { triage: { category: other } }');
    expect(single?.differences).toEqual([{ path: 'cases', place: 'tests/t.yaml:3:9', expected: 1, decided: 2 }]);
    const long = run('input: samples/big.json\nexpect: [{}, {}]');
    expect(long?.differences).toMatchObject([{ path: 'cases', expected: 2, decided: 1 }]);
  });

  it('may expect that its input is refused', () => {
    const refused = run('input: samples/none.json\nexpect: { problem: FIELD_MISSING }');
    expect(refused?.differences).toEqual([]);
  });

  it('that cannot be run says why, and where', () => {
    const problem = (test: string) => run(test)?.problem;
    expect(problem('input: samples/bad.json\nexpect: {}')).toMatchObject({ path: 'tests/t.yaml:1:8' });
    expect(problem('input: samples/big.json\ngiven: { steps.lok: {} }\nexpect: {}')).toMatchObject({
      code: 'GIVEN_UNKNOWN',
      path: 'tests/t.yaml:2:21',
      hint: 'Did you mean `look`?',
    });
    expect(
      problem(
        'input: samples/big.json\ngiven: { steps.look: {}, steps.ok: { decision: approved, by: [eve] } }\nexpect: {}',
      ),
    ).toMatchObject({ code: 'GIVEN_INVALID', path: 'tests/t.yaml:2:36' });
  });
});

const PACKS = join(import.meta.dirname, '../../packs');
it.each(readdirSync(PACKS))('the tests of the pack %s pass', (name) => {
  const folder = join(PACKS, name);
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const files = new Map(
    entries
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]),
  );
  const results = runTests(packOf(Object.fromEntries(files)), files);
  expect(results.length).toBeGreaterThan(0);
  expect(results.filter(({ passed }) => !passed)).toEqual([]);
});
