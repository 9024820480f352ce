/** What people who run the system look at: waits, the pipeline's state, and how well its parts did. */
import { type AnyPgColumn, and, asc, count, desc, eq, inArray, isNull, min, sql } from '../drizzle.js';
import type { TenantScope } from '../port.js';
import { apart } from '../schema/types.js';
import { cases, deadLetters, figures, outbox, positions, waits, workers } from '../schema.js';
import type { Database, Db } from './database.js';

/** Waits that still need somebody, the most urgent first. */
const openWaits = (database: Database, tenantId: string, caseId?: string, limit = 200) =>
  database.within([tenantId], (db) =>
    db
      .select()
      .from(waits)
      .where(
        and(
          caseId === undefined
            ? eq(waits.tenantId, tenantId)
            : and(eq(apart(waits.tenantId), tenantId), eq(waits.caseId, caseId)),
          eq(waits.status, 'open'),
        ),
      )
      .orderBy(asc(waits.expiresAt))
      .limit(limit),
  );

async function getWait(database: Database, tenantId: string, waitId: string) {
  const [row] = await database.within([tenantId], (db) =>
    db
      .select()
      .from(waits)
      .where(and(eq(waits.tenantId, tenantId), eq(waits.waitId, waitId))),
  );
  return row ?? null;
}

const listFigures = (database: Database, tenantId: string) =>
  database.within([tenantId], (db) =>
    db
      .select()
      .from(figures)
      .where(eq(figures.tenantId, tenantId))
      .orderBy(asc(figures.kind), asc(figures.name), asc(figures.outcome)),
  );

const of = (scope: TenantScope, column: AnyPgColumn) => (scope === 'all' ? undefined : inArray(column, [...scope]));

const openCases = (db: Db, scope: TenantScope) =>
  db
    .select({
      status: cases.status,
      count: count(),
      blocked: sql<number>`(count(*) filter (where ${cases.blocked}))::int`,
      oldestCreatedAt: min(cases.createdAt),
      oldestUpdatedAt: min(cases.updatedAt),
    })
    .from(cases)
    .where(and(of(scope, cases.tenantId), isNull(cases.closedAt)))
    .groupBy(cases.status);

/** How many of the tenant's cases are not closed; counting ends at `most`. */
async function countOpen(database: Database, tenantId: string, most: number): Promise<number> {
  const rows = await database.within([tenantId], (db) => {
    const some = db
      .select({ caseId: cases.caseId })
      .from(cases)
      .where(and(eq(cases.tenantId, tenantId), isNull(cases.closedAt)))
      .limit(most)
      .as('some');
    return db.select({ open: count() }).from(some);
  });
  return rows[0]?.open ?? 0;
}

const openLetters = (db: Db, scope: TenantScope) =>
  db
    .select({ stage: deadLetters.stage, code: deadLetters.code, count: count(), oldestAt: min(deadLetters.firstAt) })
    .from(deadLetters)
    .where(and(of(scope, deadLetters.tenantId), eq(deadLetters.status, 'open')))
    .groupBy(deadLetters.stage, deadLetters.code)
    .orderBy(desc(count()));

/** One moment of the pipeline for these tenants; workers and positions are the whole system's. Times in epoch ms. */
const pipeline = (database: Database, scope: TenantScope) =>
  database.within(scope, async (db) => {
    const [open, letters, unpublished, alive, consumed] = await Promise.all([
      openCases(db, scope),
      openLetters(db, scope),
      db
        .select({
          count: sql<number>`coalesce(sum(cardinality(${outbox.seqs})), 0)::int`,
          oldestAt: min(outbox.createdAt),
        })
        .from(outbox)
        .where(of(scope, outbox.tenantId)),
      db.select().from(workers).orderBy(asc(workers.stage), asc(workers.workerId)),
      db.select().from(positions).orderBy(asc(positions.group), asc(positions.topic), asc(positions.partition)),
    ]);
    const [waiting] = unpublished;
    return {
      cases: open,
      outbox: { count: waiting?.count ?? 0, oldestAt: waiting?.oldestAt ?? null },
      deadLetters: letters,
      workers: alive,
      positions: consumed,
    };
  });

export type Wait = typeof waits.$inferSelect;
export type Pipeline = Awaited<ReturnType<typeof pipeline>>;

export const operationQueries = (database: Database) => ({
  openWaits: (tenantId: string, caseId?: string, limit?: number) => openWaits(database, tenantId, caseId, limit),
  getWait: (tenantId: string, waitId: string) => getWait(database, tenantId, waitId),
  listFigures: (tenantId: string) => listFigures(database, tenantId),
  countOpen: (tenantId: string, most: number) => countOpen(database, tenantId, most),
  pipeline: (scope: TenantScope) => pipeline(database, scope),
});
