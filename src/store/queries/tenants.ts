/** Tenants and their API keys. */
import { ProblemError } from '../../core/errors.js';
import { isTenantId } from '../../core/ids.js';
import { and, asc, eq, isNull, lt, or, sql } from '../drizzle.js';
import { apiKeys, tenants } from '../schema.js';
import type { Database } from './database.js';

export type NewApiKey = Pick<
  typeof apiKeys.$inferInsert,
  'tenantId' | 'keyId' | 'name' | 'secretHash' | 'scopes' | 'expiresAt'
>;

export const unknownTenant = (tenantId: string): ProblemError =>
  new ProblemError(
    {
      code: 'TENANT_UNKNOWN',
      message: `There is no tenant "${tenantId}".`,
      hint: `Create it first: millrace tenants create ${tenantId}`,
    },
    404,
  );

/** Answers false when the tenant was there already. Throws ProblemError TENANT_INVALID. */
async function createTenant(database: Database, tenantId: string): Promise<boolean> {
  if (!isTenantId(tenantId)) {
    throw new ProblemError({
      code: 'TENANT_INVALID',
      message: `"${tenantId}" cannot be a tenant id.`,
      hint: 'Start with a letter or digit, then letters, digits, "_" and "-", at most 63 characters.',
    });
  }
  const made = await database.within([tenantId], (db) =>
    db.insert(tenants).values({ tenantId }).onConflictDoNothing().returning({ tenantId: tenants.tenantId }),
  );
  return made.length === 1;
}

async function tenantExists(database: Database, tenantId: string): Promise<boolean> {
  const rows = await database.within([], (db) =>
    db.select({ tenantId: tenants.tenantId }).from(tenants).where(eq(tenants.tenantId, tenantId)),
  );
  return rows.length === 1;
}

/** A disabled tenant's events become dead letters; nothing of it is deleted. */
async function setTenantDisabled(database: Database, tenantId: string, disabled: boolean): Promise<void> {
  const changed = await database.within([tenantId], (db) =>
    db
      .update(tenants)
      .set({ disabledAt: disabled ? sql`now()` : null })
      .where(eq(tenants.tenantId, tenantId))
      .returning({ tenantId: tenants.tenantId }),
  );
  if (changed.length === 0) throw unknownTenant(tenantId);
}

async function revokeApiKey(database: Database, tenantId: string, keyId: string): Promise<boolean> {
  const rows = await database.within([tenantId], (db) =>
    db
      .update(apiKeys)
      .set({ revokedAt: sql`now()` })
      .where(and(eq(apiKeys.tenantId, tenantId), eq(apiKeys.keyId, keyId), isNull(apiKeys.revokedAt)))
      .returning({ keyId: apiKeys.keyId }),
  );
  return rows.length === 1;
}

async function findApiKey(database: Database, tenantId: string, keyId: string) {
  const [row] = await database.within([tenantId], (db) =>
    db
      .select()
      .from(apiKeys)
      .where(and(eq(apiKeys.tenantId, tenantId), eq(apiKeys.keyId, keyId))),
  );
  return row ?? null;
}

/** Notes that a key was used, at most once a minute. */
async function touchApiKey(database: Database, tenantId: string, keyId: string): Promise<void> {
  const stale = or(isNull(apiKeys.lastUsedAt), lt(apiKeys.lastUsedAt, sql`now() - interval '1 minute'`));
  await database.within([tenantId], (db) =>
    db
      .update(apiKeys)
      .set({ lastUsedAt: sql`now()` })
      .where(and(eq(apiKeys.tenantId, tenantId), eq(apiKeys.keyId, keyId), stale)),
  );
}

const listApiKeys = (database: Database, tenantId: string) =>
  database.within([tenantId], (db) =>
    db.select().from(apiKeys).where(eq(apiKeys.tenantId, tenantId)).orderBy(asc(apiKeys.createdAt)),
  );

export type ApiKey = typeof apiKeys.$inferSelect;

export const tenantQueries = (database: Database) => ({
  createTenant: (tenantId: string) => createTenant(database, tenantId),
  tenantExists: (tenantId: string) => tenantExists(database, tenantId),
  listTenants: () => database.within([], (db) => db.select().from(tenants).orderBy(asc(tenants.tenantId))),
  setTenantDisabled: (tenantId: string, disabled: boolean) => setTenantDisabled(database, tenantId, disabled),
  createApiKey: async (key: NewApiKey): Promise<void> => {
    await database.within([key.tenantId], (db) => db.insert(apiKeys).values(key));
  },
  listApiKeys: (tenantId: string) => listApiKeys(database, tenantId),
  findApiKey: (tenantId: string, keyId: string) => findApiKey(database, tenantId, keyId),
  revokeApiKey: (tenantId: string, keyId: string) => revokeApiKey(database, tenantId, keyId),
  touchApiKey: (tenantId: string, keyId: string) => touchApiKey(database, tenantId, keyId),
});
