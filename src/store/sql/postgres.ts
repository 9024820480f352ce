/** The driver for a Postgres server, on postgres.js: prepared statements, pipelined within a transaction. */
import postgres from 'postgres';
import { StoreError, wrapStoreError } from '../errors.js';
import { type Driver, ordered, type Param, type Scope, type Session, type Statement } from './driver.js';
import { applyScope } from './scope.js';

export interface PostgresOptions {
  readonly url: string;
  readonly poolSize?: number; // default 10
  readonly applicationName?: string;
  readonly connectTimeoutMs?: number; // default 10 s
  readonly statementTimeoutMs?: number; // default 15 s; 0: none, for migrations
}

const text = (value: unknown): string => String(value);
const same = (value: string): string => value;

function connect(options: PostgresOptions): postgres.Sql {
  return postgres(options.url, {
    max: options.poolSize ?? 10,
    connect_timeout: Math.ceil((options.connectTimeoutMs ?? 10_000) / 1000),
    keep_alive: 30,
    fetch_types: false,
    onnotice: () => undefined,
    connection: {
      application_name: options.applicationName ?? 'millrace',
      TimeZone: 'UTC',
      statement_timeout: options.statementTimeoutMs ?? 15_000,
      lock_timeout: 5_000,
      idle_in_transaction_session_timeout: 10_000,
      jit: false,
    },
    types: {
      int8: { to: 20, from: [20], serialize: text, parse: Number },
      // JSON travels as text that is ready: postgres.js would stringify a string once more.
      json: { to: 3802, from: [114, 3802], serialize: text, parse: (value: string): unknown => JSON.parse(value) },
      time: { to: 1184, from: [1082, 1114, 1184], serialize: text, parse: same },
    },
  });
}

/** One transaction: remembers its first failure, after which it sends nothing any more. */
class PostgresSession implements Session {
  private failure: unknown;
  private failed = false;
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly sql: postgres.TransactionSql) {}

  run<Row>(wanted: Statement<Row>, params: Readonly<Record<string, Param>>): Promise<Row[]> {
    return this.send(() => this.sql.unsafe<Row[]>(wanted.text, ordered(wanted, params), { prepare: true }));
  }

  values(query: string, params: readonly unknown[]): Promise<unknown[][]> {
    return this.send(() => this.sql.unsafe(query, params.map(bindable), { prepare: true }).values());
  }

  async script(script: string): Promise<void> {
    await this.send(() => this.sql.unsafe(script));
  }

  /** Nothing may reach the connection after a failure: it may belong to nobody's transaction by then. */
  private send<T>(query: () => Promise<T>): Promise<T> {
    if (this.failed) return Promise.reject(this.failure);
    const sent = query();
    const guarded = sent.catch((error: unknown) => {
      this.fail(error);
      throw this.failure;
    });
    this.last = guarded.catch(() => undefined);
    return guarded;
  }

  fail(error: unknown): void {
    if (this.failed) return;
    this.failed = true;
    this.failure = error;
  }

  /** COMMIT of a transaction that failed is a silent ROLLBACK: wait for every statement and look. */
  async settled(): Promise<void> {
    await this.last;
    if (this.failed) throw this.failure;
  }
}

function bindable(value: unknown): Param {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  throw new TypeError(`A ${typeof value} cannot be a parameter.`);
}

/** Connects lazily; the first statement finds out whether the server is there. */
export function postgresDriver(options: PostgresOptions): Driver {
  const sql = connect(options);
  return {
    kind: 'postgres',
    transaction: (scope, body, hot = false) => transaction(sql, scope, body, hot),
    close: () => sql.end({ timeout: 5 }),
  };
}

async function transaction<T>(
  sql: postgres.Sql,
  scope: Scope,
  body: (session: Session) => Promise<T>,
  hot: boolean,
): Promise<T> {
  let session: PostgresSession | undefined;
  let result: { readonly value: T } | undefined;
  try {
    await sql.begin('read write', async (tx) => {
      session = new PostgresSession(tx);
      applyScope(session, scope, hot, false).catch(() => undefined); // settled() reports it
      result = { value: await body(session) };
      await session.settled();
    });
  } catch (error) {
    session?.fail(error);
    throw wrapStoreError(error);
  }
  if (result === undefined) throw new StoreError('bug', null, 'A transaction ended without its body.', undefined);
  return (result as { readonly value: T }).value;
}
