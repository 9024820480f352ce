/** Column types whose values are the same on both drivers: times are epoch ms, JSON is parsed exactly once. */
import { customType } from 'drizzle-orm/pg-core';

/** `timestamptz` as epoch milliseconds. */
export const time = customType<{ data: number; driverData: string }>({
  dataType: () => 'timestamp with time zone',
  toDriver: (ms) => new Date(ms).toISOString(),
  fromDriver: (text) => parseTime(text),
});

/** `jsonb` that takes the driver's parsed value as it is; drizzle's own parses strings a second time. */
export const json = <T = unknown>() =>
  customType<{ data: T; driverData: string }>({
    dataType: () => 'jsonb',
    toDriver: (value) => JSON.stringify(value),
    fromDriver: (value) => value as T,
  });

/** Epoch ms of the text Postgres writes for a `timestamptz` in a session whose time zone is UTC. */
export function parseTime(text: string): number {
  return Date.parse(`${text.slice(0, 10)}T${text.slice(11).replace(/\+00$/, 'Z')}`);
}
