/** The driver for PGlite: Postgres inside the process, one connection, data in a folder or in memory. */
import { PGlite, type Transaction, types } from '@electric-sql/pglite';
import { wrapStoreError } from '../errors.js';
import { type Driver, ordered, type Session } from './driver.js';
import { applyScope } from './scope.js';

export interface PgliteOptions {
  readonly dataDir?: string; // absent: in memory
}

const same = (value: string): string => value;
const PARSERS = { [types.INT8]: Number, [types.TIMESTAMPTZ]: same };

/** Opens the database; a new folder is initialised, which takes a few seconds. */
export async function pgliteDriver(options: PgliteOptions = {}): Promise<Driver> {
  const db = await PGlite.create({
    ...(options.dataDir !== undefined && { dataDir: options.dataDir }),
    parsers: PARSERS,
  });
  await db.exec(`set timezone = 'UTC'; set jit = off`);
  return {
    kind: 'pglite',
    async transaction(scope, body, hot = false) {
      try {
        return await db.transaction(async (tx) => {
          const session = sessionOf(tx);
          await applyScope(session, scope, hot, true);
          return body(session);
        });
      } catch (error) {
        throw wrapStoreError(error);
      }
    },
    close: () => db.close(),
  };
}

function sessionOf(tx: Transaction): Session {
  return {
    async run<Row>(...[wanted, params]: Parameters<Session['run']>) {
      return (await tx.query<Row>(wanted.text, ordered(wanted, params))).rows;
    },
    async values(text, params) {
      return (await tx.query<unknown[]>(text, [...params], { rowMode: 'array' })).rows;
    },
    async script(text) {
      await tx.exec(text);
    },
  };
}
