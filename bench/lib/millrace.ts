/** Millrace itself: `node dist/workers` six times, with a realistic pack and a tool that is called over HTTP. */
import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { v7 as newId } from 'uuid';
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
import { AT_ONCE, PARTITIONS } from './rivals.js';
import type { Ground } from './servers.js';

const CONCURRENCY = 2;
const A_REQUEST = 100;

export interface MillraceOptions {
  readonly partitions?: number; // of each topic, which must be new on this broker
  readonly copies?: number; // processes of each worker
  readonly tenants?: readonly string[]; // whose exceptions they are, in turns
}

interface Parts {
  readonly ground: Ground;
  readonly options: Required<MillraceOptions>;
  readonly sql: postgres.Sql; // as superuser, for what is measured
  readonly url: string; // as the runtime role
  readonly store: OpenStore;
  readonly log: Log;
  readonly sink: Running;
}

const USUAL = { partitions: PARTITIONS, copies: 1, tenants: [TENANT] } as const;

export interface Millrace extends Contender {
  readonly adminUrl: string; // of its database, as superuser
  readonly url: string; // as the runtime role
  readonly store: OpenStore;
  /** The same system with the load of other tenants, which it knows. */
  of(tenants: readonly string[]): Contender;
}

export async function millrace(ground: Ground, given: MillraceOptions = {}): Promise<Millrace> {
  const options = { ...USUAL, ...given };
  const adminUrl = await ground.database();
  const { url, store } = await openMigrated(adminUrl);
  const { log } = ground;
  await log.createTopics(topicsWanted(options.partitions));
  const sink = await startSink();
  await usePack(store, sinkAddress(sink), options.tenants);
  const sql = postgres(adminUrl, { max: 2, onnotice: () => undefined });
  const parts = { ground, options, sql, url, store, log, sink };
  const contender = (tenants: readonly string[]): Contender => ({
    name: 'millrace',
    about: 'six worker processes, 20 triage rules, 10 policies, a playbook with one HTTP call',
    firstGuess: 1_400,
    open: (profile) => open({ ...parts, options: { ...options, tenants } }, profile),
  });
  return { ...contender(options.tenants), adminUrl, url, store, of: contender };
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

/** The programs of all workers: `intake`, or with several copies `intake-1`, `intake-2`. */
function programs({ ground, url, sink, options }: Parts, profile: string | undefined): Program[] {
  const env = {
    CONCURRENCY: String(CONCURRENCY),
    DATABASE_URL: url,
    KAFKA_BOOTSTRAP_SERVERS: ground.brokers,
    PARTITIONS: String(options.partitions),
    HEALTH_PORT: '0',
    EGRESS_ALLOW: sinkAddress(sink),
    LOG_FORMAT: 'json',
  };
  return STAGES.flatMap((stage) =>
    Array.from({ length: options.copies }, (_, i) => ({
      name: options.copies === 1 ? stage : `${stage}-${i + 1}`,
      args: ['dist/workers/index.js'],
      env: { ...env, WORKER_TYPE: stage },
      ready: /Initialized \w+Worker/,
      profile,
    })),
  );
}

async function open(parts: Parts, profile: string | undefined): Promise<Opened> {
  const { store, log, sql } = parts;
  const { tenants } = parts.options;
  const processes = await startAll(programs(parts, profile));
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
      for (let left = count; left > 0; left -= A_REQUEST) {
        await acceptFor(tenants, ingestion, packs, Math.min(left, A_REQUEST));
        await publisher.drain(); // what stays in the outbox for two seconds, the workers would publish
      }
      return {
        async release() {
          for (let i = 0; i < held.length; i += AT_ONCE) await log.publish(held.slice(i, i + AT_ONCE));
        },
      };
    },
    async send() {
      const [id] = await acceptFor(tenants, live, packs, 1);
      return id as string;
    },
    async finished() {
      // What feedback has counted: exact, and a small table however many cases there are.
      const [row] = await sql<{ n: number }[]>`select coalesce(sum(cases), 0)::int as n from figures
        where kind = 'playbook'`;
      return row?.n ?? 0;
    },
    endings: (ids) => endings(sql, ids),
    close: () => stopAll(processes),
  };
}

let turn = 0;

/** So many exceptions, spread over the tenants; those of one tenant are one request. */
async function acceptFor(
  tenants: readonly string[],
  ingestion: Ingestion,
  packs: PackCache,
  count: number,
): Promise<(string | null)[]> {
  const counts = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    const tenant = tenants[turn++ % tenants.length] as string;
    counts.set(tenant, (counts.get(tenant) ?? 0) + 1);
  }
  const ids = await Promise.all([...counts].map(([tenant, some]) => accept(tenant, ingestion, packs, some)));
  return ids.flat();
}

async function accept(tenantId: string, ingestion: Ingestion, packs: PackCache, count: number) {
  const { version, pack } = await packs.activePack(tenantId);
  const receivedAt = new Date().toISOString();
  const body = Array.from({ length: count }, nextException);
  const { items, problems } = splitSource(pack, 'generic', { body, headers: {}, receivedAt });
  if (problems.length > 0) throw new Error(JSON.stringify(problems[0]));
  const answer = await ingestion.accept({
    requestId: randomUUID(),
    tenantId,
    traceparent: null,
    idempotency: null,
    items: items.map((item) => {
      const newCaseId = newId(); // by time, as the API makes them
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
    from journal where tenant_id in (select tenant_id from tenants) and case_id = any(${[...ids]}::uuid[]) group by case_id`;
  return new Map(
    rows.flatMap(({ id, resolved, last }) =>
      resolved === null || last === null ? [] : [[id, { resolvedAt: resolved, lastAt: last }] as const],
    ),
  );
}
