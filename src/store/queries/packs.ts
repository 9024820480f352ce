/** Packs: their immutable versions, which one is active, and who made it so. */
import { createHash } from 'node:crypto';
import type { Activated, Activating } from '../../core/activation.js';
import { ProblemError } from '../../core/errors.js';
import { and, desc, eq, inArray, lt, max, sql } from '../drizzle.js';
import { packActivations, packs, tenants } from '../schema.js';
import type { Database, Db } from './database.js';
import { unknownTenant } from './tenants.js';

export interface NewPack {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>; // text by path: `triage.yaml`
  readonly createdBy: string;
}

/** The content hash of a pack: equal files, whatever their order, are the same version. */
export function packHash(files: Readonly<Record<string, string>>): string {
  const sorted = Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex');
}

/** Locks the tenant, so that two who save or activate at once come one after the other; answers the active version. */
async function lockTenant(db: Db, tenantId: string): Promise<number | null> {
  const [row] = await db
    .select({ active: tenants.activePack })
    .from(tenants)
    .where(eq(tenants.tenantId, tenantId))
    .for('update');
  if (!row) throw unknownTenant(tenantId);
  return row.active;
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

/** Throws ProblemError TENANT_UNKNOWN, PACK_VERSION_UNKNOWN, PACK_ACTIVE_CHANGED. */
async function activatePack(
  database: Database,
  tenantId: string,
  version: number,
  how: Activating = { by: 'millrace' },
): Promise<Activated> {
  return database.within([tenantId], async (db) => {
    const previous = await lockTenant(db, tenantId);
    requireExpected(previous, how.expected);
    const [found] = await db
      .select({ version: packs.version })
      .from(packs)
      .where(and(eq(packs.tenantId, tenantId), eq(packs.version, version)));
    if (!found) throw unknownVersion(tenantId, version);
    if (previous === version) return { version, previous, changed: false };
    const last = await lastActivation(db, tenantId);
    await record(db, { tenantId, version, previous, kind: 'activate', back: last?.number ?? null }, how, last?.number);
    return { version, previous, changed: true };
  });
}

/** Activates what was active before the active version was. Throws as `activatePack`, and ROLLBACK_IMPOSSIBLE. */
async function rollbackPack(database: Database, tenantId: string, how: Activating): Promise<Activated> {
  return database.within([tenantId], async (db) => {
    const previous = await lockTenant(db, tenantId);
    requireExpected(previous, how.expected);
    const last = await lastActivation(db, tenantId);
    const target = await activationBefore(db, last);
    if (!target) throw nothingBefore(tenantId);
    const { version, back } = target;
    await record(db, { tenantId, version, previous, kind: 'rollback', back }, how, last?.number);
    return { version, previous, changed: true };
  });
}

/** What is active, and what a rollback would make active; null: there is none. */
const rollbackTarget = (database: Database, tenantId: string) =>
  database.within([tenantId], async (db) => {
    const last = await lastActivation(db, tenantId);
    const target = await activationBefore(db, last);
    return { active: last?.version ?? null, version: target?.version ?? null };
  });

type Activation = typeof packActivations.$inferSelect;

async function record(
  db: Db,
  row: Pick<Activation, 'tenantId' | 'version' | 'previous' | 'kind' | 'back'>,
  { by, reason }: Activating,
  last = 0,
): Promise<void> {
  await db.insert(packActivations).values({ ...row, number: last + 1, by, reason: reason ?? null });
  await db.update(tenants).set({ activePack: row.version }).where(eq(tenants.tenantId, row.tenantId));
}

async function lastActivation(db: Db, tenantId: string): Promise<Activation | undefined> {
  const [row] = await db
    .select()
    .from(packActivations)
    .where(eq(packActivations.tenantId, tenantId))
    .orderBy(desc(packActivations.number))
    .limit(1);
  return row;
}

async function activationBefore(db: Db, last: Activation | undefined): Promise<Activation | undefined> {
  if (last === undefined || last.back === null) return undefined;
  const [row] = await db
    .select()
    .from(packActivations)
    .where(and(eq(packActivations.tenantId, last.tenantId), eq(packActivations.number, last.back)));
  return row;
}

function requireExpected(active: number | null, expected: number | null | undefined): void {
  if (expected === undefined || expected === active) return;
  const shown = (version: number | null) => (version === null ? 'none' : `version ${version}`);
  const message = `${shown(expected)} was expected to be active, but ${shown(active)} is.`;
  const hint = 'Somebody else activated in the meantime: look at what changed, then say what you expect now.';
  throw new ProblemError({ code: 'PACK_ACTIVE_CHANGED', path: 'expected', message, hint }, 409);
}

const unknownVersion = (tenantId: string, version: number): ProblemError =>
  new ProblemError(
    {
      code: 'PACK_VERSION_UNKNOWN',
      path: 'version',
      message: `Tenant "${tenantId}" has no pack version ${version}.`,
      hint: 'List its versions with `millrace packs list`.',
    },
    404,
  );

const nothingBefore = (tenantId: string): ProblemError =>
  new ProblemError(
    {
      code: 'ROLLBACK_IMPOSSIBLE',
      message: `Nothing was active before what tenant "${tenantId}" has now.`,
      hint: 'Activate a version by its number; `millrace packs list` shows them.',
    },
    409,
  );

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

/** Of these tenants, those that have one. */
async function activeVersions(database: Database, tenantIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const rows = await database.within(tenantIds, (db) =>
    db
      .select({ tenantId: tenants.tenantId, version: tenants.activePack })
      .from(tenants)
      .where(inArray(tenants.tenantId, [...tenantIds])),
  );
  return new Map(rows.flatMap(({ tenantId, version }) => (version === null ? [] : [[tenantId, version] as const])));
}

async function packFiles(database: Database, tenantId: string, version: number) {
  const pack = await getPack(database, tenantId, version);
  return pack === null ? null : new Map(Object.entries(pack.files));
}

export interface PackList {
  readonly limit?: number; // 1,000
  readonly before?: number; // only versions below
}

/** Versions without their files, the newest first. */
const listPacks = (database: Database, tenantId: string, { limit = 1_000, before }: PackList) =>
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
      .where(and(eq(packs.tenantId, tenantId), before === undefined ? undefined : lt(packs.version, before)))
      .orderBy(desc(packs.version))
      .limit(limit),
  );

