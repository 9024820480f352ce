/** Packs that somebody will push one day: each is told with a code and a place, none takes long or brings a process down. */
import { describe, expect, it } from 'vitest';
import { codesOf, problemsOf } from '../testing/packs.js';

const rule = (when: string) => ({
  'triage.yaml': `triage:\n  - name: a\n    when: ${JSON.stringify(when)}\n    set: { category: x }\n`,
});
const policies = (text: string) => ({ 'policies.yaml': text });
const step = (text: string) => ({ 'playbooks/p.yaml': `playbook: p\nsteps:\n  - ${text}\n` });

describe('bad packs', () => {
  it.each<[string, Record<string, string>, string]>([
    ['a tab as indent', { 'triage.yaml': 'triage:\n\t- name: a\n' }, 'YAML_SYNTAX'],
    ['two documents', { 'triage.yaml': 'triage: []\n---\ntriage: []\n' }, 'YAML_SYNTAX'],
    [
      'a billion laughs',
      {
        'triage.yaml': `a: &a [1, 1]\n${['b', 'c', 'd', 'e', 'f', 'g', 'h']
          .map(
            (name, i) =>
              `${name}: &${name} [${Array(9)
                .fill(`*${'abcdefg'.charAt(i)}`)
                .join(', ')}]\n`,
          )
          .join('')}`,
      },
      'YAML_ALIAS_LIMIT',
    ],
    ['a function', { 'triage.yaml': 'triage: !!js/function "x"\n' }, 'YAML_TAG'],
    ['lists in lists', { 'triage.yaml': `triage: ${'['.repeat(5_000)}1${']'.repeat(5_000)}` }, 'YAML_TOO_DEEP'],
    ['maps in maps', { 'triage.yaml': `triage: ${'{a: '.repeat(150)}1${'}'.repeat(150)}` }, 'YAML_TOO_DEEP'],
    ['a key of another object', { 'triage.yaml': '__proto__: 1\n' }, 'KEY_FORBIDDEN'],
    ['a misspelt block', step('{ id: a, use: http.requets }'), 'BLOCK_UNKNOWN'],
    ['a missing parameter', step('{ id: a, use: http.request }'), 'PARAM_MISSING'],
    ['a parameter that is none', step('{ id: a, use: fs.get, with: { path: x, paht: y } }'), 'PARAM_UNKNOWN'],
    ['a parameter of another type', step('{ id: a, use: fs.get, with: { path: 1 } }'), 'PARAM_TYPE'],
    ['a secret written out', { 'tools.yaml': '# sk_live_abcdefghijklmnopqrstuvwx\n' }, 'SECRET_INLINE'],
    ['the constructor', rule('exception.constructor == 1'), 'EXPR_FORBIDDEN_NAME'],
    ['the prototype', rule('exception.__proto__ == null'), 'EXPR_FORBIDDEN_NAME'],
    ['a hundred brackets', rule(`${'('.repeat(100)}true${')'.repeat(100)}`), 'EXPR_TOO_DEEP'],
    ['1/0', rule('1/0 == 1'), 'EXPR_DIV_ZERO'],
    ['an unknown variable', rule('exeption.type == "x"'), 'EXPR_UNKNOWN'],
    ['text below a number', rule('exception.type < 1'), 'EXPR_TYPE'],
    ['a pattern of the other kind', rule('exception.title.matches("(a+)+$")'), 'EXPR_MATCHES'],
    ['an unknown table', rule('lookup("owner", "a").desk == "x"'), 'TABLE_UNKNOWN'],
    [
      'a column that the table has not',
      { ...rule('lookup("owners", "a").desk == "x"'), 'tables/owners.csv': 'customer,owner\nC-1,ann\n' },
      'COLUMN_UNKNOWN',
    ],
    ['a row without a column', { 'tables/owners.csv': 'customer,owner\nC-1\n' }, 'TABLE_ROW'],
    ['no default', policies('policies: []\n'), 'POLICY_NO_DEFAULT'],
    ['text of 3 MB', { 'triage.yaml': `# ${'x'.repeat(3_000_000)}` }, 'PACK_TOO_LARGE'],
  ])('%s is told', (_, files, code) => {
    const problems = problemsOf(files);
    expect(problems.map((problem) => problem.code)).toContain(code);
    for (const { line, column, message } of problems) {
      expect(line).toBeGreaterThan(0);
      expect(column).toBeGreaterThan(0);
      expect(message).not.toBe('');
    }
  });

  it('ten thousand rules are no problem, one more is', () => {
    const rules = (count: number) => ({
      'triage.yaml': `triage:\n${Array.from({ length: count }, (_, i) => `  - { name: r${i}, when: exception.type == 'T${i}', set: {} }\n`).join('')}`,
    });
    expect(codesOf(rules(10_000))).toEqual([]);
    expect(codesOf(rules(10_001))).toEqual(['triage.yaml:2:3 TOO_MANY']);
  });
});
