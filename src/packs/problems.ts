import { didYouMean } from '../core/errors.js';
import type { PackProblem } from './types.js';

/** A place in a file; line and column count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export const placeText = (place: Place): string => `${place.file}:${place.line}:${place.column}`;

/** Collects every problem of a pack, so that all of them are told at once. */
export interface Report {
  add(place: Place, code: string, message: string, hint?: string): void;
  /** All of them by file, line and column. */
  sorted(): PackProblem[];
}

const MOST = 200; // a file of another kind makes thousands; nobody reads them

export function createReport(): Report {
  const problems: PackProblem[] = [];
  const seen = new Set<string>();
  return {
    add: (place, code, message, hint) => {
      const key = `${placeText(place)} ${code} ${message}`;
      if (problems.length >= MOST || seen.has(key)) return;
      seen.add(key);
      problems.push({ ...place, path: placeText(place), code, message, ...(hint === undefined ? {} : { hint }) });
    },
    sorted: () => problems.sort((a, b) => compare(a, b)),
  };
}

function compare(a: Place, b: Place): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}

/** A hint for a word that is not among `known`. */
export function suggestion(word: string, known: Iterable<string>): string {
  const words = [...known];
  const best = didYouMean(word, words);
  if (best !== undefined) return `Did you mean \`${best}\`?`;
  return words.length === 0 ? 'There is none yet.' : `Known: ${words.sort().join(', ')}.`;
}
