/** The driver for PGlite: Postgres in a thread of this process, one connection, data in a folder or in memory. */
import type { Duplex } from 'node:stream';
import postgres from 'postgres';
import { ProblemError } from '../../core/errors.js';
import type { Driver } from './driver.js';
import { type Link, openLink } from './pglite-link.js';
import { Pool } from './pool.js';
import { TYPES, transactionsOn } from './wire.js';

export interface PgliteOptions {
  readonly dataDir?: string; // absent: in memory
  /** Hears of a database that ended unasked; every transaction after that fails as transient. */
  readonly onCrash?: (error: Error) => void;
}

/** postgres.js takes a socket of its user's own; its types do not say so. */
interface OptionsWithSocket extends postgres.Options<Record<string, postgres.PostgresType>> {
  readonly socket: () => Duplex;
}

const CLOSE_MS = 5_000;

/**
 * Opens the database; a new folder is initialised, which takes a few seconds. What is committed has been written to the
 * folder, so it outlives the process; it is not forced to the disk, so the last of it may not outlive a power cut.
 * Throws ProblemError DATABASE_UNUSABLE.
 */
export async function pgliteDriver({ dataDir, onCrash }: PgliteOptions = {}): Promise<Driver> {
  const link = await open(dataDir ?? null, onCrash ?? (() => undefined));
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

async function open(dataDir: string | null, onCrash: (error: Error) => void): Promise<Link> {
  try {
    return await openLink({ dataDir }, onCrash);
  } catch (error) {
    throw new ProblemError({
      code: 'DATABASE_UNUSABLE',
      message: `The embedded database does not open: ${(error as Error).message}`,
      ...(dataDir !== null && { path: dataDir }),
      hint: 'See that the disk has space left; if the folder is damaged or of another version, move it away to start anew.',
    });
  }
}
