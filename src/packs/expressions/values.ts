import { EvaluationError } from '@marcbachmann/cel-js';
import { ProblemError } from '../../core/errors.js';

/**
 * A CEL value as plain JSON: ints become numbers (text where a number would round them), times RFC 3339,
 * durations text such as `90s`, bytes base64. Throws ProblemError NUMBER_INVALID for NaN and infinity.
 */
export function toPlain(value: unknown): unknown {
  switch (typeof value) {
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    case 'number':
      if (Number.isFinite(value)) return value;
      throw new ProblemError({
        code: 'NUMBER_INVALID',
        message: `The result ${value} is not a number that JSON can hold.`,
        hint: 'Check for a division by zero, for example with a condition in `if:`.',
      });
    case 'object':
      return value === null ? null : objectToPlain(value);
    default:
      return value; // text and booleans
  }
}

function objectToPlain(value: object): unknown {
  if (Array.isArray(value)) return value.map(toPlain);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  const primitive: unknown = value.valueOf?.();
  if (typeof primitive === 'bigint') return toPlain(primitive); // an unsigned int of CEL
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return String(value); // durations and type names
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, toPlain(inner)]));
}

/** A value inside text: null is empty, lists and maps are JSON. */
export function textOf(value: unknown): string {
  const plain = toPlain(value);
  if (plain === null || plain === undefined) return '';
  return typeof plain === 'object' ? JSON.stringify(plain) : String(plain);
}

const PREVIEW_CHARS = 200;
const PREVIEW_ITEMS = 10;

/** A value cut small enough to be recorded with a decision, however large the input was. */
export function preview(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return value.length > PREVIEW_CHARS ? `${value.slice(0, PREVIEW_CHARS)}...` : value;
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? toPlain(value) : value;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) {
    if (value.length > PREVIEW_ITEMS || depth > 1) return `a list of ${value.length}`;
    return value.map((inner) => preview(inner, depth + 1));
  }
  const entries = Object.entries(value);
  if (entries.length > PREVIEW_ITEMS || depth > 1) return `an object of ${entries.length} keys`;
  return Object.fromEntries(entries.map(([key, inner]) => [key, preview(inner, depth + 1)]));
}

const MISSING = new Set(['no_such_key', 'index_out_of_bounds']);

/** Whether an evaluation failed only because the input lacks a key that the expression reads. */
export const isMissing = (error: unknown): boolean => error instanceof EvaluationError && MISSING.has(error.code);

/** One line about a failed evaluation: `no such key: amount`. */
export function messageOf(error: unknown): string {
  const text = error instanceof EvaluationError ? error.summary : (error as Error).message;
  const first = text.split('\n', 1)[0] as string; // the parser draws the expression below; the place says where it is
  const line = first.replace(/dyn<(\w+)>/g, '$1').slice(0, 300);
  return line.charAt(0).toLowerCase() + line.slice(1);
}
