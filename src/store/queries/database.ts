/** Drizzle's query builder inside a transaction that sees only its tenants' rows, on either driver. */
import { drizzle, type PgRemoteDatabase } from '../drizzle.js';
import type { TenantScope } from '../port.js';
import type { Driver } from '../sql/driver.js';
import { scopeOf } from '../sql/scope.js';

export type Db = PgRemoteDatabase;

export interface Database {
  within<T>(scope: TenantScope, body: (db: Db) => Promise<T>): Promise<T>;
  /** The same, with plans that read no whole table, whatever is known of its size. */
  lookingUp<T>(scope: TenantScope, body: (db: Db) => Promise<T>): Promise<T>;
}

export function databaseOf(driver: Driver): Database {
  const run = <T>(scope: TenantScope, body: (db: Db) => Promise<T>, hot: boolean): Promise<T> =>
    driver.transaction(
      scopeOf(scope),
      (session) => body(drizzle(async (text, params) => ({ rows: await session.values(text, params) }))),
      hot,
    );
  return {
    within: (scope, body) => run(scope, body, false),
    lookingUp: (scope, body) => run(scope, body, true),
  };
}
