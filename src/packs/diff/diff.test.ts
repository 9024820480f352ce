import { describe, expect, it } from 'vitest';
import { diffPacks } from './diff.js';
import { editsBetween, unifiedDiff } from './lines.js';

const pack = (files: Readonly<Record<string, string>>) => new Map(Object.entries(files));
const said = (from: Readonly<Record<string, string>>, to: Readonly<Record<string, string>>) =>
  diffPacks(pack(from), pack(to)).parts.map(({ change, kind, name, words }) =>
    [change, kind, name, ...words.map(({ word }) => word)].join(' '),
  );
const triage = (...rules: string[]) => ({ 'triage.yaml': `triage:\n${rules.map((rule) => `  - ${rule}\n`).join('')}` });

describe('what changed, as people speak of it', () => {
  it('rules are told by name: added, removed, changed with the words that changed, moved', () => {
    const from = triage('{ name: a, when: x == 1 }', '{ name: b }', '{ name: c, set: { owner: x } }', '{ name: d }');
    const to = triage('{ name: d }', '{ name: a, when: x == 2 }', '{ name: c, set: { team: x } }', '{ name: e }');
    expect(said(from, to)).toEqual([
      'removed rule b',
      'moved rule d',
      'changed rule a when',
      'changed rule c set.owner set.team',
      'added rule e',
    ]);
  });

  it('a changed word shows both values', () => {
    const from = triage('{ name: a, when: x == 1, continue: true }');
    const to = triage('{ name: a, when: x == 2, set: { owner: y } }');
    expect(diffPacks(pack(from), pack(to)).parts[0]?.words).toEqual([
      { word: 'when', from: 'x == 1', to: 'x == 2' },
      { word: 'continue', from: true },
      { word: 'set', to: { owner: 'y' } },
    ]);
  });

  it('steps of a playbook are told by id, and those without one as a whole', () => {
    const playbook = (...steps: string[]) => ({
      'playbooks/p.yaml': `playbook: repair\nsteps:\n${steps.map((step) => `  - ${step}\n`).join('')}`,
    });
    const from = playbook('{ id: look, use: a.get, with: { id: { deep: 1 } } }', '{ id: fix, use: a.put }');
    const to = playbook('{ id: look, use: a.get, with: { id: { deep: 2 } } }', '{ id: tell, use: a.say }');
    expect(said(from, to)).toEqual(['changed playbook repair steps.look.with steps.fix steps.tell']);
    expect(said(from, playbook('{ use: a.get }'))).toEqual(['changed playbook repair steps']);
    expect(said({ 'playbooks/x.yaml': 'steps: []\n' }, {})).toEqual(['removed playbook playbooks/x.yaml']);
  });

  it('tools, connections, sources, groups, tables, samples, tests, settings and other files are told', () => {
    const from = {
      'pack.yaml': 'name: a\ngroups: { desk: [ann] }\n',
      'tools.yaml': 'connections: { c: { kind: http } }\ntools: { t: { use: x } }\n',
      'sources.yaml': 'sources: { s: { kind: json } }\nhold: [{ for: 1m }]\n',
      'policies.yaml': 'default: { effect: deny }\npolicies: [{ name: p }]\n',
      'tables/owners.csv': 'a,b\n1,2\n',
      'samples/x.json': '{}',
      'tests/x.yaml': 'input: samples/x.json\n',
      'README.md': 'one',
    };
    const to = {
      'pack.yaml': 'name: b\ngroups: { desk: [bob] }\n',
      'tools.yaml': 'connections: { c: { kind: sql } }\ntools: { t: { use: y } }\n',
      'sources.yaml': 'sources: { s: { kind: kafka } }\nhold: [{ for: 2m }]\n',
      'policies.yaml': 'default: { effect: allow }\npolicies: [{ name: q }]\n',
      'tables/owners.csv': 'a,b\n1,3\n',
      'samples/x.json': '[]',
      'tests/x.yaml': 'input: samples/y.json\n',
      'README.md': 'two',
    };
    expect(said(from, to)).toEqual([
      'removed policy p',
      'changed file README.md ',
      'changed setting name ',
      'changed group desk ',
      'changed setting default effect',
      'added policy q',
      'changed sample x.json ',
      'changed source s kind',
      'changed hold 1 for',
      'changed table owners.csv ',
      'changed test x.yaml ',
      'changed connection c kind',
      'changed tool t use',
    ]);
  });

  it('equal packs have no difference, and YAML that cannot be read is compared as text', () => {
    const files = { ...triage('{ name: a }'), 'pack.yaml': 'name: [' };
    expect(diffPacks(pack(files), pack(files))).toEqual({ parts: [], files: [] });
    expect(said(files, { ...files, 'pack.yaml': 'name: ]' })).toEqual(['changed file pack.yaml ']);
  });
});

describe('the text', () => {
  it('a changed file is told with three lines around each change', () => {
    const lines = Array.from({ length: 20 }, (_, i) => `line ${i + 1}`);
    const other = lines.map((line, i) => (i === 1 ? 'changed' : line)).filter((_, i) => i !== 15);
    expect(unifiedDiff(`${lines.join('\n')}\n`, `${other.join('\n')}\n`)).toBe(
      [
        ...['@@ -1,5 +1,5 @@', ' line 1', '-line 2', '+changed', ' line 3', ' line 4', ' line 5'],
        ...['@@ -13,7 +13,6 @@', ' line 13', ' line 14', ' line 15', '-line 16', ' line 17', ' line 18', ' line 19'],
      ].join('\n'),
    );
  });

  it('files that came and went are told whole', () => {
    const { files } = diffPacks(pack({ 'a.md': 'x\ny\n' }), pack({ 'b.md': 'z' }));
    expect(files).toEqual([
      { file: 'a.md', change: 'removed', unified: '@@ -1,2 +0,0 @@\n-x\n-y' },
      { file: 'b.md', change: 'added', unified: '@@ -0,0 +1,1 @@\n+z\n\\ No newline at end of file' },
    ]);
    expect(unifiedDiff('same', 'same')).toBe('');
    expect(unifiedDiff('a\nb', 'a\nb\n')).toBe('@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b');
  });

  it('whatever two lists hold, the edits make one from the other, and with the fewest changes', () => {
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    for (let round = 0; round < 500; round++) {
      const list = () => Array.from({ length: random(9) }, () => 'abc'.charAt(random(3)));
      const [from, to] = [list(), list()];
      const edits = editsBetween(from, to);
      const side = (op: string) => edits.filter((edit) => edit.op === 'same' || edit.op === op).map(({ text }) => text);
      expect([side('removed'), side('added')]).toEqual([from, to]);
      expect(edits.filter(({ op }) => op === 'same')).toHaveLength(commonLength(from, to));
    }
  });

  it('lists with nothing in common are not compared for ever', () => {
    const from = Array.from({ length: 3_000 }, (_, i) => `a${i}`);
    const edits = editsBetween(
      from,
      from.map((text) => `b${text}`),
    );
    expect(edits).toHaveLength(6_000);
  });
});

/** The length of the longest common subsequence, by the table that every textbook has. */
function commonLength(a: readonly string[], b: readonly string[]): number {
  const rows = [Array.from({ length: b.length + 1 }, () => 0)];
  for (const [i, one] of a.entries()) {
    const row = [0];
    for (const [j, other] of b.entries()) {
      row.push(one === other ? rows[i]![j]! + 1 : Math.max(rows[i]![j + 1]!, row[j]!));
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
