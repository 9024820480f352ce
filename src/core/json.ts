/**
 * Guards for JSON that comes from outside. `JSON.parse` alone keeps `__proto__`, keeps the last of two equal keys,
 * rounds big integers and overflows the stack on deep input; Postgres refuses NUL. Each is named here, with its place.
 */
import { ProblemError } from './errors.js';
import { jsonErrorPlace } from './json-place.js';

export const MAX_DEPTH = 32;
/** What one event may have in bytes: an exception of 256 KB grows when it is normalised, and Kafka takes 1 MB. */
export const MAX_BYTES = 768 * 1024;

const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Parses text from outside strictly. Throws ProblemError: JSON_INVALID (line and column), JSON_TOO_DEEP,
 * JSON_DUPLICATE_KEY, KEY_FORBIDDEN, TEXT_NUL, TEXT_INVALID_UNICODE, NUMBER_INVALID, ID_MUST_BE_STRING.
 */
export function parseJson(text: string): unknown {
  if (nestsDeeper(text, MAX_DEPTH)) {
    throw new ProblemError({
      code: 'JSON_TOO_DEEP',
      message: `The JSON is nested deeper than ${MAX_DEPTH} levels.`,
      hint: 'Flatten the document, or send the inner part as a string.',
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidJson(text);
  }
  new Scanner(text).value('');
  return value;
}

function invalidJson(text: string): ProblemError {
  const place = jsonErrorPlace(text);
  return new ProblemError({
    code: 'JSON_INVALID',
    message: `Not valid JSON at ${place}.`,
    path: place,
    hint: 'Check quotes, commas and brackets there; the body must be one JSON document in UTF-8.',
  });
}

/** Whether `text` nests deeper than `most`. Most texts do not open as many brackets at all, which is seen at a glance. */
export const nestsDeeper = (text: string, most: number): boolean => opensMore(text, most) && depthOf(text) > most;

function opensMore(text: string, most: number): boolean {
  let left = most;
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) if (left-- === 0) return true;
  }
  return false;
}

/** The deepest nesting of arrays and objects in `text`, without parsing it (so that no stack can overflow). */
function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === 0x22) i = endOfString(text, i);
    else if (char === 0x5b || char === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (char === 0x5d || char === 0x7d) depth--;
  }
  return deepest;
}

/** Index of the quote that closes the string opened at `start`; the text's length if none does. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === 0x5c) slashes++;
    if (slashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}

/** What is wrong with a piece of JSON text for Postgres and Kafka, or undefined. Escapes are understood. */
export function textProblem(raw: string): 'TEXT_NUL' | 'TEXT_INVALID_UNICODE' | undefined {
  if (!raw.isWellFormed()) return 'TEXT_INVALID_UNICODE';
  if (!raw.includes('\\u')) return undefined;
  let highEnd = -1; // where an escaped high surrogate ended: its low half must begin right there
  for (const match of raw.matchAll(ESCAPE)) {
    const unit = Number.parseInt(match[1] ?? '20', 16); // an escape without a code is like a space here
    if (unit === 0) return 'TEXT_NUL';
    const isLow = unit >= 0xdc00 && unit <= 0xdfff;
    const follows = highEnd === match.index;
    if (isLow !== follows || (highEnd !== -1 && !follows)) return 'TEXT_INVALID_UNICODE';
    highEnd = unit >= 0xd800 && unit <= 0xdbff ? match.index + match[0].length : -1;
  }
  return highEnd === -1 ? undefined : 'TEXT_INVALID_UNICODE';
}

/** The same text as a Postgres text column takes it: U+0000 and half surrogate pairs become U+FFFD. */
export const storable = (text: string): string => text.replaceAll('\u0000', '\ufffd').toWellFormed();

const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|.)/g;

/** Walks text that `JSON.parse` has accepted, so it need not check syntax: only what parsing hides. */
class Scanner {
  private at = 0;
  constructor(private readonly text: string) {}

  value(path: string): void {
    this.space();
    const char = this.text.charCodeAt(this.at);
    if (char === 0x7b) this.object(path);
    else if (char === 0x5b) this.array(path);
    else if (char === 0x22) this.string(path);
    else this.literal(path);
  }

  private object(path: string): void {
    const seen = new Set<string>();
    for (this.next(); this.peek() !== 0x7d; ) {
      const key = this.string(path);
      const keyPath = path === '' ? key : `${path}.${key}`;
      if (FORBIDDEN_KEYS.has(key))
        fail('KEY_FORBIDDEN', `The key "${key}" is not allowed.`, keyPath, 'Rename the key.');
      if (seen.has(key)) {
        fail('JSON_DUPLICATE_KEY', `The key "${key}" stands twice in one object.`, keyPath, 'Send each key once.');
      }
      seen.add(key);
      this.next(); // the colon
      this.value(keyPath);
      if (this.peek() === 0x2c) this.next();
    }
    this.at++;
  }

  private array(path: string): void {
    this.next();
    for (let index = 0; this.peek() !== 0x5d; index++) {
      this.value(`${path}[${index}]`);
      if (this.peek() === 0x2c) this.next();
    }
    this.at++;
  }

  private string(path: string): string {
    this.space();
    const end = endOfString(this.text, this.at);
    const raw = this.text.slice(this.at, end + 1);
    this.at = end + 1;
    const problem = textProblem(raw);
    if (problem === 'TEXT_NUL')
      fail(problem, 'A string holds the character U+0000.', path, 'Remove it before sending.');
    if (problem) fail(problem, 'A string holds half of a surrogate pair.', path, 'Send whole Unicode characters.');
    return raw.includes('\\') ? (JSON.parse(raw) as string) : raw.slice(1, -1);
  }

  private literal(path: string): void {
    const start = this.at;
    while (this.at < this.text.length && !DELIMITER.test(this.text.charAt(this.at))) this.at++;
    const raw = this.text.slice(start, this.at);
    if (raw === 'true' || raw === 'false' || raw === 'null') return;
    const value = Number(raw);
    if (!Number.isFinite(value))
      fail('NUMBER_INVALID', `${raw} is too large for a number.`, path, 'Send it as a string.');
    if (!Number.isSafeInteger(value) && /^-?\d+$/.test(raw)) {
      fail('ID_MUST_BE_STRING', `${raw} cannot be kept exactly as a number.`, path, 'Send long ids as strings.');
    }
  }

  private space(): void {
    while (WHITE.has(this.text.charCodeAt(this.at))) this.at++;
  }
  private peek(): number {
    this.space();
    return this.text.charCodeAt(this.at);
  }
  private next(): void {
    this.space();
    this.at++;
  }
}

const WHITE = new Set([0x20, 0x09, 0x0a, 0x0d]);
const DELIMITER = /[\s,\]}]/;

function fail(code: string, message: string, path: string, hint: string): never {
  throw new ProblemError({ code, message, path: path === '' ? '(the document)' : path, hint });
}

export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
