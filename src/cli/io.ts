/** What a command may use of the outside: where it prints, what it reads, its settings, and Ctrl-C. */
import pc from 'picocolors';
import type { Config } from '../config.js';
import type { Problem } from '../core/errors.js';

export interface Io {
  /** Prints one line to standard output. */
  readonly out: (line: string) => void;
  /** Prints one line to standard error. */
  readonly err: (line: string) => void;
  /** Overwrites the line at the bottom of the terminal; does nothing where standard error is not one. */
  readonly progress: (line: string) => void;
  readonly colors: boolean;
  /** The bytes of `-`. */
  readonly input: () => AsyncIterable<Uint8Array>;
  /** The settings; throws ConfigError with every problem. */
  readonly config: () => Config<'cli'>;
  readonly signal: AbortSignal;
  /** The command goes on and ends with exit code 1, or the one given. */
  readonly fail: (exitCode?: number) => void;
}

/** What every command takes. */
export interface Common {
  readonly json?: true;
  readonly url?: string;
  readonly key?: string;
}

export const colorsOf = (io: Io) => pc.createColors(io.colors);

export const printJson = (io: Io, value: unknown): void => io.out(JSON.stringify(value, null, 2));

/** `code  path  message`, and below it what to do. */
export function problemLines(io: Io, { code, path, message, hint }: Problem): string[] {
  const color = colorsOf(io);
  const first = [color.red(code), ...(path === undefined ? [] : [color.bold(path)]), message].join('  ');
  return hint === undefined ? [first] : [first, `  ${color.dim('→')} ${hint}`];
}

/** Prints problems to standard error, or as JSON to standard output. */
export function printProblems(io: Io, problems: readonly Problem[], json: boolean): void {
  if (json) printJson(io, { problems });
  else for (const problem of problems) for (const line of problemLines(io, problem)) io.err(line);
}

/** Rows under a heading, in columns as wide as they need; the last column is not padded. */
export function tableLines(io: Io, heading: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = heading.map((word, i) => Math.max(word.length, ...rows.map((row) => (row[i] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (i === heading.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd();
  return [colorsOf(io).dim(line(heading)), ...rows.map(line)];
}

/** A time as people read it in a table: `2026-11-20 14:03:21`, UTC. */
export const shortTime = (value: string | number | null): string =>
  value === null ? '-' : new Date(value).toISOString().slice(0, 19).replace('T', ' ');

/** `850 ms`, `12.3 s`, `4 min`, `7 h`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 100_000) return `${(ms / 1_000).toFixed(1)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}
