/** Dead letters as people look at them: one by one, grouped by cause, and what replaying them would do. */
import type { LetterFilter } from '../../core/letters.js';
import { and, asc, count, countDistinct, desc, eq, inArray, lt, max, min, type SQL, sql } from '../drizzle.js';
import { deadLetters } from '../schema.js';
import { after, decodeCursor, microsOf, type Page, page } from './cursor.js';
import type { Database } from './database.js';

export interface DeadLetterList extends LetterFilter {
  readonly limit: number;
  readonly cursor?: string;
}

function matching(tenantId: string, filter: LetterFilter): SQL | undefined {
  const { status, stage, code, eventType, caseId, failedBefore } = filter;
  return and(
    eq(deadLetters.tenantId, tenantId),
    status && inArray(deadLetters.status, [...status]),
    stage && eq(deadLetters.stage, stage),
    code === undefined ? undefined : eq(deadLetters.code, code),
    eventType === undefined ? undefined : eq(deadLetters.eventType, eventType),
    caseId === undefined ? undefined : eq(deadLetters.caseId, caseId),
    failedBefore === undefined ? undefined : lt(deadLetters.lastAt, failedBefore),
  );
}

/** The newest first; `SYSTEM_TENANT` has those that name no known tenant. Throws ProblemError CURSOR_INVALID. */
async function listDeadLetters(database: Database, tenantId: string, filter: DeadLetterList) {
  const { limit, cursor, ...rest } = filter;
  const list = `dead-letters\n${tenantId}\n${JSON.stringify(rest)}`;
  const place = cursor === undefined ? undefined : decodeCursor(list, cursor);
  const rows = await database.within([tenantId], (db) =>
    db
      .select({ letter: deadLetters, micros: microsOf(deadLetters.firstAt) })
      .from(deadLetters)
      .where(and(matching(tenantId, filter), place && after(place, deadLetters.firstAt, deadLetters.deadLetterId)))
      .orderBy(desc(deadLetters.firstAt), asc(deadLetters.deadLetterId))
      .limit(limit + 1),
  );
  return page(
    rows,
    limit,
    list,
    ({ letter }) => letter.deadLetterId,
    ({ letter }) => letter,
  );
}

async function getDeadLetter(database: Database, tenantId: string, deadLetterId: string) {
  const [row] = await database.within([tenantId], (db) =>
    db
      .select()
      .from(deadLetters)
      .where(and(eq(deadLetters.tenantId, tenantId), eq(deadLetters.deadLetterId, deadLetterId))),
  );
  return row ?? null;
}

/** The ids of letters, the oldest first: the order in which they are replayed. */
async function deadLetterIds(database: Database, tenantId: string, filter: LetterFilter, limit: number) {
  const rows = await database.within([tenantId], (db) =>
    db
      .select({ id: deadLetters.deadLetterId })
      .from(deadLetters)
      .where(matching(tenantId, filter))
      .orderBy(asc(deadLetters.firstAt), asc(deadLetters.deadLetterId))
      .limit(limit),
  );
  return rows.map(({ id }) => id);
}

/** The message without what differs from letter to letter: quoted text, ids and numbers. */
const pattern = sql<string>`regexp_replace(regexp_replace(regexp_replace(left(${deadLetters.message}, 1000),
  '"([^"\\\\]|\\\\.)*"', '"…"', 'g'),
  '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', '…', 'g'), '\\d+', '#', 'g')`;

const cause = {
  stage: deadLetters.stage,
  code: deadLetters.code,
  eventType: deadLetters.eventType,
  pattern: pattern.as('pattern'),
};

/** Letters with the same cause together, those with most of them first. */
const deadLetterCauses = (database: Database, tenantId: string, filter: LetterFilter, limit = 200) =>
  database.within([tenantId], (db) =>
    db
      .select({
        ...cause,
        count: count(),
        cases: countDistinct(deadLetters.caseId),
        parked: sql<number>`(count(*) filter (where ${deadLetters.status} = 'parked'))::int`,
        firstAt: min(deadLetters.firstAt),
        lastAt: max(deadLetters.lastAt),
        example: sql<string>`(array_agg(${deadLetters.deadLetterId} order by ${deadLetters.lastAt} desc))[1]`,
      })
      .from(deadLetters)
      .where(matching(tenantId, filter))
      .groupBy(deadLetters.stage, deadLetters.code, deadLetters.eventType, sql`pattern`)
      .orderBy(desc(count()), asc(deadLetters.stage), asc(deadLetters.code))
      .limit(limit),
  );

/** What replaying these letters would do. A call's idempotency key is made from the request, so it stays the same. */
async function previewDeadLetters(database: Database, tenantId: string, filter: LetterFilter) {
  const [found] = await database.within([tenantId], (db) => {
    const letters = db
      .select({ ...cause, caseId: deadLetters.caseId, status: deadLetters.status, edited: deadLetters.edited })
      .from(deadLetters)
      .where(matching(tenantId, filter))
      .as('letters');
    return db
      .select({
        letters: count(),
        causes: sql<number>`count(distinct (stage, code, event_type, pattern))::int`,
        cases: countDistinct(letters.caseId),
        calls: sql<number>`(count(*) filter (where stage = 'tool' and event_type is distinct from 'ToolCanceled'))::int`,
        edited: sql<number>`(count(*) filter (where edited is not null))::int`,
        parked: sql<number>`(count(*) filter (where status = 'parked'))::int`,
        at: sql<number>`floor(extract(epoch from clock_timestamp()) * 1000)::float8`,
      })
      .from(letters);
  });
  return found as NonNullable<typeof found>;
}

export type DeadLetter = typeof deadLetters.$inferSelect;
export type DeadLetterCause = Awaited<ReturnType<typeof deadLetterCauses>>[number];
export type DeadLetterPreview = Awaited<ReturnType<typeof previewDeadLetters>>;

export const deadLetterQueries = (database: Database) => ({
  listDeadLetters: (tenantId: string, filter: DeadLetterList): Promise<Page<DeadLetter>> =>
    listDeadLetters(database, tenantId, filter),
  getDeadLetter: (tenantId: string, deadLetterId: string) => getDeadLetter(database, tenantId, deadLetterId),
  deadLetterIds: (tenantId: string, filter: LetterFilter, limit: number): Promise<readonly string[]> =>
    deadLetterIds(database, tenantId, filter, limit),
  deadLetterCauses: (tenantId: string, filter: LetterFilter, limit?: number) =>
    deadLetterCauses(database, tenantId, filter, limit),
  previewDeadLetters: (tenantId: string, filter: LetterFilter) => previewDeadLetters(database, tenantId, filter),
});
