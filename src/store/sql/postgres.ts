/** The driver for a Postgres server, on postgres.js. */
import { createConnection } from 'node:net';
import postgres from 'postgres';
import type { Driver } from './driver.js';
import { Pool } from './pool.js';
import { type OptionsWithSocket, TYPES, transactionsOn } from './wire.js';

export interface PostgresOptions {
  readonly url: string;
  readonly poolSize?: number; // default 10
  readonly applicationName?: string;
  readonly connectTimeoutMs?: number; // default 10 s
  readonly statementTimeoutMs?: number; // default 15 s; 0: none, for migrations
}

/** Sends at once: else a COMMIT waits until the statement before it, of more than a packet, is acknowledged. Several hosts take turns. */
function promptSockets(): OptionsWithSocket['socket'] {
  let turn = 0;
  return ({ host: hosts, port: ports, path }) => {
    if (path) return createConnection({ path });
    const [host = 'localhost', port = 5432] = [hosts[turn % hosts.length], ports[turn % ports.length]];
    turn++;
    return Object.assign(createConnection({ host, port, noDelay: true }), { host }); // by which TLS asks for the server
  };
}

function connect(options: PostgresOptions, onclose: () => void): postgres.Sql {
  const own: OptionsWithSocket = {
    socket: promptSockets(),
    max: 1,
    max_lifetime: null, // it would end a connection within a transaction
    onclose,
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
    types: TYPES,
  };
  return postgres(options.url, own);
}

const CLOSE_MS = 5_000;

/** Connects lazily; the first statement finds out whether the server is there. */
export function postgresDriver(options: PostgresOptions): Driver {
  const pool = new Pool(options.poolSize ?? 10, (onclose) => connect(options, onclose));
  return { kind: 'postgres', transaction: transactionsOn(pool, false), close: () => pool.close(CLOSE_MS) };
}
