/** The driver for PGlite: Postgres in a thread of this process, one connection, data in a folder or in memory. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import postgres from 'postgres';
import { ProblemError } from '../../core/errors.js';
import type { Driver } from './driver.js';
import { type Link, openLink, type ThreadOptions } from './pglite-link.js';
import { Pool } from './pool.js';
import { type OptionsWithSocket, TYPES, transactionsOn } from './wire.js';

export interface PgliteOptions {
  readonly dataDir?: string; // absent: in memory
  /** A dump of PGlite's to begin with, in memory only: to make a database takes seconds. */
  readonly copyOf?: string;
  readonly upkeepMs?: number; // how often to look for tables to vacuum and the like, default 15 s
  /** Hears of a database that ended unasked; every transaction after that fails as transient. */
  readonly onCrash?: (error: Error) => void;
}

const CLOSE_MS = 5_000;

/**
 * Opens the database; a new folder is initialised, which takes a few seconds. What is committed has been written to the
 * folder, so it outlives the process; it is not forced to the disk, so the last of it may not outlive a power cut.
 * Throws ProblemError DATABASE_UNUSABLE.
 */
export async function pgliteDriver(given: PgliteOptions = {}): Promise<Driver> {
  const { dataDir = null, copyOf = null, upkeepMs = 15_000, onCrash = () => undefined } = given;
  const link = await open({ dataDir, copyOf, upkeepMs }, onCrash);
  const options: OptionsWithSocket = {
    socket: link.socket,
    host: 'pglite',
    port: 5432,
    user: 'postgres',
    database: 'postgres',
    ssl: false,
    max: 1,
    max_lifetime: null,
    connect_timeout: 60,
    backoff: () => 0,
    fetch_types: false,
    onnotice: () => undefined,
    types: TYPES,
  };
  const pool = new Pool(1, (onclose) => postgres({ ...options, onclose }));
  return {
    kind: 'pglite',
    transaction: transactionsOn(pool, true),
    async close() {
      await pool.close(CLOSE_MS);
      await link.close();
    },
  };
}

async function open(options: ThreadOptions, onCrash: (error: Error) => void): Promise<Link> {
  const { dataDir } = options;
  const isNew = dataDir !== null && !existsSync(join(dataDir, 'PG_VERSION'));
  try {
    const link = await openLink(options, onCrash);
    if (!isNew) return link;
    await link.close(); // making a database leaves hundreds of megabytes in the memory of its thread
    return await openLink(options, onCrash);
  } catch (error) {
    throw new ProblemError({
      code: 'DATABASE_UNUSABLE',
      message: `The embedded database does not open: ${(error as Error).message}`,
      ...(dataDir !== null && { path: dataDir }),
      hint: 'See that the disk has space left; if the folder is damaged or of another version, move it away to start anew.',
    });
  }
}
