/** The real servers of a benchmark: its own, or those that TEST_DATABASE_URL and TEST_KAFKA_BOOTSTRAP_SERVERS name. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import postgres from 'postgres';
import { createKafkaLog } from '../../src/log/kafka/index.js';
import type { Log } from '../../src/log/port.js';
import { startKafka } from '../../src/testing/services/kafka.js';
import { createDatabase, startPostgres } from '../../src/testing/services/postgres.js';
import { type Usage, usageOfServer } from './cpu.js';

export interface Ground {
  readonly adminUrl: string; // of Postgres, as superuser
  readonly brokers: string;
  readonly kafka: Kafka;
  readonly log: Log;
  readonly versions: readonly string[];
  /** A fresh database; gives its superuser's URL. It is dropped at the end. */
  database(): Promise<string>;
  /** Cleans up what its databases were left with: a contender would pay for the dead rows and unwritten pages of the one before. */
  tidy(): Promise<void>;
  usage(): { readonly postgres: Usage; readonly broker: Usage };
  close(): Promise<void>;
}

/** With `own` the servers are new, whatever the variables name: topics can be made but once on a broker. */
export async function openGround({ own = false } = {}): Promise<Ground> {
  const [server, broker] = await Promise.all([startPostgres({ own }), startKafka({ own })]);
  const admin = postgres(server.address, { max: 1, onnotice: () => undefined });
  const [row] = await admin`show server_version`;
  await admin.end();
  const databases: Awaited<ReturnType<typeof createDatabase>>[] = [];
  const kafka = new Kafka({
    clientId: 'bench',
    brokers: broker.address.split(','),
    logLevel: logLevel.NOTHING,
    retry: { retries: 5 },
  });
  const log = createKafkaLog({ brokers: broker.address.split(','), clientId: 'bench' });
  return {
    adminUrl: server.address,
    brokers: broker.address,
    kafka,
    log,
    versions: [`Postgres ${String(row?.server_version)} (${server.origin})`, `broker: ${broker.origin}`],
    async database() {
      const made = await createDatabase(server.address);
      databases.push(made);
      return made.url;
    },
    async tidy() {
      for (const { url } of databases) {
        const sql = postgres(url, { max: 1, onnotice: () => undefined });
        await sql.unsafe('vacuum analyze');
        await sql.unsafe('checkpoint');
        await sql.end();
      }
      await writtenOut();
    },
    usage: () => ({ postgres: usageOfServer('postgres'), broker: usageOfServer('java') }),
    async close() {
      await log.close();
      for (const one of databases) await one.drop().catch(() => undefined);
      await Promise.all([server.stop(), broker.stop()]);
    },
  };
}

/** The system writes what was written to files half a minute later, all at once, and a COMMIT of that moment waits for it. */
const writtenOut = (): Promise<unknown> => promisify(execFile)('sync').catch(() => undefined);

/** By how many milliseconds the clock of the database is ahead of this process's. */
export async function clockAhead(sql: postgres.Sql): Promise<number> {
  let best = { trip: Number.POSITIVE_INFINITY, ahead: 0 };
  for (let i = 0; i < 10; i++) {
    const before = wallClock();
    const [row] = await sql<{ now: number }[]>`select (extract(epoch from clock_timestamp()) * 1000)::float8 as now`;
    const trip = wallClock() - before;
    if (row && trip < best.trip) best = { trip, ahead: row.now - before - trip / 2 };
  }
  return best.ahead;
}

/** Epoch milliseconds with fractions. */
export const wallClock = (): number => performance.timeOrigin + performance.now();
