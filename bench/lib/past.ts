/** A long past on a real Postgres: some cases are really worked, with calls and people, and copied in SQL over thirty days. */
import postgres from 'postgres';
import { createEmbeddedLog } from '../../src/log/embedded/index.js';
import type { OpenStore } from '../../src/store/open.js';
import { openPipeline, type Pipeline } from '../../src/testing/pipeline.js';
import { until } from '../../src/testing/until.js';
import { nextException } from './load.js';
import { sinkAddress, startSink } from './pack.js';
import { stopAll } from './processes.js';

const WORKED = 2_000;
const BATCH = 100;
const ODD = { type: 'ODD' };
export const PAST_DAYS = 30;

/** What the backtest is asked to read. */
export interface Past {
  readonly tenantId: string;
  readonly cases: number;
}

/** Fills the empty store with `cases` cases of one tenant, whose active pack has these files. */
export async function fillPast(
  {
    store,
    adminUrl,
    packOf,
  }: { store: OpenStore; adminUrl: string; packOf: (sink: string) => ReadonlyMap<string, string> },
  cases: number,
): Promise<Past> {
  const log = createEmbeddedLog();
  const sink = await startSink();
  const files = packOf(sinkAddress(sink));
  const pipeline = await openPipeline({
    ...{ memory: store, log, files, partitions: 1, epoch: 1, filesRoot: '/nowhere', allowPrivate: [sinkAddress(sink)] },
  });
  try {
    await pipeline.startWorkers();
    await workCases(pipeline, Math.min(WORKED, cases));
  } finally {
    await pipeline.stopWorkers();
    await log.close();
    await stopAll([sink]);
  }
  const sql = postgres(adminUrl, { max: 1, onnotice: () => undefined });
  try {
    return { tenantId: pipeline.tenantId, cases: await copyCases(sql, pipeline.tenantId, cases) };
  } finally {
    await sql.end();
  }
}

/** Most are repaired by a call; some are noise, some nobody knows, some need a person, some are reported again. */
async function workCases({ report, memory, tenantId, commands }: Pipeline, count: number): Promise<void> {
  const kinds = [{ type: 'HEARTBEAT' }, ODD, { type: 'SETTLEMENT_FAIL', fields: { amount: 200_000_000 } }];
  for (let made = 0; made < count; ) {
    const size = Math.min(BATCH, count - made);
    const reports = Array.from({ length: size }, (_, i) => ({ ...nextException(), ...kinds[i % 10] }));
    await report(reports);
    await report(reports.filter((_, i) => kinds[i % 10] === ODD));
    made += size;
  }
  const working = ['OPEN', 'NORMALIZED', 'TRIAGED', 'EVALUATED', 'RUNNING'];
  const over = async () => {
    const { cases } = await memory.queries.pipeline([tenantId]);
    return cases.some(({ status }) => working.includes(status)) ? undefined : true;
  };
  await until(over, 'every case is worked', 300_000);
  await endSome(memory, commands, tenantId);
}

/** Of what waits for people most is ended by them, and some stays open, as it does. */
async function endSome(memory: OpenStore, commands: Pipeline['commands'], tenantId: string): Promise<void> {
  const { items } = await memory.queries.listCases(tenantId, { status: ['ESCALATED', 'WAITING'], limit: WORKED });
  const ended = items.filter((_, at) => at % 4 !== 0);
  for (const { caseId } of ended)
    await commands.end({ tenantId, caseId, command: 'resolve', by: 'dana', reason: 'done by hand' });
  const over = async () => {
    const { cases } = await memory.queries.pipeline([tenantId]);
    const open = cases.filter(({ status }) => ['ESCALATED', 'WAITING'].includes(status));
    return open.reduce((sum, { count }) => sum + count, 0) === items.length - ended.length ? true : undefined;
  };
  await until(over, 'people have ended theirs', 120_000);
}

/** Copies of the worked cases under ids and fingerprints of their own, some time before; a slice of the time a statement. */
async function copyCases(sql: postgres.Sql, tenantId: string, cases: number): Promise<number> {
  const columns = async (table: string) => {
    const rows = await sql<{ name: string }[]>`select column_name as name from information_schema.columns
      where table_schema = 'public' and table_name = ${table} order by ordinal_position`;
    return rows.map(({ name }) => name);
  };
  await sql`create temp table worked as select case_id from cases where tenant_id = ${tenantId}`;
  const [worked] = await sql<{ n: number }[]>`select count(*)::int as n from worked`;
  const copies = Math.round(cases / (worked?.n ?? 1)) - 1;
  const insert = {
    cases: select(await columns('cases'), CASE_COLUMNS),
    journal: select(await columns('journal'), JOURNAL_COLUMNS),
  };
  for (let copy = 0; copy < copies; copy++) {
    await sql`drop table if exists copied`;
    await sql`create temp table copied as select case_id, md5(case_id::text || ${copy}::text)::uuid as new_id,
      make_interval(secs => ${PAST_DAYS * 86_400} * (1 - (${copy} + random()) / ${copies}) + 3600) as before, ${`-${copy}`} as suffix
      from worked order by 3 desc`;
    for (const [table, text] of Object.entries(insert)) {
      await sql.unsafe(`insert into ${table} select ${text} from ${table} t join copied c using (case_id)
        where tenant_id = '${tenantId}'`);
    }
  }
  await sql`vacuum (analyze) cases, journal`;
  return (copies + 1) * (worked?.n ?? 0);
}

const select = (names: readonly string[], instead: Readonly<Record<string, string>>): string =>
  names.map((name) => instead[name] ?? `t.${name}`).join(', ');

const CASE_COLUMNS = {
  case_id: 'new_id',
  open_key: 't.open_key || suffix',
  ...Object.fromEntries(
    ['created_at', 'last_seen_at', 'updated_at', 'closed_at'].map((name) => [name, `t.${name} - before`]),
  ),
};
const JOURNAL_COLUMNS = {
  case_id: 'new_id',
  event_id: 'md5(t.event_id::text || suffix)::uuid',
  time: 't.time - before',
  data: `case when t.type = 'ExceptionIngested' then (t.data::jsonb || jsonb_build_object('fingerprint', (t.data ->> 'fingerprint') || suffix,
    'receivedAt', to_char(((t.data ->> 'receivedAt')::timestamptz - before) at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')))::json else t.data end`,
};
