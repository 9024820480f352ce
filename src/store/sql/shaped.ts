/** Statements that take lists of rows, in a shape for one row and in one for many. */
import { type SQL, sql } from '../drizzle.js';
import { arrays, type Columns, NULL, unnest } from './columns.js';
import { type Statement, statement } from './driver.js';

type Params = Readonly<Record<string, string | null>>;

/** The values of one row as parameters by themselves; no row where there is none. The first column is never NULL. */
const single = <T>(name: string, alias: string, columns: Columns<T>): SQL => {
  const values = Object.entries(columns).map(
    ([column, [type]]) => sql`${sql.placeholder(`${name}_${column}`)}::text${sql.raw(`::${type} as ${column}`)}`,
  );
  const [first = ''] = Object.keys(columns);
  return sql`(select * from (select ${sql.join(values, sql`, `)}) x where ${sql.raw(first)} is not null) as ${sql.raw(alias)}`;
};

function singleParams<T>(name: string, columns: Columns<T>, [row]: readonly T[]): Params {
  const params: Record<string, string | null> = {};
  for (const column in columns) {
    const text = row === undefined ? NULL : (columns[column] as Columns<T>[string])[1](row);
    params[`${name}_${column}`] = text === NULL ? null : text;
  }
  return params;
}

/** Rows that a statement takes, as its parameters in either shape. */
export interface List {
  readonly length: number;
  single(name: string): Params;
  many(name: string): Params;
}

export const list = <T>(columns: Columns<T>, rows: readonly T[]): List => ({
  length: rows.length,
  single: (name) => singleParams(name, columns, rows),
  many: (name) => arrays(name, columns, rows),
});

/** Makes the rows of the list `name`, as `alias`, out of its parameters. */
export type Rows = <T>(name: string, alias: string, columns: Columns<T>) => SQL;

/**
 * A statement in both shapes. Postgres sets up two functions for each column of a list before its first row, which
 * shows in a chunk of one event.
 */
export class Shaped<Row> {
  private single: Statement<Row> | undefined;
  private many: Statement<Row> | undefined;

  constructor(private readonly build: (rows: Rows) => SQL) {}

  /** The statement for these lists, by name, and its parameters. */
  with(lists: Readonly<Record<string, List>>): [Statement<Row>, Record<string, string | null>] {
    let isSingle = true;
    for (const name in lists) if ((lists[name] as List).length > 1) isSingle = false;
    const params = {};
    for (const name in lists) {
      const rows = lists[name] as List;
      Object.assign(params, isSingle ? rows.single(name) : rows.many(name));
    }
    return [isSingle ? this.forSingle : this.forMany, params];
  }

  private get forSingle(): Statement<Row> {
    this.single ??= statement<Row>(this.build(single));
    return this.single;
  }

  private get forMany(): Statement<Row> {
    this.many ??= statement<Row>(this.build(unnest));
    return this.many;
  }
}
