import { createHash } from 'node:crypto';
import type { Severity } from '../../core/records.js';

const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/;
const EARLIEST = Date.UTC(2000, 0, 1);
const LATEST = Date.UTC(2100, 0, 1);

/** RFC 3339 text as the same instant in UTC with milliseconds; undefined when it is none, or not between 2000 and 2100. */
export function parseTime(value: unknown): string | undefined {
  const match = typeof value === 'string' ? RFC3339.exec(value) : null;
  if (match === null) return undefined;
  const day = new Date(Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3])));
  if (day.getUTCDate() !== Number(match[3])) return undefined; // 30 February
  return inRange(Date.parse(match[0].replace(' ', 'T').toUpperCase()));
}

/** As parseTime, and what many senders use: `+0200`, as Java writes it, ` UTC`, as Ruby does, epoch seconds or milliseconds. */
export function parseLooseTime(value: unknown): string | undefined {
  if (typeof value === 'string') return parseTime(value.replace(/([+-]\d\d)(\d\d)$/, '$1:$2').replace(/ UTC$/, 'Z'));
  if (typeof value !== 'number') return undefined;
  return inRange(value < 1e11 ? value * 1_000 : value);
}

const inRange = (ms: number): string | undefined =>
  ms >= EARLIEST && ms < LATEST ? new Date(ms).toISOString() : undefined;

/** The severity of a word or number, by the pack's words; undefined when it is none of them. */
export function severityOf(words: ReadonlyMap<string, Severity>, value: unknown): Severity | undefined {
  return typeof value === 'string' || typeof value === 'number'
    ? words.get(String(value).trim().toLowerCase())
    : undefined;
}

const MAX_FINGERPRINT = 200;

/** One short fingerprint of several parts. */
export const hashOf = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);

/** A fingerprint that somebody gave: kept as it is unless it is too long. */
export const boundedFingerprint = (text: string): string => (text.length > MAX_FINGERPRINT ? hashOf(text) : text);

/** Cuts a text that came from outside and is only shown. */
export const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
