/** Whether the small, busy tables stay quick: hours of their work in minutes, the first minute against the last. */
import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { createDatabase, startPostgres } from '../../src/testing/services/postgres.js';
import { A_TURN, makeCases, turnWheel } from '../lib/churn.js';
import { usageOf, usageOfServer, watchStolen } from '../lib/cpu.js';
import { openMigrated } from '../lib/millrace.js';
import { TENANT } from '../lib/pack.js';
import { surroundings } from '../lib/results.js';
import { shown, table } from '../lib/stats.js';
import type { BenchOptions, Outcome } from './index.js';

const WORKERS = 2;
const CASES = 1_000; // of each worker
const TABLES = ['outbox', 'timers', 'positions', 'executions', 'cases'] as const;
const AN_HOUR = 3_600; // seconds, at 100 exceptions a second

interface Size {
  readonly table: string;
  readonly rows: number;
  readonly dead: number;
  readonly mb: number;
  readonly vacuums: number;
  readonly hot: number; // percent of the updates that touched no index
}

export const churn = {
  about: 'the small, busy tables: the first minute of an hour of work against the last',
  run: runChurn,
};

async function runChurn({ minutes }: BenchOptions): Promise<Outcome> {
  const server = await startPostgres();
  const database = await createDatabase(server.address);
  try {
    const { store } = await openMigrated(database.url);
    const sql = postgres(database.url, { max: 1, onnotice: () => undefined });
    await store.queries.createTenant(TENANT);
    const perMinute = await work(store.store, minutes);
    const sizes = await sizesOf(sql);
    const [row] = await sql`show server_version`;
    await sql.end();
    await store.store.close();
    return outcomeOf(perMinute, sizes, [`Postgres ${String(row?.server_version)} (${server.origin})`]);
  } finally {
    await database.drop().catch(() => undefined);
    await server.stop();
  }
}

interface Minute {
  readonly cases: number;
  readonly cpuUs: number; // of a case, this process and Postgres together
  readonly stolen: number; // percent of the cores, by the machine's neighbours
}

async function work(store: Parameters<typeof makeCases>[0], minutes: number): Promise<Minute[]> {
  const perMinute: Minute[] = [];
  let turns = 0;
  let isOver = false;
  const cases = await makeCases(store, CASES * WORKERS);
  const wheels = Array.from({ length: WORKERS }, (_, i) =>
    turnWheel(
      store,
      i,
      cases.slice(i * CASES, (i + 1) * CASES),
      () => isOver,
      () => turns++,
    ),
  );
  for (let minute = 1; minute <= minutes; minute++) {
    const [before, cpuBefore, stolen] = [turns, cpuMs(), watchStolen()];
    await sleep(60_000);
    const count = (turns - before) * A_TURN;
    const one = { cases: count, cpuUs: ((cpuMs() - cpuBefore) * 1000) / count, stolen: stolen() };
    perMinute.push(one);
    console.log(
      `minute ${minute}: ${perSecond(one)} cases/s, ${shown(one.cpuUs)} µs each, ${shown(one.stolen)} % stolen`,
    );
  }
  isOver = true;
  await Promise.all(wheels);
  return perMinute;
}

const cpuMs = (): number => usageOf([process.pid]).cpuMs + usageOfServer('postgres').cpuMs;
const perSecond = ({ cases }: Minute): number => Math.round(cases / 60);

async function sizesOf(sql: postgres.Sql): Promise<Size[]> {
  return sql<Size[]>`
    select relname as table, n_live_tup::int as rows, n_dead_tup::int as dead, autovacuum_count::int as vacuums,
      round(pg_total_relation_size(relid) / 1048576.0, 1)::float8 as mb,
      (100 * n_tup_hot_upd / greatest(n_tup_upd, 1))::int as hot
    from pg_stat_user_tables where relname = any(${[...TABLES]}) order by relname`;
}

function outcomeOf(perMinute: readonly Minute[], sizes: readonly Size[], versions: readonly string[]): Outcome {
  const rates = perMinute.map(perSecond);
  const [first = Number.NaN] = rates;
  const last = rates.at(-1) ?? Number.NaN;
  const total = perMinute.reduce((sum, { cases }) => sum + cases, 0);
  const hours = total / (AN_HOUR * 100);
  const minutes = perMinute.map((one, i) => [
    String(i + 1),
    String(perSecond(one)),
    shown(one.cpuUs),
    shown(one.stolen),
  ]);
  const tables = sizes.map(({ table: name, ...size }) => [
    name,
    ...[size.rows, size.dead, size.mb, size.vacuums, size.hot].map(String),
  ]);
  const report = [
    '## Churn',
    `${total.toLocaleString('en')} times a case was written with an outbox row, a call and a timer, which were then published, made and fired: ${hours.toFixed(1)} hours at 100/s.`,
    `First minute ${first}/s, last minute ${last}/s: ${Math.round((100 * last) / first)} %.`,
    table(['minute', 'cases/s', 'µs of CPU a case, Node and Postgres', '% of the cores stolen by neighbours'], minutes),
    table(['table', 'rows', 'dead rows', 'MB with indexes', 'vacuumed', 'HOT updates %'], tables),
    surroundings(versions),
  ].join('\n\n');
  return { section: 'churn', report, figures: { first, last, perMinute, sizes } };
}
