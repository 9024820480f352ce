import { z } from 'zod';
import type { Path } from './expressions/template.js';
import { type Report, suggestion } from './problems.js';
import type { PackFile } from './yaml.js';

/** Words of the language that this version does not know yet, by where they stand. */
export type LaterWords = ReadonlySet<string>;
export const laterWords = (...words: readonly string[]): LaterWords => new Set(words);

const NONE: LaterWords = new Set();
const LATER_HINT = 'Take it out, or use a newer version of Millrace; this one is 0.1.';

/** Reports a word of the language that is not ignored, but not understood either. */
export function refuseLater(file: PackFile, path: Path, word: string, report: Report): void {
  report.add(file.keyPlace(path), 'WORD_UNSUPPORTED', `\`${word}\` is not supported by this version yet.`, LATER_HINT);
}

/**
 * The value at `path`, when it has the shape of `schema`; otherwise undefined, and each difference is reported:
 * FIELD_MISSING, FIELD_UNKNOWN, WORD_UNSUPPORTED, VALUE_TYPE, VALUE_UNKNOWN, VALUE_INVALID.
 */
export function readShape<T>(
  file: PackFile,
  path: Path,
  schema: z.ZodType<T>,
  report: Report,
  later: LaterWords = NONE,
): T | undefined {
  const result = schema.safeParse(file.at(path));
  if (result.success) return result.data;
  for (const issue of result.error.issues) reportIssue(file, path, schema, issue, report, later);
  return undefined;
}

type Issue = z.core.$ZodIssue;

function reportIssue(file: PackFile, base: Path, schema: z.ZodType, issue: Issue, report: Report, later: LaterWords) {
  const inner = issue.path as (string | number)[];
  const path = [...base, ...inner];
  const name = nameOf(path);
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) {
      if (later.has(key)) refuseLater(file, [...path, key], key, report);
      else {
        const hint = suggestion(key, knownKeys(schema, inner));
        report.add(file.keyPlace([...path, key]), 'FIELD_UNKNOWN', `Unknown word \`${key}\`.`, hint);
      }
    }
  } else if (file.at(path) === undefined) {
    report.add(file.place(path), 'FIELD_MISSING', `${name} is missing.`);
  } else if (issue.code === 'invalid_type') {
    const message = `${name} must be ${TYPE_WORDS[issue.expected] ?? issue.expected}, not ${wordFor(file.at(path))}.`;
    report.add(file.place(path), 'VALUE_TYPE', message);
  } else if (issue.code === 'invalid_value') {
    const value = String(file.at(path));
    report.add(
      file.place(path),
      'VALUE_UNKNOWN',
      `${name} cannot be \`${value}\`.`,
      suggestion(value, issue.values.map(String)),
    );
  } else {
    report.add(file.place(path), 'VALUE_INVALID', `${name}: ${issue.message}.`);
  }
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a map',
  record: 'a map',
  array: 'a list',
};

/** The word for a value's kind, as people say it. */
export function wordFor(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  return { string: 'text', number: 'a number', boolean: 'true or false' }[typeof value as string] ?? 'a map';
}

const nameOf = (path: Path): string => {
  const last = path.at(-1);
  return typeof last === 'number' ? `item ${last + 1}` : `\`${last ?? 'the file'}\``.replace('`the file`', 'the file');
};

/** The keys that the object schema at `path` knows. */
function knownKeys(schema: z.core.$ZodType, path: readonly (string | number)[]): readonly string[] {
  let current = unwrap(schema);
  for (const step of path) {
    if (current instanceof z.ZodObject) current = unwrap((current.shape as Record<string, z.core.$ZodType>)[step]);
    else if (current instanceof z.ZodArray) current = unwrap(current.element);
    else current = unwrap((current as z.ZodRecord).valueType);
  }
  return current instanceof z.ZodObject ? Object.keys(current.shape) : [];
}

function unwrap(schema: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  return schema instanceof z.ZodOptional ? unwrap(schema.unwrap()) : schema;
}
