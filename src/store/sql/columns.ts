/**
 * Rows as one array a column, for `unnest`: a document in an array is parsed once, where one inside of a JSON parameter
 * is parsed with its surroundings, built, taken apart and built again, at twice the cost.
 */
import { type SQL, sql } from 'drizzle-orm';
import { isClosed, SECTIONS, type Section } from '../../core/case.js';
import type { JournalEntry } from '../../core/envelope.js';
import { stageFor } from '../../core/events.js';
import type { CaseUpdate, TouchedCase } from '../port.js';

/** Columns by name: their type, and the element of each row as it stands in an array literal. */
type Columns<T> = Readonly<Record<string, readonly [type: string, element: (row: T) => string]>>;

const escaped = (text: string): string => `"${/["\\]/.test(text) ? text.replace(/["\\]/g, '\\$&') : text}"`;
const textOrNull = (text: string | null): string => (text === null ? 'null' : escaped(text));

/** JSON text. Without line ends and tabs JSON escapes as array literals do, and does it four times as fast. */
const document = (json: string): string =>
  json.includes('\n') || json.includes('\r') || json.includes('\t') ? escaped(json) : JSON.stringify(json);

const plain = (value: unknown): string => document(JSON.stringify(value));

/** The parameters `name_column` as rows of `alias`. */
export const unnest = <T>(name: string, alias: string, columns: Columns<T>): SQL => {
  const arrays = Object.entries(columns).map(
    ([column, [type]]) => sql`${sql.placeholder(`${name}_${column}`)}::${sql.raw(type)}[]`,
  );
  return sql`unnest(${sql.join(arrays, sql`, `)}) as ${sql.raw(`${alias}(${Object.keys(columns).join(', ')})`)}`;
};

/** The values of these parameters. */
export function arrays<T>(name: string, columns: Columns<T>, rows: readonly T[]): Record<string, string> {
  const params: Record<string, string> = {};
  for (const column in columns) {
    const element = (columns[column] as Columns<T>[string])[1];
    let text = '{';
    for (let i = 0; i < rows.length; i++) text += (i === 0 ? '' : ',') + element(rows[i] as T);
    params[`${name}_${column}`] = `${text}}`;
  }
  return params;
}

/** `a` is the literal of an array: arrays of arrays cannot be of different lengths. */
export const TOUCHED: Columns<TouchedCase> = {
  t: ['text', (one) => escaped(one.tenantId)],
  c: ['uuid', (one) => one.caseId],
  a: ['text', ({ arrived }) => (arrived === undefined ? 'null' : `"{${arrived.join()}}"`)],
};

type SectionColumns = Readonly<Record<Section, Columns<CaseUpdate>[string]>>;

/** A section that does not change is NULL, one that is emptied is the JSON `null`. */
const sections = Object.fromEntries(
  SECTIONS.map((name): [Section, Columns<CaseUpdate>[string]] => [
    name,
    ['jsonb', ({ set }) => (set[name] === undefined ? 'null' : plain(set[name]))],
  ]),
) as SectionColumns;

export const UPDATES = {
  t: ['text', (one) => escaped(one.tenantId)],
  c: ['uuid', (one) => one.caseId],
  v: ['int', (one) => String(one.version)],
  s: ['text', (one) => one.status],
  q: ['int', (one) => String(one.seq)],
  e: ['jsonb', (one) => plain(one.seen)],
  n: ['jsonb', (one) => plain(one.sent)],
  h: ['jsonb', (one) => (one.held === null ? 'null' : plain(one.held))],
  b: ['bool', (one) => String(one.blocked)],
  k: ['int', (one) => String(one.count)],
  l: ['float8', (one) => String(one.lastSeenAt)],
  r: ['bool', (one) => String(one.releaseKey)],
  d: ['bool', (one) => String(isClosed(one.status))],
  ...sections,
} as const satisfies Columns<CaseUpdate>;

/** The event's data goes in as the text it is. */
export const JOURNAL: Columns<JournalEntry> = {
  t: ['text', (one) => escaped(one.tenantId)],
  c: ['uuid', (one) => one.caseId],
  q: ['int', (one) => String(one.seq)],
  i: ['uuid', (one) => one.eventId],
  y: ['text', (one) => one.type],
  m: ['text', (one) => one.emitter],
  s: ['text', (one) => stageFor(one.type) ?? 'null'],
  a: ['int', (one) => String(one.after)],
  u: ['uuid', (one) => one.causeId ?? 'null'],
  p: ['text', (one) => textOrNull(one.traceparent)],
  w: ['timestamptz', (one) => escaped(one.time)],
  d: ['jsonb', (one) => document(one.data)],
};
