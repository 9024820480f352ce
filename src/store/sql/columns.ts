/**
 * Rows as one list a column, for `unnest`: a document in a list is parsed once, where one inside of a JSON parameter is
 * parsed with its surroundings, built, taken apart and built again, at twice the cost.
 */
import { isClosed, SECTIONS, type Section } from '../../core/case.js';
import type { JournalEntry } from '../../core/envelope.js';
import { stageFor } from '../../core/events.js';
import { caseKey } from '../../core/ids.js';
import { textProblem } from '../../core/json.js';
import { DEFAULT_PRIORITY } from '../../core/records.js';
import type { StageName } from '../../core/stages.js';
import { type PgTable, type SQL, sql } from '../drizzle.js';
import { StoreError } from '../errors.js';
import type { Awaited, CaseKey, CaseUpdate, EventRef, Marks, PositionKey } from '../port.js';

/**
 * Columns by name: their type, and the element of each row; its text holds neither separator. `same`: the rows of a list mostly
 * agree in it, and then it travels once. One column at least is not `same` and never NULL: it says how many rows there are.
 */
export type Columns<T> = Readonly<Record<string, readonly [type: string, element: (row: T) => string, often?: 'same']>>;

// JSON escapes them, and ids, numbers and words do not have them: nothing needs to be quoted, and Postgres only splits.
const BETWEEN = '\u001e';
export const NULL = '\u001f';

export const orNull = (text: string | null): string => text ?? NULL;
const plain = (value: unknown): string => JSON.stringify(value);

/** The same for names and values in which nothing has to be escaped: stages, numbers and ids. */
function members(values: Marks | Awaited): string {
  let text = '';
  let stage: StageName;
  for (stage in values) {
    const value = values[stage];
    text += `${text === '' ? '{' : ','}"${stage}":${typeof value === 'number' ? value : `"${value}"`}`;
  }
  return text === '' ? '{}' : `${text}}`;
}

let last: { readonly values: Marks; readonly text: string } = { values: {}, text: '{}' };

/** Most cases of a chunk share theirs with the one before. */
function marks(values: Marks): string {
  if (values !== last.values) last = { values, text: members(values) };
  return last.text;
}

/** What `jsonb` refuses, `json` would take, and whoever looks into it later would fail. Throws StoreError. */
export function whole(document: string): string {
  const problem = textProblem(document);
  if (problem === undefined) return document;
  throw new StoreError('data', '22P05', `A document holds a character that cannot be kept (${problem}).`, undefined);
}

/** A document; what JSON cannot say (undefined) and null are NULL. */
export const jsonOrNull = (value: unknown): string => (value === null ? NULL : whole(JSON.stringify(value) ?? NULL));

/**
 * The parameters `name_column` as rows of `alias`; `n` is their place in the list, from 1, where it is wanted. Each row casts
 * its own elements: what parsing leaves behind is freed with the row, and not with the list, which costs a fifth of the time.
 * `unnest` stands in the select list: behind FROM, Postgres keeps each column's elements in a store of its own first.
 */
export const unnest = <T>(name: string, alias: string, columns: Columns<T>, n?: 'n'): SQL => {
  const list = Object.entries(columns);
  const elements = list.map(
    ([column]) =>
      sql`unnest(string_to_array(${sql.placeholder(`${name}_${column}`)}::text, E'\\x1e', E'\\x1f')) as ${sql.raw(column)}`,
  );
  const names = [...list.map(([column]) => column), ...(n === undefined ? [] : [n])].join(', ');
  const values = list.map(([column, [type, , often]]) =>
    often ? sameOr(name, column, type) : sql.raw(`${column}::${type}`),
  );
  if (n !== undefined) values.push(sql`row_number() over ()`);
  return sql`(select ${sql.join(values, sql`, `)} from (select ${sql.join(elements, sql`, `)}) x) as ${sql.raw(`${alias}(${names})`)}`;
};

/** A row's own element, or what all rows have; the text of a time is read once then. */
function sameOr(name: string, column: string, type: string): SQL {
  const all = sql`${sql.placeholder(`${name}_${column}_all`)}::text`;
  const cast = sql.raw(`::${type}`);
  if (type === 'timestamptz') return sql`coalesce(${sql.raw(column)}${cast}, (select ${all}${cast}))`;
  return sql`coalesce(${sql.raw(column)}, ${all})${cast}`;
}

/**
 * The values of these parameters. A column of NULLs alone, or of one value where it is `same`, is an empty list, which `unnest`
 * fills up. Joined, not appended one by one: a text of many pieces is measured and copied piece by piece when it is sent, at
 * several times the cost.
 */
export function arrays<T>(name: string, columns: Columns<T>, rows: readonly T[]): Record<string, string | null> {
  const params: Record<string, string | null> = {};
  const texts = new Array<string>(rows.length);
  for (const column in columns) {
    const [, element, often] = columns[column] as Columns<T>[string];
    let isSame = true;
    for (let i = 0; i < rows.length; i++) {
      texts[i] = element(rows[i] as T);
      if (isSame && texts[i] !== texts[0]) isSame = false;
    }
    const isEmpty = isSame && (texts[0] ?? NULL) === NULL;
    params[`${name}_${column}`] = isEmpty || (isSame && often) ? '' : texts.join(BETWEEN);
    if (often) params[`${name}_${column}_all`] = isSame && !isEmpty ? (texts[0] as string) : null;
  }
  return params;
}

