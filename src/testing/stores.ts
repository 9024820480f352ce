/** Stores for tests: a fresh one on PGlite, or on a database of its own on the server of the run. */
import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { ProblemError } from '../core/errors.js';
import { grantRuntimeLogin, migrate } from '../store/migrate.js';
import { createPostgresStore, type OpenStore, openForMigration } from '../store/open.js';
import { memoryStore } from './pglite.js';
import { createDatabase } from './services/postgres.js';
import type { StoreHarness } from './store-contract.js';

export type TestStore = StoreHarness & OpenStore & { readonly url: string };

const tenantMaker = (open: OpenStore) => async (): Promise<string> => {
  const tenantId = `t-${randomUUID().slice(0, 8)}`;
  await open.queries.createTenant(tenantId);
  return tenantId;
};

const activatorOf =
  (open: OpenStore) =>
  async (tenantId: string): Promise<void> => {
    const pack = { name: 'test', files: {}, createdBy: 'test' };
    await open.queries.activatePack(tenantId, (await open.queries.savePack(tenantId, pack)).version);
  };

export async function pgliteForTest(): Promise<TestStore> {
  const open = await memoryStore();
  return { ...open, url: '', tenant: tenantMaker(open), activate: activatorOf(open) };
}

/** Migrated as the superuser of `adminUrl`; the store connects with a login that owns nothing. */
export async function postgresForTest(adminUrl: string, poolSize = 5): Promise<TestStore> {
  const database = await createDatabase(adminUrl);
  const owner = openForMigration(database.url);
  const user = `worker_${randomUUID().slice(0, 8)}`;
  await migrate(owner);
  await grantRuntimeLogin(owner, user, "it's a \\ secret");
  await owner.close();
  const url = new URL(database.url);
  url.username = user;
  url.password = encodeURIComponent("it's a \\ secret");
  const open = createPostgresStore({ url: url.href, poolSize });
  const admin = postgres(database.url, { max: 1, onnotice: () => undefined });
  return {
    ...open,
    url: url.href,
    tenant: tenantMaker(open),
    activate: activatorOf(open),
    waiting: async () => {
      const [row] = await admin`select count(*)::int as n from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`;
      return row?.n;
    },
    close: async () => {
      await open.close();
      await admin.end();
      await database.drop();
      await dropRole(adminUrl, user);
    },
  };
}

async function dropRole(adminUrl: string, user: string): Promise<void> {
  const admin = postgres(adminUrl, { max: 1, onnotice: () => undefined });
  await admin.unsafe(`drop role ${user}`);
  await admin.end();
}

/** The code of the problem that the promise is rejected with. */
export const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no problem',
    (error: unknown) => (error instanceof ProblemError ? error.problem.code : String(error)),
  );
