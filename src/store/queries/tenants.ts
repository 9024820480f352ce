/** Tenants, their packs and their API keys. */
import { createHash } from 'node:crypto';
import { and, asc, desc, eq, isNull, lt, max, or, sql } from 'drizzle-orm';
import { ProblemError } from '../../core/errors.js';
import { isTenantId } from '../../core/ids.js';
import { apiKeys, packs, tenants } from '../schema.js';
import type { Database, Db } from './database.js';

export interface NewPack {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>; // text by path: `triage.yaml`
  readonly createdBy: string;
}

export type NewApiKey = Pick<
  typeof apiKeys.$inferInsert,
  'tenantId' | 'keyId' | 'name' | 'secretHash' | 'scopes' | 'expiresAt'
>;

/** The content hash of a pack: equal files, whatever their order, are the same version. */
export function packHash(files: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex');
}

const unknownTenant = (tenantId: string): ProblemError =>
  new ProblemError(
    {
      code: 'TENANT_UNKNOWN',
      message: `There is no tenant "${tenantId}".`,
      hint: 'Create it first: `millrace tenants create`.',
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

/** Locks the tenant, so that two saves cannot give the same number. */
async function lockTenant(db: Db, tenantId: string): Promise<void> {
  const rows = await db
    .select({ tenantId: tenants.tenantId })
    .from(tenants)
    .where(eq(tenants.tenantId, tenantId))
    .for('update');
  if (rows.length === 0) throw unknownTenant(tenantId);
}

/** The version that has these files: a new one, or the one that had them already. Throws ProblemError TENANT_UNKNOWN. */
async function savePack(database: Database, tenantId: string, pack: NewPack) {
  const hash = packHash(pack.files);
  return database.within([tenantId], async (db) => {
    await lockTenant(db, tenantId);
    const [same] = await db
      .select({ version: packs.version })
      .from(packs)
      .where(and(eq(packs.tenantId, tenantId), eq(packs.hash, hash)));
    if (same) return { version: same.version, hash, created: false };
    const [last] = await db
      .select({ version: max(packs.version) })
      .from(packs)
      .where(eq(packs.tenantId, tenantId));
    const version = (last?.version ?? 0) + 1;
    await db.insert(packs).values({ tenantId, version, hash, ...pack });
    return { version, hash, created: true };
  });
}

/** Throws ProblemError PACK_VERSION_UNKNOWN. */
async function activatePack(database: Database, tenantId: string, version: number): Promise<void> {
  await database.within([tenantId], async (db) => {
    const [found] = await db
      .select({ version: packs.version })
      .from(packs)
      .where(and(eq(packs.tenantId, tenantId), eq(packs.version, version)));
    if (!found) {
      throw new ProblemError(
        {
          code: 'PACK_VERSION_UNKNOWN',
          message: `Tenant "${tenantId}" has no pack version ${version}.`,
          hint: 'List its versions with `millrace packs list`.',
        },
        404,
      );
    }
    await db.update(tenants).set({ activePack: version }).where(eq(tenants.tenantId, tenantId));
  });
}

async function getPack(database: Database, tenantId: string, version: number) {
  const [row] = await database.within([tenantId], (db) =>
    db
      .select()
      .from(packs)
      .where(and(eq(packs.tenantId, tenantId), eq(packs.version, version))),
  );
  return row ?? null;
}

async function getActivePack(database: Database, tenantId: string) {
  const [row] = await database.within([tenantId], (db) =>
    db
      .select({ pack: packs })
      .from(packs)
      .innerJoin(tenants, and(eq(tenants.tenantId, packs.tenantId), eq(tenants.activePack, packs.version)))
      .where(eq(packs.tenantId, tenantId)),
  );
  return row?.pack ?? null;
}

async function activeVersion(database: Database, tenantId: string): Promise<number | null> {
  const [row] = await database.within([tenantId], (db) =>
    db.select({ version: tenants.activePack }).from(tenants).where(eq(tenants.tenantId, tenantId)),
  );
  return row?.version ?? null;
}

async function packFiles(database: Database, tenantId: string, version: number) {
  const pack = await getPack(database, tenantId, version);
  return pack === null ? null : new Map(Object.entries(pack.files));
}

/** Versions without their files, the newest first. */
const listPacks = (database: Database, tenantId: string) =>
  database.within([tenantId], (db) =>
    db
      .select({
        version: packs.version,
        hash: packs.hash,
        name: packs.name,
        createdAt: packs.createdAt,
        createdBy: packs.createdBy,
        active: sql<boolean>`${packs.version} is not distinct from ${tenants.activePack}`,
      })
      .from(packs)
      .innerJoin(tenants, eq(tenants.tenantId, packs.tenantId))
      .where(eq(packs.tenantId, tenantId))
      .orderBy(desc(packs.version)),
  );

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
  savePack: (tenantId: string, pack: NewPack) => savePack(database, tenantId, pack),
  activatePack: (tenantId: string, version: number) => activatePack(database, tenantId, version),
  getPack: (tenantId: string, version: number) => getPack(database, tenantId, version),
  getActivePack: (tenantId: string) => getActivePack(database, tenantId),
  listPacks: (tenantId: string) => listPacks(database, tenantId),
  /** What a cache of compiled packs reads from. */
  packSource: {
    activeVersion: (tenantId: string) => activeVersion(database, tenantId),
    files: (tenantId: string, version: number) => packFiles(database, tenantId, version),
  },
  createApiKey: async (key: NewApiKey): Promise<void> => {
    await database.within([key.tenantId], (db) => db.insert(apiKeys).values(key));
  },
  listApiKeys: (tenantId: string) => listApiKeys(database, tenantId),
  findApiKey: (tenantId: string, keyId: string) => findApiKey(database, tenantId, keyId),
  revokeApiKey: (tenantId: string, keyId: string) => revokeApiKey(database, tenantId, keyId),
  touchApiKey: (tenantId: string, keyId: string) => touchApiKey(database, tenantId, keyId),
});
