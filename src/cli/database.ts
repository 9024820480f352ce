/** The database of commands that do not go through the API: a server, or the folder of an embedded Millrace at rest. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config.js';
import { type Problem, ProblemError } from '../core/errors.js';
import { lockFolder } from '../embedded/lock.js';
import { createPgliteStore, createPostgresStore, type OpenStore } from '../store/open.js';
import type { Io } from './io.js';

export const NO_DATABASE: Problem = {
  code: 'CONFIG_REQUIRED',
  path: 'DATABASE_URL',
  message: 'is not set.',
  hint: 'It must be postgres://user:password@host:5432/database; .env is read too.',
};

/** Where the embedded mode keeps its database. */
export const embeddedFolder = (config: Config<'cli'>): string => join(config.home, 'db');

/** Runs `body` on the database. Throws ProblemError CONFIG_REQUIRED, HOME_HELD, and those of `body`. */
export async function withDatabase<T>(io: Io, body: (memory: OpenStore) => Promise<T>): Promise<T> {
  const config = io.config();
  const { url } = config.database;
  if (url !== null) return closing(createPostgresStore({ url, poolSize: 2, applicationName: 'millrace-cli' }), body);
  if (!existsSync(embeddedFolder(config))) throw new ProblemError(NO_DATABASE);
  const lock = await lockFolder(config.home);
  try {
    return await closing(await createPgliteStore({ dataDir: embeddedFolder(config) }), body);
  } finally {
    lock.release();
  }
}

async function closing<T>(memory: OpenStore, body: (memory: OpenStore) => Promise<T>): Promise<T> {
  try {
    return await body(memory);
  } finally {
    await memory.close();
  }
}
