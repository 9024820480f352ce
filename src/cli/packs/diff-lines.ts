/** The difference between two packs as people read it. */
import type { PackDiff } from '../../packs/index.js';
import { colorsOf, type Io } from '../io.js';

const SIGN = { added: '+', removed: '-', changed: '~', moved: '↕' } as const;
const WIDEST = 100;

export function diffLines(io: Io, from: string, to: string, diff: PackDiff, withText: boolean): string[] {
  if (diff.files.length === 0) return [`${from} and ${to} are the same.`];
  const color = colorsOf(io);
  const paint = { added: color.green, removed: color.red, changed: color.yellow, moved: color.cyan };
  const parts = diff.parts.flatMap(({ change, kind, name, file, words }) => [
    `${paint[change](`${SIGN[change]} ${kind} ${name}`)}  ${color.dim(change === 'moved' ? `${file}, moved` : file)}`,
    ...words.flatMap(({ word, from: before, to: after }) => [
      ...(word === '' ? [] : [`    ${word}`]),
      ...(before === undefined ? [] : [color.red(`      - ${shown(before)}`)]),
      ...(after === undefined ? [] : [color.green(`      + ${shown(after)}`)]),
    ]),
  ]);
  const counted = diff.parts.length === 0 ? ['Only comments and spaces differ.'] : parts;
  const texts = diff.files.flatMap(({ file, change, unified }) => [
    '',
    color.bold(`--- ${change === 'added' ? NO_FILE : inside(from, file)}`),
    color.bold(`+++ ${change === 'removed' ? NO_FILE : inside(to, file)}`),
    ...unified.split('\n').map((line) => paintLine(io, line)),
  ]);
  return [`${from} → ${to}`, '', ...counted, ...(withText ? texts : [])];
}

/** As `patch -p1` reads it: one part before the name, without spaces; a name that has some ends with a tab. */
function inside(side: string, file: string): string {
  const part = side.split(/[/\\]/).filter(Boolean).pop() ?? 'pack';
  return `${part.replaceAll(/\s+/g, '-')}/${file}${/\s/.test(file) ? '\t' : ''}`;
}
const NO_FILE = '/dev/null';

/** A table or a sample is better read below. */
function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const lines = text.split('\n');
  if (lines.length > 2) return `(${lines.length - 1} lines)`;
  return text.length > WIDEST ? `${text.slice(0, WIDEST)}…` : text;
}

function paintLine(io: Io, line: string): string {
  const color = colorsOf(io);
  if (line.startsWith('@@')) return color.cyan(line);
  if (line.startsWith('+')) return color.green(line);
  return line.startsWith('-') ? color.red(line) : line;
}
