/**
 * What went wrong in the store, as one of five kinds that callers act on. Messages name the SQLSTATE and the constraint,
 * never the statement or its values: those may hold what a tenant sent.
 */

/**
 * - `transient`: connection, resources, a restart, an unknown outcome of COMMIT: the same transaction again, later
 * - `conflict`: another transaction was in the way: the same transaction again
 * - `data`: the values themselves are refused: again would fail again
 * - `fatal`: the database cannot be used as it is (no schema, no access): a person must act
 * - `bug`: anything else
 */
export type StoreErrorKind = 'transient' | 'data' | 'conflict' | 'fatal' | 'bug';

/** An error of the database. The driver's own error is kept away from loggers; `original()` gives it to a debugger. */
export class StoreError extends Error {
  readonly kind: StoreErrorKind;
  readonly sqlstate: string | null; // or the code of the connection's error: ECONNREFUSED
  readonly #original: unknown;
  constructor(kind: StoreErrorKind, sqlstate: string | null, message: string, original: unknown) {
    super(message);
    this.name = 'StoreError';
    this.kind = kind;
    this.sqlstate = sqlstate;
    this.#original = original;
  }
  original(): unknown {
    return this.#original;
  }
}

/** A row that was locked had another version, or was gone: the state that was decided on is not the state that is. */
export class StaleVersionError extends StoreError {
  constructor() {
    super('conflict', null, 'STALE_VERSION: A case, or the position, is not as it was read.', undefined);
    this.name = 'StaleVersionError';
  }
}

const CONNECTION_CODES = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT', // the socket file of a server that is not up
]);

const STATES: Readonly<Record<string, StoreErrorKind>> = {
  '55P03': 'conflict', // lock_timeout
  '55006': 'transient', // object in use
  '57014': 'transient', // statement_timeout, cancel
  '57P01': 'transient',
  '57P02': 'transient',
  '57P03': 'transient', // starting up
  '57P05': 'transient',
  '25006': 'transient', // read-only: a standby, or a disk that is full
  '25P03': 'transient', // idle_in_transaction_session_timeout
  '25P04': 'transient', // transaction_timeout
  '3D000': 'fatal', // no such database
  '42P01': 'fatal', // no such table: not migrated
  '42501': 'bug', // no privilege, or a row of a tenant outside the transaction's scope
};

const CLASSES: Readonly<Record<string, StoreErrorKind>> = {
  '08': 'transient',
  '22': 'data',
  '23': 'data',
  '28': 'fatal', // not let in
  '40': 'conflict',
  '53': 'transient', // disk, memory, connections
  '58': 'transient', // I/O
  XX: 'fatal', // corruption
};

const NAMES: Readonly<Record<string, string>> = {
  '22P02': 'a value does not fit its type',
  '22P05': 'a character that cannot be kept, such as U+0000',
  '22003': 'a number out of range',
  '23502': 'a value is missing',
  '23503': 'what it refers to does not exist',
  '23505': 'it exists already',
  '23514': 'a check failed',
  '40001': 'a concurrent change',
  '40P01': 'a deadlock',
  '42501': 'no privilege, or a row outside the tenants of the transaction',
  '42P01': 'a table is missing: run `millrace migrate`',
  '53100': 'the disk is full',
  '53300': 'too many connections',
  '55P03': 'a lock was not free in time',
  '57014': 'the statement took too long',
  '25006': 'the database is read-only',
};

interface DriverError {
  readonly code?: unknown;
  readonly constraint_name?: unknown; // postgres.js
  readonly constraint?: unknown; // PGlite
  readonly table_name?: unknown;
  readonly table?: unknown;
}

const isErrorLike = (error: unknown): error is DriverError => typeof error === 'object' && error !== null;

/** The SQLSTATE, or the connection's code. */
export function codeOf(error: unknown): string | null {
  return isErrorLike(error) && typeof error.code === 'string' ? error.code : null;
}

const isSqlState = (code: string): boolean => /^[0-9A-Z]{5}$/.test(code) && !code.startsWith('E');

/** Whether the connection itself failed: nothing more can be sent on it. */
export const isConnectionLoss = (error: unknown): boolean => CONNECTION_CODES.has(codeOf(error) ?? '');

/** The driver's error itself: drizzle wraps it in one that has no code, but the statement and its values. */
function driverError(error: unknown): unknown {
  return error instanceof Error && codeOf(error) === null ? (error.cause ?? error) : error;
}

/** What kind of failure an error is; errors that are not the database's are bugs. */
export function classifyStoreError(error: unknown): StoreErrorKind {
  if (error instanceof StoreError) return error.kind;
  const code = codeOf(driverError(error));
  if (code === null) return 'bug';
  if (CONNECTION_CODES.has(code)) return 'transient';
  return isSqlState(code) ? (STATES[code] ?? CLASSES[code.slice(0, 2)] ?? 'bug') : 'bug';
}

/** The database's errors as StoreError; whatever else was thrown passes unchanged. */
export function wrapStoreError(thrown: unknown): unknown {
  if (thrown instanceof StoreError) return thrown;
  const error = driverError(thrown);
  if (error instanceof StoreError) return error;
  const code = codeOf(error);
  if (code === null || !(CONNECTION_CODES.has(code) || isSqlState(code))) return thrown;
  return new StoreError(classifyStoreError(error), code, messageOf(code, error as DriverError), thrown);
}

function messageOf(code: string, error: DriverError): string {
  if (CONNECTION_CODES.has(code)) return `The connection to the database failed (${code}).`;
  const constraint = error.constraint_name ?? error.constraint;
  const table = error.table_name ?? error.table;
  const where = constraint ? ` by ${String(constraint)}` : table ? ` in ${String(table)}` : '';
  const name = NAMES[code];
  return `The database refused it${where} (${code}${name ? `: ${name}` : ''}).`;
}