/**
 * Rows of `k`, each with the place (`id`) of the row of `table`, `l` in the condition, that it names: a look-up for each of
 * them, whatever the tables held when it was planned. Where others may change such a row meanwhile, it must be locked.
 */
export const placed = (table: PgTable, condition: SQL): SQL => sql`(select k.*, l.id from k cross join lateral (
    select l.ctid as id from ${table} l where ${condition} offset 0) l) k`;

export const KEYS: Columns<CaseKey> = {
  t: ['text', (one) => one.tenantId, 'same'],
  c: ['uuid', (one) => one.caseId],
};

export const REFS: Columns<EventRef> = {
  t: ['text', (one) => one.tenantId, 'same'],
  c: ['uuid', (one) => one.caseId],
  q: ['int', (one) => String(one.seq)],
  i: ['uuid', (one) => one.eventId],
};

export const POSITIONS: Columns<PositionKey> = {
  g: ['text', (one) => one.group, 'same'],
  t: ['text', (one) => one.topic, 'same'],
  e: ['int', (one) => String(one.epoch), 'same'],
  p: ['int', (one) => String(one.partition)],
};

/** Each case once. */
export function distinct(keys: readonly CaseKey[]): CaseKey[] {
  const found = new Map<string, CaseKey>(); // by id alone, but where two tenants share one: a name made for each costs more
  for (const key of keys) {
    const other = found.get(key.caseId);
    const isShared = other !== undefined && other.tenantId !== key.tenantId;
    found.set(isShared ? caseKey(key.tenantId, key.caseId) : key.caseId, key);
  }
  return [...found.values()];
}

type SectionColumns = Readonly<Record<Section, Columns<CaseUpdate>[string]>>;

/** A section that does not change is NULL, one that is emptied is the JSON `null`. */
const sections = Object.fromEntries(
  SECTIONS.map((name): [Section, Columns<CaseUpdate>[string]] => [
    name,
    ['text', ({ set }) => (set[name] === undefined ? NULL : whole(plain(set[name])))],
  ]),
) as SectionColumns;

type Listed = readonly [column: string, from: Section, value: (set: CaseUpdate['set']) => unknown, type?: string];

/** What lists show of a case: the columns, each with the section that it comes and changes with. */
export const LISTED: readonly Listed[] = [
  ['type', 'exception', ({ exception }) => exception?.type],
  ['title', 'exception', ({ exception }) => exception?.title],
  ['entity', 'exception', ({ exception }) => exception?.entity],
  ['reported_severity', 'exception', ({ exception }) => exception?.severity],
  ['category', 'triage', ({ triage }) => triage?.category],
  ['severity', 'triage', ({ triage }) => triage?.severity],
  ['priority', 'triage', ({ triage }) => triage && (triage.priority ?? DEFAULT_PRIORITY), 'smallint'],
];

const listed = (set: CaseUpdate['set']): string =>
  set.exception === undefined && set.triage === undefined
    ? NULL
    : whole(plain(LISTED.map(([, , value]) => value(set))));

export const UPDATES = {
  t: ['text', (one) => one.tenantId, 'same'],
  c: ['uuid', (one) => one.caseId],
  x: ['tid', (one) => orNull(one.place)],
  v: ['int', (one) => String(one.version), 'same'],
  s: ['text', (one) => one.status, 'same'],
  q: ['int', (one) => String(one.seq), 'same'],
  e: ['json', (one) => marks(one.seen), 'same'],
  n: ['json', (one) => marks(one.sent), 'same'],
  w: ['json', (one) => (one.awaited === null ? NULL : members(one.awaited))],
  h: ['jsonb', (one) => jsonOrNull(one.held)],
  b: ['bool', (one) => String(one.blocked), 'same'],
  k: ['int', (one) => String(one.count), 'same'],
  l: ['float8', (one) => String(one.lastSeenAt)],
  r: ['bool', (one) => String(one.releaseKey), 'same'],
  d: ['bool', (one) => String(isClosed(one.status)), 'same'],
  ...sections,
  f: ['json', ({ set }) => listed(set)],
} as const satisfies Columns<CaseUpdate>;

/** The event's data goes in as the text it is. */
export const JOURNAL: Columns<JournalEntry> = {
  t: ['text', (one) => one.tenantId, 'same'],
  c: ['uuid', (one) => one.caseId],
  q: ['int', (one) => String(one.seq)],
  i: ['uuid', (one) => one.eventId],
  y: ['text', (one) => one.type, 'same'],
  m: ['text', (one) => one.emitter, 'same'],
  s: ['text', (one) => orNull(stageFor(one.type)), 'same'],
  a: ['int', (one) => String(one.after), 'same'],
  u: ['uuid', (one) => orNull(one.causeId)],
  p: ['text', (one) => orNull(one.traceparent)],
  w: ['timestamptz', (one) => one.time, 'same'],
  d: ['json', (one) => whole(one.data)],
};
