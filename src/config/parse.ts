/** How the text of one variable becomes its value. A parser throws ConfigError naming the variable it was given. */
import { resolve } from 'node:path';
import { didYouMean, type Problem, quoted } from '../core/errors.js';
import { isTopicPattern } from '../core/topics.js';

/** Every problem of a configuration at once. An entry point prints the message and exits with EXIT_CONFIG. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];
  constructor(problems: readonly Problem[]) {
    super(
      problems.map(({ path, message, hint }) => `${path}: ${[message, hint].filter(Boolean).join(' ')}`).join('\n'),
    );
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

export type Parser<T> = (text: string, name: string) => T;

export const problem = (code: string, path: string, message: string, hint: string): Problem => ({
  code,
  path,
  message,
  hint,
});

function refuse(code: string, path: string, message: string, hint: string): never {
  throw new ConfigError([problem(code, path, message, hint)]);
}

/** A whole number from `least` to `most`. */
export const integer =
  (least: number, most: number): Parser<number> =>
  (text, name) => {
    const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    return refuse('CONFIG_RANGE', name, `is ${quoted(text)}.`, `It must be a whole number from ${least} to ${most}.`);
  };

const WORDS = new Map([
  ...['true', '1', 'yes', 'on'].map((word) => [word, true] as const),
  ...['false', '0', 'no', 'off'].map((word) => [word, false] as const),
]);

export const boolean: Parser<boolean> = (text, name) =>
  WORDS.get(text.toLowerCase()) ?? refuse('CONFIG_INVALID', name, `is ${quoted(text)}.`, 'It must be true or false.');

/** One of `choices`, in any case of letters. */
export const oneOf =
  <const T extends string>(choices: readonly T[]): Parser<T> =>
  (text, name) => {
    const found = choices.find((choice) => choice === text.toLowerCase());
    if (found !== undefined) return found;
    const meant = didYouMean(text, choices);
    const hint = `It must be one of ${choices.join(', ')}.${meant === undefined ? '' : ` Did you mean ${meant}?`}`;
    return refuse('CONFIG_INVALID', name, `is ${quoted(text)}.`, hint);
  };

export const anyText: Parser<string> = (text) => text;

/** A folder, relative to the working directory. */
export const folder: Parser<string> = (text) => resolve(text);

const GROUP = /^[A-Za-z0-9._-]{1,200}$/;
export const groupId: Parser<string> = (text, name) =>
  GROUP.test(text)
    ? text
    : refuse('CONFIG_INVALID', name, `is ${quoted(text)}.`, 'Use letters, digits, ".", "_", "-".');

/** An address to listen on: a name or an IP address, without scheme and port. */
export const listenAddress: Parser<string> = (text, name) =>
  /^[A-Za-z0-9.:_-]{1,253}$/.test(text) && !/^[^:]+:\d+$/.test(text)
    ? text
    : refuse('CONFIG_INVALID', name, `is ${quoted(text)}.`, 'Give a name or an address alone, like 127.0.0.1.');

function url(text: string, name: string, schemes: readonly string[], example: string): URL {
  const hint = `It must be ${example}`;
  if (!URL.canParse(text)) refuse('CONFIG_INVALID', name, 'is not a URL.', hint);
  const parsed = new URL(text);
  // Only the scheme is told: the rest of it may hold a password.
  if (!schemes.includes(parsed.protocol))
    refuse('CONFIG_INVALID', name, `begins with ${quoted(parsed.protocol)}.`, hint);
  return parsed;
}

export const postgresUrl: Parser<string> = (text, name) => {
  url(text, name, ['postgres:', 'postgresql:'], 'postgres://user:password@host:5432/database.');
  return text;
};

export const httpUrl: Parser<string> = (text, name) => {
  const parsed = url(text, name, ['http:', 'https:'], 'http://host:7070.');
  return parsed.href.replace(/\/+$/, '');
};

const SERVER = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([^:]*))?$/;

/** `host:port, host:port`; every bad entry is named by its number, from 0. */
export const servers: Parser<readonly string[]> = (text, name) => {
  const entries = text.split(',').map((entry) => entry.trim());
  const problems = entries.flatMap((entry, index) => serverProblem(entry, `${name}[${index}]`));
  if (problems.length > 0) throw new ConfigError(problems);
  return entries;
};

/** `settlement.*, {tenant}.alerts`; every bad entry is named by its number, from 0. */
export const topicPatterns: Parser<readonly string[]> = (text, name) => {
  const entries = text.split(',').map((entry) => entry.trim());
  const hint = 'Write names of topics, `*` for any part, `{tenant}` for the pack’s own tenant, separated by commas.';
  const problems = entries.flatMap((entry, index) =>
    isTopicPattern(entry) ? [] : [problem('CONFIG_INVALID', `${name}[${index}]`, `is ${quoted(entry)}.`, hint)],
  );
  if (problems.length > 0) throw new ConfigError(problems);
  return entries;
};

function serverProblem(entry: string, path: string): Problem[] {
  const hint = 'Write host:port, several separated by commas.';
  if (entry === '') return [problem('CONFIG_INVALID', path, 'is empty.', hint)];
  const match = SERVER.exec(entry);
  if (match === null) return [problem('CONFIG_INVALID', path, `is ${quoted(entry)}: not a host and a port.`, hint)];
  const port = match[2];
  if (port === undefined) return [problem('CONFIG_INVALID', path, `is ${quoted(entry)}: the port is missing.`, hint)];
  const isPort = /^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535;
  return isPort ? [] : [problem('CONFIG_RANGE', path, `has port ${quoted(port)}.`, 'A port is from 1 to 65535.')];
}
