/** Cursors of lists: opaque text that names the last row seen, good only for the list it came from. */
import { createHash } from 'node:crypto';
import { ProblemError } from '../../core/errors.js';
import { isUuid } from '../../core/ids.js';
import { type AnyColumn, type SQL, sql } from '../drizzle.js';

/** The last row of a page: its time in microseconds, and its id. */
export interface Place {
  readonly micros: number;
  readonly id: string;
}

const seal = (list: string, body: string): string =>
  createHash('sha256').update(`${list}\n${body}`).digest('base64url').slice(0, 16);

/** `list` names tenant, kind of list and filters: a cursor of another list is refused. */
export function encodeCursor(list: string, place: Place): string {
  const body = Buffer.from(`${place.micros}.${place.id}`).toString('base64url');
  return `${body}.${seal(list, body)}`;
}

/** Throws ProblemError CURSOR_INVALID. */
export function decodeCursor(list: string, cursor: string): Place {
  const [body = '', mark] = cursor.split('.');
  const [micros = '', id = ''] = Buffer.from(body, 'base64url').toString().split('.');
  if (mark !== seal(list, body) || !/^\d{1,16}$/.test(micros) || !isUuid(id)) {
    throw new ProblemError({
      code: 'CURSOR_INVALID',
      path: 'cursor',
      message: 'This cursor does not belong to this list.',
      hint: 'Use the cursor as the last page gave it, with the same filters; leave it out to start again.',
    });
  }
  return { micros: Number(micros), id };
}

/** The place of a row as a column of the list, for `encodeCursor`. */
export const microsOf = (column: AnyColumn): SQL<number> =>
  sql<number>`(extract(epoch from ${column}) * 1000000)::bigint`;

/** Rows after `place` in a list sorted by `column` descending, then `id` ascending. */
export function after(place: Place, column: AnyColumn, id: AnyColumn): SQL {
  const time = sql`(timestamptz 'epoch' + ${place.micros}::bigint * interval '1 microsecond')`;
  return sql`${column} <= ${time} and (${column} < ${time} or ${id} > ${place.id}::uuid)`;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null; // the cursor of the next page; null: this was the last
}

/** Cuts a page from rows that were read with one more than `limit`. */
export function page<T extends { readonly micros: number }, U>(
  rows: readonly T[],
  limit: number,
  list: string,
  idOf: (row: T) => string,
  toItem: (row: T) => U,
): Page<U> {
  const shown = rows.slice(0, limit);
  const last = shown[shown.length - 1];
  const more = rows.length > limit && last !== undefined;
  return { items: shown.map(toItem), next: more ? encodeCursor(list, { micros: last.micros, id: idOf(last) }) : null };
}
