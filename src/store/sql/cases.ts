/** Locking: the position rows first, then cases in sorted order; every look-up by index, whatever the tables hold. */
import { SECTIONS, type Section } from '../../core/case.js';
import type { StageName } from '../../core/stages.js';
import { awaitedOf } from '../awaited.js';
import { type SQL, sql } from '../drizzle.js';
import type { CaseKey, CaseRow, EventRef, OpenedChunk, PositionKey } from '../port.js';
import { cases, journal, positions } from '../schema.js';
import { arrays, distinct, KEYS, POSITIONS, REFS, unnest } from './columns.js';
import { type Session, statement } from './driver.js';
import { CASE_COLUMNS, ms, PARTITION, type RawCase, type RawOpened, toCaseRow, VALUE } from './rows.js';
import { list, type Rows, Shaped } from './shaped.js';

/** The places, from 1, of references that the journal does not have. */
const unknownRefs = statement<{ unknown: number[] | null }>(sql`
  with r as materialized (select * from ${unnest('refs', 'r', REFS, 'n')})
  select (select jsonb_agg(r.n) from r left join lateral (
    select true as found from ${journal} j
    where j.tenant_id = r.t and j.case_id = r.c and j.seq = r.q and j.event_id = r.i offset 0
  ) j on true where j.found is null) as unknown`);

const clock = statement<{ now: number }>(sql`select ${ms('clock_timestamp()')} as now`);

/** Statements by the columns of their sections, each in its place. */
function perSections<Row>(build: (rows: Rows, columns: string) => SQL): (wanted: readonly Section[]) => Shaped<Row> {
  const built = new Map<string, Shaped<Row>>();
  return (wanted) => {
    const columns = SECTIONS.map((section) => (wanted.includes(section) ? `c.${section}` : 'null')).join();
    let found = built.get(columns);
    if (found === undefined) {
      found = new Shaped((rows) => build(rows, columns));
      built.set(columns, found);
    }
    return found;
  };
}

/** The order of the keys is the order in which the rows are locked. */
const lockedCases = (rows: Rows, columns: string) => sql`
  from (select * from ${rows('keys', 'k', KEYS)} order by k.t, k.c offset 0) k cross join lateral (
    select ${CASE_COLUMNS}, ${sql.raw(columns)} from ${cases} c where c.tenant_id = k.t and c.case_id = k.c for update
  ) c`;

const lockStatement = perSections<RawCase>((rows, columns) => sql`select c.* ${lockedCases(rows, columns)}`);

export async function lockCases(
  session: Session,
  keys: readonly CaseKey[],
  sections: readonly Section[],
): Promise<CaseRow[]> {
  if (keys.length === 0) return [];
  const rows = await session.lists(...lockStatement(sections).with({ keys: list(KEYS, distinct(keys)) }));
  return rows.map(toCaseRow);
}

/**
 * Its parts run one after the other: positions are locked before cases, and the clock is read after both. They share a snapshot:
 * who waits for a position sees no case made meanwhile, but a case is committed before its first event is published.
 */
const openStatement = perSections<RawOpened>((rows, columns) => {
  const none = sql.raw(Array.from({ length: PARTITION }, () => 'null').join());
  return sql`
    select ${none}, o.partition, o.next_offset::float8
    from (select * from ${rows('positions', 'k', POSITIONS)} order by p offset 0) k cross join lateral (
      select o.partition, o.next_offset from ${positions} o
      where o.consumer_group = k.g and o.topic = k.t and o.epoch = k.e and o.partition = k.p for update
    ) o
    union all select c.*, null, null ${lockedCases(rows, columns)}
    union all select ${none}, null, ${ms('clock_timestamp()')}`;
});

export async function openChunk(
  session: Session,
  places: readonly PositionKey[],
  refs: readonly EventRef[],
  sections: readonly Section[],
  stage?: StageName,
): Promise<OpenedChunk> {
  const lists = { positions: list(POSITIONS, places), keys: list(KEYS, distinct(refs)) };
  const rows = await session.lists(...openStatement(sections).with(lists));
  const next = new Map<number, number>();
  const found: CaseRow[] = [];
  let now = 0;
  for (const row of rows) {
    const value = row[VALUE];
    if (value === null) found.push(toCaseRow(row));
    else if (row[PARTITION] === null) now = value;
    else next.set(row[PARTITION], value);
  }
  const known = stage === undefined ? refs.map(() => false) : awaitedOf(found, refs, stage);
  await addJournaled(session, refs, known);
  return { next, now, cases: found, known };
}

/** Asks the journal for those of `refs` that are not `known` otherwise. */
async function addJournaled(session: Session, refs: readonly EventRef[], known: boolean[]): Promise<void> {
  const places: number[] = [];
  for (let i = 0; i < known.length; i++) if (!known[i]) places.push(i);
  const asked = places.map((place) => refs[place] as EventRef);
  if (asked.length === 0) return;
  const [{ unknown } = { unknown: null }] = await session.run(unknownRefs, arrays('refs', REFS, asked));
  const missing = new Set(unknown ?? []);
  for (const [i, place] of places.entries()) known[place] = !missing.has(i + 1);
}

export async function databaseClock(session: Session): Promise<number> {
  const [row] = await session.run(clock, {});
  return (row as { now: number }).now;
}
