/** What every statement needs: visibility, locks, the database's refusals. */

import type { JournalEntry } from '../../core/envelope.js';
import { caseKey } from '../../core/ids.js';
import { textProblem } from '../../core/json.js';
import type { WriteBatch } from '../../store/port.js';
import type { MemoryDatabase, StoredExecution, Transaction } from './database.js';
import { refusal } from './locks.js';

/** Called where the database could be slow, or fail: before each statement, at the commit, after waiting for a lock. */
export type Pause = (
  at: 'begin' | 'statement' | 'lock' | 'commit' | 'committed',
  what: string,
) => Promise<void> | undefined;

export interface Context {
  readonly database: MemoryDatabase;
  readonly transaction: Transaction;
  readonly pause: Pause;
  /** False makes reads of cases take no lock, as a careless query would. */
  readonly lockOnRead: boolean;
  /** The text of events was made by `JSON.stringify`, and whoever reads it parses it: no need to parse it here. */
  readonly isJson: boolean;
  readonly guards: Guards;
  readonly beforeWrite?: ((batch: WriteBatch) => void) | undefined;
}

/** Postgres' own guards: conditions of updates, and the unique key of the journal. */
export interface Guards {
  readonly version: (stored: number, read: number) => boolean;
  /** Throws when the journal has an event under this key. */
  readonly sequence: (before: JournalEntry, now: JournalEntry) => void;
  /** Whether the position, if there is one, is as the chunk found it. */
  readonly position: (stored: number | null, read: number | null) => boolean;
  readonly attempt: (stored: StoredExecution, attempt: number) => boolean;
}

/** Locks one row until the end of the transaction; undefined when nobody had it, so that nobody waits for nothing. */
export function lockRow(context: Context, table: { readonly name: string }, key: string): Promise<void> | undefined {
  return context.database.locks.tryTake(context.transaction, table.name, key)
    ? undefined
    : waitFor(context, table.name, key);
}

async function waitFor({ database, transaction, pause }: Context, space: string, key: string): Promise<void> {
  await database.locks.wait(transaction, space, key);
  await pause('lock', space);
  if (transaction.dead) throw transaction.dead;
}

/** Goes on at once where nobody had to be waited for: most locks are free, and a promise for each costs a turn. */
export const after = <T>(wait: Promise<void> | undefined, next: () => T | Promise<T>): T | Promise<T> =>
  wait === undefined ? next() : wait.then(next);

/** Locks one row if nobody has it; false when somebody has. */
export const tryRow = ({ database, transaction }: Context, table: { readonly name: string }, key: string): boolean =>
  database.locks.tryTake(transaction, table.name, key);

export function checkTenant({ transaction }: Context, tenantId: string): void {
  if (!transaction.sees(tenantId)) throw refusal('42501');
}

/** Refuses what the store keeps in no document. */
export function checkDocument(text: string): void {
  if (textProblem(text) !== undefined) throw refusal('22P05');
}

/** And what is no document. */
export function checkJson({ isJson }: Context, text: string): void {
  checkDocument(text);
  if (isJson) return;
  try {
    JSON.parse(text);
  } catch {
    throw refusal('22P02');
  }
}

export const GUARDS: Guards = {
  version: (stored, read) => stored === read,
  sequence: () => {
    throw refusal('23505', 'journal_pkey');
  },
  position: (stored, read) => stored === null || stored === read,
  attempt: (stored, attempt) => stored.status === 'leased' && stored.attempt === attempt,
};

export const entryKey = (one: { tenantId: string; caseId: string; seq: number }): string =>
  `${caseKey(one.tenantId, one.caseId)}:${one.seq}`;

export const bySeq = (
  a: { tenantId: string; caseId: string; seq: number },
  b: { tenantId: string; caseId: string; seq: number },
): number => compare(a.tenantId, b.tenantId) || compare(a.caseId, b.caseId) || a.seq - b.seq;

export const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
