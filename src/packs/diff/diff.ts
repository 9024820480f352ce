/** What one version of a pack changes in another: by rule, policy, playbook and tool, and as text. */
import { isDeepStrictEqual } from 'node:util';
import { editsBetween, unifiedDiff } from './lines.js';
import { isMap, type Part, partsOf } from './parts.js';

export interface PackDiff {
  readonly parts: readonly PartChange[];
  readonly files: readonly FileChange[];
}

export interface PartChange {
  readonly change: 'added' | 'removed' | 'changed' | 'moved'; // moved: its order among the others is another one
  readonly kind: string; // rule, policy, playbook, tool, source, table …
  readonly name: string;
  readonly file: string;
  readonly words: readonly WordChange[]; // of what changed
}

/** One word of a part, before and after; undefined where it did not or does not stand. */
export interface WordChange {
  readonly word: string; // `when`, or of a playbook `steps.fix.with`
  readonly from?: unknown;
  readonly to?: unknown;
}

export interface FileChange {
  readonly file: string;
  readonly change: 'added' | 'removed' | 'changed';
  readonly unified: string; // as `diff -u` writes it
}

type Files = ReadonlyMap<string, string>;

export function diffPacks(from: Files, to: Files): PackDiff {
  return { parts: diffParts(partsOf(from), partsOf(to)), files: diffFiles(from, to) };
}

function diffFiles(from: Files, to: Files): readonly FileChange[] {
  return [...new Set([...from.keys(), ...to.keys()])].sort().flatMap((file): FileChange[] => {
    const [before, after] = [from.get(file), to.get(file)];
    if (before === after) return [];
    const change = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed';
    return [{ file, change, unified: unifiedDiff(before ?? '', after ?? '') }];
  });
}

const keyOf = ({ kind, name }: Part): string => `${kind} ${name}`;
const byKey = (parts: readonly Part[]): ReadonlyMap<string, Part> => new Map(parts.map((part) => [keyOf(part), part]));

function diffParts(from: readonly Part[], to: readonly Part[]): readonly PartChange[] {
  const [before, after] = [byKey(from), byKey(to)];
  const moved = movedBetween([...before.keys()], [...after.keys()]);
  const told = (part: Part, change: PartChange['change'], words: readonly WordChange[] = []): PartChange => {
    const { kind, name, file } = part;
    return { change, kind, name, file, words };
  };
  const removed = [...before].filter(([key]) => !after.has(key)).map(([, part]) => told(part, 'removed'));
  const others = [...after].flatMap(([key, part]): PartChange[] => {
    const old = before.get(key);
    if (old === undefined) return [told(part, 'added')];
    if (!isDeepStrictEqual(old.value, part.value)) return [told(part, 'changed', diffWords('', old.value, part.value))];
    return moved.has(key) ? [told(part, 'moved')] : [];
  });
  return [...removed, ...others];
}

/** Order matters between rules only; of the least that has to move to get from one order to the other. */
function movedBetween(before: readonly string[], after: readonly string[]): ReadonlySet<string> {
  const [known, kept] = [new Set(before), new Set(after)];
  const isRule = (key: string) => key.startsWith('rule ');
  const edits = editsBetween(
    before.filter((key) => isRule(key) && kept.has(key)),
    after.filter((key) => isRule(key) && known.has(key)),
  );
  return new Set(edits.filter(({ op }) => op === 'added').map(({ text }) => text));
}

/** Maps are compared word by word, lists of steps by their ids; anything else is one value. */
function diffWords(word: string, from: unknown, to: unknown): readonly WordChange[] {
  if (isDeepStrictEqual(from, to)) return [];
  const [before, after] = [wordsOf(from), wordsOf(to)];
  if (before === undefined || after === undefined || word.split('.').length > 2) return [changeOf(word, from, to)];
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
    diffWords(word === '' ? key : `${word}.${key}`, before[key], after[key]),
  );
}

function changeOf(word: string, from: unknown, to: unknown): WordChange {
  return { word, ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}

function wordsOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (isMap(value)) return value;
  if (!Array.isArray(value) || !value.every((one) => isMap(one) && typeof one.id === 'string')) return undefined;
  return Object.fromEntries(value.map((one: { readonly id: string }) => [one.id, one]));
}
