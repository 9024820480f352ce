/** Opens a store: on a Postgres server for a cluster, on PGlite inside the process for the embedded mode. */
import { migrate } from './migrate.js';
import type { Store } from './port.js';
import { createQueries, type Queries } from './queries.js';
import type { Driver } from './sql/driver.js';
import { type PgliteOptions, pgliteDriver } from './sql/pglite.js';
import { type PostgresOptions, postgresDriver } from './sql/postgres.js';
import { createStore } from './store.js';

export interface OpenStore {
  readonly store: Store;
  readonly queries: Queries;
  readonly driver: Driver; // for migrate and the checks
  close(): Promise<void>;
}

function open(driver: Driver): OpenStore {
  return { store: createStore(driver), queries: createQueries(driver), driver, close: () => driver.close() };
}

/** Connects lazily: the first transaction finds out whether the server answers. Does not migrate. */
export const createPostgresStore = (options: PostgresOptions): OpenStore => open(postgresDriver(options));

/** Opens and migrates the embedded database. */
export async function createPgliteStore(options: PgliteOptions = {}): Promise<OpenStore> {
  const driver = await pgliteDriver(options);
  await migrate(driver);
  return open(driver);
}

/** A connection for `millrace migrate`: one, as the tables' owner, without a limit on how long a statement takes. */
export const openForMigration = (url: string): Driver =>
  postgresDriver({ url, poolSize: 1, statementTimeoutMs: 0, applicationName: 'millrace-migrate' });
