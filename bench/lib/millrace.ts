/** Millrace itself: `node dist/workers` six times, with a realistic pack and a tool that is called over HTTP. */
import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import type { OutRecord } from '../../src/core/envelope.js';
import { STAGES } from '../../src/core/stages.js';
import type { Log } from '../../src/log/port.js';
import { splitSource } from '../../src/packs/index.js';
import { Ingestion } from '../../src/runtime/ingest.js';
import { PackCache } from '../../src/runtime/pack-cache.js';
import { topicsWanted } from '../../src/runtime/preflight.js';
import { Publisher } from '../../src/runtime/publisher.js';
import { grantRuntimeLogin, migrate } from '../../src/store/migrate.js';
import { createPostgresStore, type OpenStore, openForMigration } from '../../src/store/open.js';
import { createTelemetry } from '../../src/telemetry/catalogue.js';
import type { Contender, Ending, Opened } from './contender.js';
import { nextException } from './load.js';
import { sinkAddress, startSink, TENANT, usePack } from './pack.js';
import { type Program, type Running, startAll, stopAll } from './processes.js';
import { PARTITIONS } from './rivals.js';
import type { Ground } from './servers.js';

const CONCURRENCY = 2;
const A_REQUEST = 100;

interface Parts {
  readonly ground: Ground;
  readonly sql: postgres.Sql; // as superuser, for what is measured
  readonly url: string; // as the runtime role
  readonly store: OpenStore;
  readonly log: Log;
  readonly sink: Running;
}

export async function millrace(ground: Ground): Promise<Contender> {
  const adminUrl = await ground.database();
  const { url, store } = await openMigrated(adminUrl);
  const { log } = ground;
  await log.createTopics(topicsWanted(PARTITIONS));
  const sink = await startSink();
  await usePack(store, sinkAddress(sink), [TENANT]);
  const sql = postgres(adminUrl, { max: 2, onnotice: () => undefined });
  const parts = { ground, sql, url, store, log, sink };
  return {
    name: 'millrace',
    about: 'six worker processes, 20 triage rules, 10 policies, a playbook with one HTTP call',
    firstGuess: 700,
    open: (profile) => open(parts, profile),
  };
}

/** Migrates an empty database and opens it as the runtime role. */
export async function openMigrated(adminUrl: string): Promise<{ readonly url: string; readonly store: OpenStore }> {
  const owner = openForMigration(adminUrl);
  await migrate(owner);
  await grantRuntimeLogin(owner, 'millrace_bench', 'bench');
  await owner.close();
  const url = new URL(adminUrl);
  url.username = 'millrace_bench';
  url.password = 'bench';
  return { url: url.href, store: createPostgresStore({ url: url.href, poolSize: 6, applicationName: 'bench' }) };
}

async function open(parts: Parts, profile: string | undefined): Promise<Opened> {
  const { ground, url, store, log, sql, sink } = parts;
  const programs = STAGES.map((stage): Program => {
    const env = {
      WORKER_TYPE: stage,
      CONCURRENCY: String(CONCURRENCY),
      DATABASE_URL: url,
      KAFKA_BOOTSTRAP_SERVERS: ground.brokers,
      PARTITIONS: String(PARTITIONS),
      HEALTH_PORT: '0',
      EGRESS_ALLOW: sinkAddress(sink),
      LOG_FORMAT: 'json',
    };
    return { name: stage, args: ['dist/workers/index.js'], env, ready: /Initialized \w+Worker/, profile };
  });
  const processes = await startAll(programs);
  const telemetry = createTelemetry([]);
  const packs = new PackCache(store.queries.packSource);
  const live = new Ingestion(store.store, new Publisher(log, store.store, telemetry, 'bench'), telemetry);
  return {
    processes,
    async prepare(count) {
      const held: OutRecord[] = [];
      const holding: Log = { ...log, publish: async (records) => void held.push(...records) };
      const publisher = new Publisher(holding, store.store, telemetry, 'bench');
      const ingestion = new Ingestion(store.store, publisher, telemetry);
      for (let left = count; left > 0; left -= A_REQUEST) await accept(ingestion, packs, Math.min(left, A_REQUEST));
      await publisher.drain();
      return { release: () => log.publish(held) };
    },
    async send() {
      const [id] = await accept(live, packs, 1);
      return id as string;
    },
    async finished() {
      // What feedback has counted: exact, and a small table however many cases there are.
      const [row] = await sql<{ n: number }[]>`select coalesce(sum(cases), 0)::int as n from figures
        where tenant_id = ${TENANT} and kind = 'playbook'`;
      return row?.n ?? 0;
    },
    endings: (ids) => endings(sql, ids),
    close: () => stopAll(processes),
  };
}

async function accept(ingestion: Ingestion, packs: PackCache, count: number): Promise<(string | null)[]> {
  const { version, pack } = await packs.activePack(TENANT);
  const receivedAt = new Date().toISOString();
  const body = Array.from({ length: count }, nextException);
  const { items, problems } = splitSource(pack, 'generic', { body, headers: {}, receivedAt });
  if (problems.length > 0) throw new Error(JSON.stringify(problems[0]));
  const answer = await ingestion.accept({
    requestId: randomUUID(),
    tenantId: TENANT,
    traceparent: null,
    idempotency: null,
    items: items.map((item) => {
      const newCaseId = randomUUID();
      const fingerprint = item.fingerprint ?? newCaseId;
      const data = { ...item, fingerprint, source: 'generic', via: 'api', receivedAt, packVersion: version } as const;
      return { newCaseId, data };
    }),
  });
  return answer.items.map(({ id }) => id);
}

async function endings(sql: postgres.Sql, ids: readonly string[]): Promise<ReadonlyMap<string, Ending>> {
  const rows = await sql<{ id: string; resolved: number | null; last: number | null }[]>`
    select case_id as id,
      max(extract(epoch from time) * 1000) filter (where type = 'PlaybookFinished')::float8 as resolved,
      max(extract(epoch from time) * 1000) filter (where type = 'FeedbackCaptured')::float8 as last
    from journal where tenant_id = ${TENANT} and case_id = any(${[...ids]}::uuid[]) group by case_id`;
  return new Map(
    rows.flatMap(({ id, resolved, last }) =>
      resolved === null || last === null ? [] : [[id, { resolvedAt: resolved, lastAt: last }] as const],
    ),
  );
}
