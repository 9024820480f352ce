/** Column types whose values are the same on both drivers: times are epoch ms, JSON is parsed exactly once. */
import { type AnyPgColumn, customType, type SQL, sql } from '../drizzle.js';

/** `timestamptz` as epoch milliseconds. */
export const time = customType<{ data: number; driverData: string }>({
  dataType: () => 'timestamp with time zone',
  toDriver: (ms) => new Date(ms).toISOString(),
  fromDriver: (text) => parseTime(text),
});

/** Takes the driver's parsed value as it is; drizzle's own parses strings a second time. */
const parsed = <T>(type: 'json' | 'jsonb') =>
  customType<{ data: T; driverData: string }>({
    dataType: () => type,
    toDriver: (value) => JSON.stringify(value),
    fromDriver: (value) => value as T,
  });

/** `json`, kept as the text that it is: for what is written and read whole. Postgres neither takes it apart nor looks into it. */
export const document = <T = unknown>() => parsed<T>('json');
/** `jsonb`. */
export const json = <T = unknown>() => parsed<T>('jsonb');

/**
 * The tenant as an index has it that is not the primary key. A plan is made once a connection, often while a table holds
 * next to nothing and every index that fits costs the same; so each condition on the tenant fits one index only. Both
 * collations compare bytes.
 */
export const apart = (tenantId: AnyPgColumn, collation: 'C' | 'POSIX' = 'C'): SQL =>
  sql`${tenantId} collate ${sql.raw(`"${collation}"`)}`;

/** Epoch ms of the text Postgres writes for a `timestamptz` in a session whose time zone is UTC. */
export function parseTime(text: string): number {
  return Date.parse(`${text.slice(0, 10)}T${text.slice(11).replace(/\+00$/, 'Z')}`);
}
