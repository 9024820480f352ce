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

  it('knows incidents: who leads one, who belongs to it, and how it ended for them', () => {
    const files = {
      'sources.yaml': `sources:
  trades: { kind: json, map: { type: "\${{ item.kind }}", entity: "\${{ item.id }}", fields: { desk: "\${{ item.desk }}" } } }
correlate: [{ name: one a desk, when: exception.type == 'FAIL', by: [exception.fields.desk], window: 5m, min: 2, run: parent }]
`,
      'samples/two.json': `[${['rates', 'rates', 'fx'].map((desk, i) => `{ "kind": "FAIL", "id": "T-${i}", "desk": "${desk}" }`)}, { "kind": "B" }]`,
      'triage.yaml': `triage:
  - { name: incidents, when: exception.type == 'Incident', set: { category: incident } }
  - { name: rest, set: { category: other } }
`,
      'playbooks/repair.yaml': `playbook: repair
when: triage.category == 'incident'
steps: [{ id: ok, approve: { from: [group:desk] } }]
`,
    };
    const expected = (end: string) => `input: samples/two.json
source: trades
given: { ${end} }
expect:
  - { incident: { role: member, rule: one a desk, members: 2, end: ${end === '' ? 'null' : 'resolved'} } }
  - { incident: { role: member, members: 2 } }
  - { incident: { role: parent, rule: one a desk, members: 2, end: null } }
  - { incident: { role: member, members: 0, end: alone }, triage: { category: other } }
  - { incident: null }
`;
    expect(run(expected('steps.ok: approved'), files)?.differences).toEqual([]);
    const wrong = expected('').replace('role: parent', 'role: member');
    expect(run(wrong, files)?.differences).toEqual([
      { path: '[2].incident.role', place: 'tests/t.yaml:7:25', expected: 'member', decided: 'parent' },
    ]);
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
