/** What the ways in that Millrace goes itself (topics, schedules, correlation) need of the tenants' packs. */
import { and, asc, eq, inArray, isNotNull, isNull, sql } from '../drizzle.js';
import { packs, tenants } from '../schema.js';
import type { Database } from './database.js';

/** The active versions of all tenants that have one and are not disabled. */
const activePacks = (database: Database) =>
  database.within([], async (db) => {
    const rows = await db
      .select({ tenantId: tenants.tenantId, version: tenants.activePack })
      .from(tenants)
      .where(and(isNull(tenants.disabledAt), isNotNull(tenants.activePack)))
      .orderBy(asc(tenants.tenantId));
    return rows.flatMap(({ tenantId, version }) => (version === null ? [] : [{ tenantId, version }]));
  });

/** Of these tenants those whose active pack has the pattern (a regular expression) in its sources.yaml. */
async function packsWithSource(database: Database, tenantIds: readonly string[], pattern: string): Promise<string[]> {
  const rows = await database.within(tenantIds, (db) =>
    db
      .select({ tenantId: packs.tenantId })
      .from(packs)
      .innerJoin(tenants, and(eq(tenants.tenantId, packs.tenantId), eq(tenants.activePack, packs.version)))
      .where(and(inArray(packs.tenantId, [...tenantIds]), sql`${packs.files} ->> 'sources.yaml' ~ ${pattern}`)),
  );
  return rows.map(({ tenantId }) => tenantId);
}

export const inletQueries = (database: Database) => ({
  activePacks: () => activePacks(database),
  packsWithSource: (tenantIds: readonly string[], pattern: string) => packsWithSource(database, tenantIds, pattern),
});
