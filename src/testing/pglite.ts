/** Databases of PGlite for tests: to make one takes seconds of a core, so it is made once and copied. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PGlite } from '@electric-sql/pglite';
import { createPgliteStore, type OpenStore } from '../store/open.js';
import type { Driver } from '../store/sql/driver.js';
import { type PgliteOptions, pgliteDriver } from '../store/sql/pglite.js';
import { cacheFolder } from './services/cache.js';

/** A migrated store in memory. */
export const memoryStore = async (): Promise<OpenStore> => createPgliteStore(await copied());

/** A database in memory without anything in it. */
export const memoryDriver = async (): Promise<Driver> => pgliteDriver(await copied());

/** The file that a new database is a copy of: what PGlite makes, before any of our tables; one for each version of it. */
async function copied(): Promise<PgliteOptions> {
  const copyOf = join(cacheFolder(), `pglite-${version()}.tar`);
  if (existsSync(copyOf)) return { copyOf };
  mkdirSync(dirname(copyOf), { recursive: true });
  const db = await PGlite.create();
  const own = `${copyOf}.${process.pid}`;
  writeFileSync(own, await (await db.dumpDataDir('none')).bytes());
  await db.close();
  renameSync(own, copyOf); // whole, or not there
  return { copyOf };
}

function version(): string {
  const manifest = new URL('../package.json', import.meta.resolve('@electric-sql/pglite'));
  return (JSON.parse(readFileSync(fileURLToPath(manifest), 'utf8')) as { readonly version: string }).version;
}
