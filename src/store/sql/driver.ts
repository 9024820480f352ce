/**
 * What the store needs of a database: transactions with prepared statements. Both drivers give the same values back:
 * int8 as number, JSON parsed, uuid as text, `timestamptz` as text in UTC.
 */
import { PgDialect, type SQL } from '../drizzle.js';

export type Param = string | number | boolean | null;

/** A statement composed once: its text, and the names of its parameters in the order of `$1`, `$2` … */
export interface Statement<Row> {
  readonly text: string;
  readonly names: readonly string[];
  readonly row?: Row; // never set; carries the type
}

const dialect = new PgDialect();

/** Compiles a template whose only parameters are `sql.placeholder(name)`, each used once. */
export function statement<Row>(template: SQL): Statement<Row> {
  const { sql: text, params } = dialect.sqlToQuery(template);
  const names = params.map((param) => {
    if (typeof param === 'object' && param !== null && 'name' in param) return String(param.name);
    throw new TypeError(`A prepared statement holds the literal parameter ${String(param)}; inline it or name it.`);
  });
  if (new Set(names).size !== names.length) throw new TypeError(`A parameter is used twice: ${names.join(', ')}.`);
  return { text, names };
}

/** The parameters of `wanted` in the order of its placeholders. */
export function ordered(wanted: Statement<unknown>, params: Readonly<Record<string, Param>>): Param[] {
  return wanted.names.map((name) => {
    const value = params[name];
    if (value === undefined) throw new TypeError(`The parameter ${name} is missing.`);
    return value;
  });
}

/** One open transaction. Statements that are not awaited one by one are sent together; they run in the order given. */
export interface Session {
  run<Row>(wanted: Statement<Row>, params: Readonly<Record<string, Param>>): Promise<Row[]>;
  /** The same, for rows as lists of their columns: one with more than a dozen is slow as an object. */
  lists<Row extends readonly unknown[]>(
    wanted: Statement<Row>,
    params: Readonly<Record<string, Param>>,
  ): Promise<Row[]>;
  /**
   * The last statements of the transaction: COMMIT goes with them, and a round trip is saved. `work` throws, or has sent
   * all of them when it returns; what they answer can undo nothing any more.
   */
  last<T>(work: () => Promise<T>): Promise<T>;
  /** For drizzle's query builder: rows as arrays of values. */
  values(text: string, params: readonly unknown[]): Promise<unknown[][]>;
  /** A script of several statements, without parameters or results. */
  script(text: string): Promise<void>;
}

/** Whose rows the transaction sees: a comma list of tenants, all of them, or everything as the tables' owner. */
export type Scope =
  | { readonly kind: 'tenants'; readonly list: string }
  | { readonly kind: 'all' }
  | { readonly kind: 'owner' };

export interface Driver {
  readonly kind: 'postgres' | 'pglite';
  /** BEGIN (read committed), `body`, COMMIT. `hot` forbids plans that read whole tables. Throws StoreError. */
  transaction<T>(scope: Scope, body: (session: Session) => Promise<T>, hot?: boolean): Promise<T>;
  close(): Promise<void>;
}
