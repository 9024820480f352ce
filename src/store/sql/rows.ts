/** Rows as the statements give them, and what the port calls them. */
import type { CaseState } from '../../core/case.js';
import type { JournalEntry } from '../../core/envelope.js';
import { type SQL, sql } from '../drizzle.js';
import type { Awaited, CaseRow, Held, Marks } from '../port.js';
import { journal } from '../schema.js';

/**
 * A `timestamptz` as whole epoch milliseconds. In `float8`, whose error is far below a microsecond, half of which is added:
 * `extract` would calculate in `numeric`.
 */
export const ms = (column: string): SQL => sql.raw(`floor(date_part('epoch', ${column}) * 1000 + 0.0005)`);
/** Epoch milliseconds as a `timestamptz`. */
export const at = (expression: string): SQL => sql.raw(`to_timestamp(${expression} / 1000.0)`);
/** The time, asked for once a statement: compared with the volatile function itself, every row of an index is read. */
export const NOW = sql.raw('(select clock_timestamp())');
/** The JSON text parameter `name` as rows. */
export const recordset = (name: string, alias: string, columns: string): SQL =>
  sql`jsonb_to_recordset(${sql.placeholder(name)}::text::jsonb) as ${sql.raw(`${alias}(${columns})`)}`;

type CaseColumns = readonly [
  tenantId: string,
  caseId: string,
  kind: CaseState['kind'],
  status: CaseState['status'],
  paused: boolean,
  blocked: boolean,
  version: number,
  seq: number,
  seen: string, // JSON
  sent: string,
  awaited: Awaited | null,
  held: Held | null,
  count: number,
  createdAt: number,
  lastSeenAt: number,
  place: string,
];
type SectionColumns = readonly [
  exception: CaseState['exception'],
  triage: CaseState['triage'],
  policy: CaseState['policy'],
  run: CaseState['run'],
  feedback: CaseState['feedback'],
];

/** The columns of `CASE_COLUMNS`, then those of `SECTIONS`, where they were asked for; what else there is, is not read here. */
export type RawCase = readonly [...CaseColumns, ...Partial<SectionColumns>, ...more: unknown[]];

/** A locked case, with two nulls; or, in these two, a position's partition and next offset, or nothing and the time. */
export type RawOpened = readonly [...CaseColumns, ...SectionColumns, partition: number | null, value: number | null];
export const PARTITION = 21;
export const VALUE = 22;

/** For table alias `c`. */
export const CASE_COLUMNS = sql`c.tenant_id, c.case_id, c.kind, c.status, c.paused, c.blocked, c.version, c.seq, c.seen::text,
  c.sent::text, c.awaited, c.held, c.count, ${ms('c.created_at')} as created_at, ${ms('c.last_seen_at')} as last_seen_at, c.ctid::text as place`;

const MOST_MARKS = 1_000;
const marks = new Map<string, Marks>(); // by their JSON

/** Shared by all cases that have come equally far, as those of a chunk mostly have; nobody changes them. */
function marksOf(json: string): Marks {
  let found = marks.get(json);
  if (found === undefined) {
    if (marks.size >= MOST_MARKS) marks.clear();
    found = JSON.parse(json) as Marks;
    marks.set(json, found);
  }
  return found;
}

export const toCaseRow = (raw: RawCase): CaseRow => ({
  state: {
    tenantId: raw[0],
    caseId: raw[1],
    kind: raw[2],
    status: raw[3],
    paused: raw[4],
    count: raw[12],
    createdAt: raw[13],
    lastSeenAt: raw[14],
    exception: raw[16] ?? null,
    triage: raw[17] ?? null,
    policy: raw[18] ?? null,
    run: raw[19] ?? null,
    feedback: raw[20] ?? null,
  },
  blocked: raw[5],
  version: raw[6],
  seq: raw[7],
  seen: marksOf(raw[8]),
  sent: marksOf(raw[9]),
  awaited: raw[10],
  held: raw[11],
  place: raw[15],
});

export interface RawEntry {
  readonly tenant_id: string;
  readonly case_id: string;
  readonly seq: number;
  readonly after: number;
  readonly event_id: string;
  readonly type: JournalEntry['type'];
  readonly emitter: JournalEntry['emitter'];
  readonly cause_id: string | null;
  readonly time: string;
  readonly traceparent: string | null;
  readonly data: string;
}

/** The columns of `RawEntry` for table alias `j`. */
const ENTRY_COLUMNS = sql.raw(`j.tenant_id, j.case_id, j.seq, j.after, j.event_id, j.type, j.emitter, j.cause_id,
  to_char(j.time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as time, j.traceparent, j.data::text as data`);

/** The journal's rows for the (tenant_id, case_id, seq) of CTE `keys`, with `more` of it. `offset 0` keeps it a look-up per key. */
export const entriesOf = (
  keys: string,
  more = '',
): SQL => sql`select j.*${sql.raw(more)} from ${sql.raw(keys)} k cross join lateral (
    select ${ENTRY_COLUMNS} from ${journal} j
    where j.tenant_id = k.tenant_id and j.case_id = k.case_id and j.seq = k.seq offset 0
  ) j`;

export const toEntry = (raw: RawEntry): JournalEntry => ({
  tenantId: raw.tenant_id,
  caseId: raw.case_id,
  seq: raw.seq,
  after: raw.after,
  eventId: raw.event_id,
  type: raw.type,
  emitter: raw.emitter,
  causeId: raw.cause_id,
  time: raw.time,
  traceparent: raw.traceparent,
  data: raw.data,
});
