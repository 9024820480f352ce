/**
 * Connections of postgres.js, one client each, given to one transaction at a time. postgres.js' own transactions write
 * their ROLLBACK to a socket that is gone when the server ends a connection, which throws where nobody can catch it
 * (its issue 1208); a client whose connection closed is therefore never written to again.
 */
import type postgres from 'postgres';
import { StoreError } from '../errors.js';

export interface Connection {
  readonly sql: postgres.Sql;
  fresh: boolean; // not connected yet
  closed: boolean;
  /** Called when the connection is lost while somebody has it. */
  onClosed: () => void;
}

type Waiter = { readonly resolve: (connection: Connection) => void; readonly reject: (error: Error) => void };

export class Pool {
  private readonly idle: Connection[] = [];
  private readonly waiters: Waiter[] = [];
  private taken = 0;
  private ended: (() => void) | null | undefined; // undefined: open

  constructor(
    private readonly size: number,
    private readonly open: (onclose: () => void) => postgres.Sql,
  ) {}

  /** In the order of asking; waits while all are taken. */
  acquire(): Promise<Connection> {
    if (this.ended !== undefined) return Promise.reject(closing());
    if (this.taken >= this.size) return new Promise((resolve, reject) => this.waiters.push({ resolve, reject }));
    this.taken++;
    return Promise.resolve(this.idle.pop() ?? this.create());
  }

  release(connection: Connection): void {
    const usable = connection.closed ? undefined : connection;
    connection.onClosed = () => undefined;
    if (usable === undefined) discard(connection);
    const waiter = this.waiters.shift();
    if (waiter !== undefined) {
      waiter.resolve(usable ?? this.create());
      return;
    }
    this.taken--;
    if (usable !== undefined) this.idle.push(usable);
    if (this.taken === 0) this.ended?.();
  }

  /** Refuses who waits, lets who has a connection finish for up to `ms`, closes all. */
  async close(ms: number): Promise<void> {
    if (this.ended !== undefined) return;
    this.ended = null;
    for (const waiter of this.waiters.splice(0)) waiter.reject(closing());
    if (this.taken > 0) {
      let timer: NodeJS.Timeout | undefined;
      const patience = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, ms);
      });
      const finished = new Promise<void>((resolve) => {
        this.ended = resolve;
      });
      await Promise.race([finished, patience]);
      clearTimeout(timer);
    }
    await Promise.all(this.idle.splice(0).map((connection) => connection.sql.end({ timeout: 1 })));
  }

  private create(): Connection {
    const connection: Connection = {
      sql: this.open(() => {
        connection.closed = true;
        const at = this.idle.indexOf(connection);
        if (at >= 0) {
          this.idle.splice(at, 1);
          discard(connection);
        }
        connection.onClosed();
      }),
      fresh: true,
      closed: false,
      onClosed: () => undefined,
    };
    return connection;
  }
}

function discard(connection: Connection): void {
  connection.sql.end({ timeout: 5 }).catch(() => undefined); // it is closed; this only stops it from opening again
}

const closing = () => new StoreError('transient', 'CONNECTION_ENDED', 'The store is being closed.', undefined);
