/** What a pack is made of, as people speak of it: rules, policies, playbooks, tools … by name, whatever compiles or not. */
import { createReport } from '../problems.js';
import { readYaml } from '../yaml.js';

export interface Part {
  readonly kind: string; // rule, policy, playbook, tool …
  readonly name: string;
  readonly file: string;
  readonly value: unknown; // plain JSON
}

/** What one of a list or map is called; the word itself where it is not here. */
const ONE_OF = new Map([
  ['triage', 'rule'],
  ['policies', 'policy'],
  ['sources', 'source'],
  ['connections', 'connection'],
  ['tools', 'tool'],
  ['schedules', 'schedule'],
  ['groups', 'group'],
  ['people', 'person'],
]);

/** The parts of these files, in their order. A file that is no YAML, or cannot be read, is one part. */
export function partsOf(files: ReadonlyMap<string, string>): readonly Part[] {
  return [...files].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([file, text]) => partsIn(file, text));
}

function partsIn(file: string, text: string): readonly Part[] {
  const folder = /^(table|sample|test)s\/(.+)$/.exec(file);
  if (folder !== null) return [{ kind: folder[1] as string, name: folder[2] as string, file, value: text }];
  const value = file.endsWith('.yaml') ? readYaml(file, text, createReport())?.value : undefined;
  if (!isMap(value)) return [{ kind: 'file', name: file, file, value: text }];
  if (file.startsWith('playbooks/')) {
    return [{ kind: 'playbook', name: String(value.playbook ?? file), file, value }];
  }
  return Object.entries(value).flatMap(([word, inner]) => partsUnder(file, word, inner));
}

function partsUnder(file: string, word: string, value: unknown): readonly Part[] {
  const kind = ONE_OF.get(word) ?? word;
  if (Array.isArray(value) && value.every(isMap)) {
    return value.map((one, index) => ({ kind, name: String(one.name ?? index + 1), file, value: one }));
  }
  if (ONE_OF.has(word) && isMap(value)) {
    return Object.entries(value).map(([name, one]) => ({ kind, name, file, value: one }));
  }
  return [{ kind: 'setting', name: word, file, value }];
}

interface Words {
  readonly [word: string]: unknown;
  readonly playbook?: unknown;
  readonly name?: unknown;
  readonly id?: unknown;
}

export const isMap = (value: unknown): value is Words =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
