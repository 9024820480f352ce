/**
 * Drizzle, loaded once for the whole store, by `require`. Loaded by `import`, Node 24 reads Drizzle's own
 * package.json (180 KB) again for each of its hundred files: half a second and 200 MB of garbage before the first record.
 */
import { createRequire } from 'node:module';

export type { AnyColumn, SQL } from 'drizzle-orm';
export type { AnyPgColumn, PgTable } from 'drizzle-orm/pg-core';
export type { PgRemoteDatabase } from 'drizzle-orm/pg-proxy';

// drizzle-kit reads the schema as CommonJS, where a module has a file name and no address.
const require = createRequire(import.meta.url ?? __filename);
const common = require('drizzle-orm') as typeof import('drizzle-orm');
const postgres = require('drizzle-orm/pg-core') as typeof import('drizzle-orm/pg-core');
const proxy = require('drizzle-orm/pg-proxy') as typeof import('drizzle-orm/pg-proxy');

export const { and, asc, count, countDistinct, desc, eq, getTableColumns, gt, gte, inArray, isNotNull, isNull } =
  common;
export const { lt, max, min, or, sql } = common;
export const { PgDialect, bigint, boolean, check, customType, doublePrecision, foreignKey, index, integer } = postgres;
export const { pgTable, primaryKey, smallint, text, unique, uniqueIndex, uuid } = postgres;
export const { drizzle } = proxy;
