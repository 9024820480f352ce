/** Transactions on a connection of postgres.js: prepared statements, pipelined. Both drivers are made of it. */
import type { Duplex } from 'node:stream';
import type postgres from 'postgres';
import { isConnectionLoss, StoreError, wrapStoreError } from '../errors.js';
import { type Driver, ordered, type Param, type Scope, type Session, type Statement } from './driver.js';
import type { Connection, Pool } from './pool.js';
import { applyScope, beginning, SESSION } from './scope.js';

const text = (value: unknown): string => String(value);
const same = (value: string): string => value;

/** Types of postgres.js that give the values which `Driver` promises. */
export const TYPES = {
  int8: { to: 20, from: [20], serialize: text, parse: Number },
  // JSON travels as text that is ready: postgres.js would stringify a string once more.
  json: { to: 3802, from: [114, 3802], serialize: text, parse: (value: string): unknown => JSON.parse(value) },
  time: { to: 1184, from: [1082, 1114, 1184], serialize: text, parse: same },
};

/** postgres.js takes a socket of its user's own, which may be connecting still; its types do not say so. */
export interface OptionsWithSocket extends postgres.Options<Record<string, postgres.PostgresType>> {
  readonly socket: (target: Target) => Duplex;
}

/** Where postgres.js would connect to. */
interface Target {
  readonly host: readonly string[];
  readonly port: readonly number[];
  readonly path: string | false | undefined;
}

const LOST = { code: 'CONNECTION_CLOSED' };

/** One transaction: remembers its first failure, after which it sends nothing any more. */
class WireSession implements Session {
  private failure: unknown;
  private failed = false;
  private hasEnded = false;
  private sent: Promise<unknown> = Promise.resolve();
  private lose: (error: unknown) => void = () => undefined;
  private readonly lost: Promise<never>;

  constructor(private readonly connection: Connection) {
    this.lost = new Promise((_, reject) => {
      this.lose = reject;
    });
    this.lost.catch(() => undefined);
    connection.onClosed = () => {
      this.fail(LOST);
      this.lose(LOST);
    };
  }
  private get sql(): postgres.Sql {
    return this.connection.sql;
  }

  run<Row>(wanted: Statement<Row>, params: Readonly<Record<string, Param>>): Promise<Row[]> {
    const rows: Promise<unknown> = this.send(() => prepared(this.sql, wanted.text, ordered(wanted, params)));
    return rows as Promise<Row[]>;
  }

  lists<Row extends readonly unknown[]>(
    wanted: Statement<Row>,
    params: Readonly<Record<string, Param>>,
  ): Promise<Row[]> {
    const rows: Promise<unknown> = this.values(wanted.text, ordered(wanted, params));
    return rows as Promise<Row[]>;
  }

  values(query: string, params: readonly unknown[]): Promise<unknown[][]> {
    return this.send(() => prepared(this.sql, query, params.map(bindable)).values());
  }

  async script(script: string): Promise<void> {
    await this.send(() => this.sql.unsafe(script));
  }

  async last<T>(work: () => Promise<T>): Promise<T> {
    const result = work();
    const committed = this.sendCommit();
    committed.catch(() => undefined); // what `work` says comes first
    const value = await result;
    await committed;
    return value;
  }

  async commit(): Promise<void> {
    if (this.hasEnded) return;
    await this.sent;
    await this.sendCommit();
  }

  /** COMMIT of a transaction that failed is a silent ROLLBACK: look at the answer. */
  private async sendCommit(): Promise<void> {
    this.hasEnded = true;
    const { command } = await this.send(() => this.sql.unsafe('commit'));
    if (command !== 'COMMIT') throw new StoreError('bug', null, 'A failed transaction was to be committed.', undefined);
  }

  /** A connection that does not take it is not used again; the server has rolled back, or will when it notices. */
  async rollback(): Promise<void> {
    if (isConnectionLoss(this.failure)) this.connection.closed = true;
    if (this.connection.closed) return;
    try {
      await Promise.race([this.sql.unsafe('rollback'), this.lost]);
    } catch {
      this.connection.closed = true;
    }
  }

  /**
   * Nothing may reach the connection after a failure: it may belong to nobody's transaction by then. What postgres.js
   * takes between a socket's error and its close it never answers, hence the race.
   */
  private send<T>(query: () => Promise<T>): Promise<T> {
    if (this.failed) return Promise.reject(this.failure);
    const sent = Promise.race([this.answerOf(query), this.lost]).catch((error: unknown) => {
      this.fail(error);
      throw this.failure;
    });
    this.sent = sent.catch(() => undefined);
    return sent;
  }

  /** What cannot be sent has failed before the next statement is: a COMMIT behind it would keep half of the work. */
  private answerOf<T>(query: () => Promise<T>): Promise<T> {
    try {
      return query();
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  fail(error: unknown): void {
    if (this.failed) return;
    this.failed = true;
    this.failure = error;
  }
}

/** postgres.js tells when it has sent a query; its types do not say so. */
interface OptionsOnSent extends postgres.UnsafeQueryOptions {
  readonly onexecute: () => boolean;
}

/**
 * Empties `params` once they are on their way: postgres.js keeps them until the answer, and a chunk's lists would
 * outlive collections for as long as that takes.
 */
function prepared(sql: postgres.Sql, text: string, params: Param[]): postgres.PendingQuery<postgres.Row[]> {
  const onexecute = () => {
    params.length = 0;
    Object.assign(query, { parameters: params }); // its own list of them
    return true; // the connection takes more
  };
  const options: OptionsOnSent = { prepare: true, onexecute };
  const query = sql.unsafe<postgres.Row[]>(text, params, options);
  return query;
}

function bindable(value: unknown): Param {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  throw new TypeError(`A ${typeof value} cannot be a parameter.`);
}

/**
 * `Driver['transaction']` on the connections of `pool`. `takeRole`: the login is a superuser, so each transaction takes
 * the runtime role.
 */
export const transactionsOn =
  (pool: Pool, takeRole: boolean): Driver['transaction'] =>
  async (scope, body, hot = false) => {
    const connection = await pool.acquire();
    try {
      return await transaction(connection, { scope, hot, takeRole }, body);
    } catch (error) {
      throw wrapStoreError(error);
    } finally {
      pool.release(connection);
    }
  };

interface Settings {
  readonly scope: Scope;
  readonly hot: boolean;
  readonly takeRole: boolean;
}

async function transaction<T>(
  connection: Connection,
  { scope, hot, takeRole }: Settings,
  body: (session: Session) => Promise<T>,
): Promise<T> {
  const session = new WireSession(connection);
  try {
    if (connection.fresh) await session.script(SESSION);
    connection.fresh = false;
    session.script(beginning(scope, hot, takeRole)).catch(() => undefined); // as below: whoever comes next finds it failed
    applyScope(session, scope).catch(() => undefined);
    const result = await body(session);
    await session.commit();
    return result;
  } catch (error) {
    session.fail(error);
    await session.rollback();
    throw error;
  }
}