/** Who made which version the active one, the newest first. */
const packActivationsOf = (database: Database, tenantId: string, limit: number) =>
  database.within([tenantId], (db) =>
    db
      .select({
        number: packActivations.number,
        version: packActivations.version,
        previous: packActivations.previous,
        kind: packActivations.kind,
        at: packActivations.at,
        by: packActivations.by,
        reason: packActivations.reason,
      })
      .from(packActivations)
      .where(eq(packActivations.tenantId, tenantId))
      .orderBy(desc(packActivations.number))
      .limit(limit),
  );

export const packQueries = (database: Database) => ({
  savePack: (tenantId: string, pack: NewPack) => savePack(database, tenantId, pack),
  activatePack: (tenantId: string, version: number, how?: Activating) => activatePack(database, tenantId, version, how),
  rollbackPack: (tenantId: string, how: Activating) => rollbackPack(database, tenantId, how),
  rollbackTarget: (tenantId: string) => rollbackTarget(database, tenantId),
  getPack: (tenantId: string, version: number) => getPack(database, tenantId, version),
  getActivePack: (tenantId: string) => getActivePack(database, tenantId),
  listPacks: (tenantId: string, page: PackList = {}) => listPacks(database, tenantId, page),
  packActivations: (tenantId: string, limit = 100) => packActivationsOf(database, tenantId, limit),
  /** What a cache of compiled packs reads from. */
  packSource: {
    activeVersion: async (tenantId: string) => (await activeVersions(database, [tenantId])).get(tenantId) ?? null,
    activeVersions: (tenantIds: readonly string[]) => activeVersions(database, tenantIds),
    files: (tenantId: string, version: number) => packFiles(database, tenantId, version),
  },
});
