/** Prints why something was decided, so that it can be read at three in the morning. */
import type { Explained } from '../api/trial-schemas.js';
import { colorsOf, type Io } from './io.js';

type Part = Explained['parts'][number];
type Tried = Part['tried'][number];

const DEPTH = '             ';

export function explanationLines(io: Io, parts: readonly Part[], isWhole: boolean): string[] {
  const color = colorsOf(io);
  return parts.flatMap((part, index) => {
    const { stage, time, what, why, packVersion, tried } = part;
    const version = packVersion === null || tried.length === 0 ? '' : color.dim(`  pack ${packVersion}`);
    const name = parts[index - 1]?.stage === stage ? '' : stage;
    const head = `${color.dim(time.slice(11, 19))}  ${color.cyan(name.padEnd(8))}  ${color.bold(what)}${version}`;
    const reason =
      why === null || tried.some(({ decided, name: rule }) => decided && rule === why) ? [] : [`${DEPTH}       ${why}`];
    return [head, ...reason, ...triedLines(io, tried, isWhole)];
  });
}

const MOST = 12;

/** What decided and what nearly did; the rest of a long list only where all of it is asked for. */
function triedLines(io: Io, tried: readonly Tried[], isWhole: boolean): string[] {
  const color = colorsOf(io);
  const acting = tried.filter(({ matched }) => matched).length;
  const room = Math.max(0, MOST - acting);
  let shown = 0;
  const lines = tried.flatMap((one) => (isWhole || one.matched || shown++ < room ? triedLine(io, one) : []));
  const left = isWhole ? 0 : Math.max(0, tried.length - acting - room);
  return left === 0
    ? lines
    : [...lines, `${DEPTH}       ${color.dim(`· ${left} more did not match; --all shows them`)}`];
}

export function triedLine(
  io: Io,
  { name, place, matched, decided, falsePart, set, effect, note, budget, window }: Tried,
): string[] {
  const color = colorsOf(io);
  const sign = decided ? color.green('✓') : matched ? color.yellow('~') : color.dim('·');
  const title = decided ? name : matched ? color.yellow(name) : color.dim(name);
  const did = [effect ?? '', set === undefined ? '' : settings(set)].filter(Boolean).join('  ');
  const first = `${DEPTH}     ${sign} ${title}  ${color.dim(place)}${did === '' ? '' : `  ${did}`}`;
  const more: string[] = [];
  if (note !== undefined) more.push(note);
  if (falsePart !== undefined) more.push(falseLine(io, falsePart));
  if (budget !== undefined) more.push(`budget ${settings(budget)}`);
  if (window !== undefined) more.push(`window ${settings(window)}`);
  return [first, ...more.map((line) => `${DEPTH}         ${matched ? line : color.dim(line)}`)];
}

function falseLine(io: Io, { expression, values, error }: NonNullable<Tried['falsePart']>): string {
  const color = colorsOf(io);
  const seen = Object.entries(values).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  const ended = error === undefined ? color.red('false') : color.red(error);
  return `${expression}  ${ended}${seen.length === 0 ? '' : `  ${seen.join(', ')}`}`;
}

const settings = (value: unknown): string =>
  typeof value === 'object' && value !== null
    ? Object.entries(value)
        .map(([key, one]) => `${key}: ${typeof one === 'string' ? one : JSON.stringify(one)}`)
        .join(', ')
    : String(value);
