/** The two that Millrace is compared with: seven processes, seven topics, no logic. */
import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import type { Contender, Ending, Opened } from './contender.js';
import { nextException } from './load.js';
import { type Program, startAll, stopAll } from './processes.js';
import type { Ground } from './servers.js';

export const HOPS = 7;
export const PARTITIONS = 8;
export const AT_ONCE = 1_000; // events in one request, of every contender

export interface RivalEvent {
  readonly id: string;
  readonly tenantId: string;
  readonly caseId: string;
  readonly seq: number;
  readonly causeId: string | null;
  readonly time: string;
  readonly data: object;
}

interface Kind {
  readonly name: 'handWritten' | 'bare';
  readonly about: string;
  readonly program: string;
  readonly topics: string; // their common beginning
  readonly firstGuess: number;
  readonly tables: string;
  readonly finished: string; // a query: how many events the last hop has handled
}

const CASES = `create table cases (tenant_id text not null, case_id uuid not null, version int not null default 1,
  status text not null default 'OPEN', seq int not null default 1, state jsonb not null,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(),
  primary key (tenant_id, case_id)) with (fillfactor = 60)`;
const JOURNAL = `create table journal (tenant_id text not null, case_id uuid not null, seq int not null,
  event_id uuid not null, type text not null, cause_id uuid, time timestamptz not null default clock_timestamp(),
  data jsonb not null, primary key (tenant_id, case_id, seq))`;

const HAND: Kind = {
  name: 'handWritten',
  about: 'kafkajs `eachMessage`, one transaction each, the next event published and awaited',
  program: 'bench/hand-written.ts',
  topics: 'hand',
  firstGuess: 120,
  tables: `${CASES}; ${JOURNAL}; create table processed (hop int not null, event_id uuid not null,
    processed_at timestamptz not null default now(), primary key (hop, event_id))`,
  finished: `select count(*)::int as n from processed where hop = ${HOPS}`,
};

const BARE: Kind = {
  name: 'bare',
  about: 'chunks of 256: parse, lock, write state, journal, outbox, publish',
  program: 'bench/bare.ts',
  topics: 'bare',
  firstGuess: 1_400,
  tables: `${CASES}; ${JOURNAL}; create table outbox (tenant_id text not null, case_id uuid not null, seq int not null,
    created_at timestamptz not null default now(), primary key (tenant_id, case_id, seq));
    create table positions (hop int not null, partition int not null, next_offset bigint not null,
    primary key (hop, partition)) with (fillfactor = 50)`,
  finished: `select coalesce(sum(next_offset), 0)::int as n from positions where hop = ${HOPS}`,
};

export const handWritten = (ground: Ground): Promise<Contender> => rival(ground, HAND);
export const bare = (ground: Ground): Promise<Contender> => rival(ground, BARE);

async function rival(ground: Ground, kind: Kind): Promise<Contender> {
  const url = await ground.database();
  const sql = postgres(url, { max: 2, onnotice: () => undefined });
  await sql.unsafe(kind.tables);
  const names = Array.from({ length: HOPS }, (_, i) => `${kind.topics}.${i + 1}`);
  await ground.log.createTopics(names.map((topic) => ({ topic, partitions: PARTITIONS })));
  const { name, about, firstGuess } = kind;
  return { name, about, firstGuess, open: (profile) => open(ground, kind, url, sql, profile) };
}

async function open(
  ground: Ground,
  kind: Kind,
  url: string,
  sql: postgres.Sql,
  profile: string | undefined,
): Promise<Opened> {
  const env = { BENCH_DATABASE: url, BENCH_BROKERS: ground.brokers, BENCH_TOPICS: kind.topics };
  const programs = Array.from({ length: HOPS }, (_, i): Program => {
    const args = ['--import', 'tsx', kind.program];
    return {
      name: `${kind.topics}-${i + 1}`,
      args,
      env: { ...env, BENCH_HOP: String(i + 1) },
      ready: /ready/,
      profile,
    };
  });
  const producer = ground.kafka.producer({ maxInFlightRequests: 1, allowAutoTopicCreation: false });
  await producer.connect();
  const processes = await startAll(programs);
  const publish = (events: readonly RivalEvent[]) =>
    producer.send({
      topic: `${kind.topics}.1`,
      acks: -1,
      messages: events.map((event) => ({ key: `${event.tenantId}:${event.caseId}`, value: JSON.stringify(event) })),
    });
  return {
    processes,
    async prepare(count) {
      const events = Array.from({ length: count }, firstEvent);
      for (let i = 0; i < count; i += AT_ONCE) await insertCases(sql, events.slice(i, i + AT_ONCE));
      return {
        async release() {
          for (let i = 0; i < count; i += AT_ONCE) await publish(events.slice(i, i + AT_ONCE));
        },
      };
    },
    async send() {
      const event = firstEvent();
      await insertCases(sql, [event]);
      await publish([event]);
      return event.caseId;
    },
    async finished() {
      const [row] = await sql.unsafe<{ n: number }[]>(kind.finished);
      return row?.n ?? 0;
    },
    endings: (ids) => endings(sql, ids),
    async close() {
      await stopAll(processes);
      await producer.disconnect();
    },
  };
}

const firstEvent = (): RivalEvent => ({
  id: randomUUID(),
  tenantId: 'bench',
  caseId: randomUUID(),
  seq: 1,
  causeId: null,
  time: new Date().toISOString(),
  data: nextException(),
});

async function insertCases(sql: postgres.Sql, events: readonly RivalEvent[]): Promise<void> {
  const rows = JSON.stringify(events.map(({ tenantId, caseId, data }) => ({ t: tenantId, c: caseId, s: data })));
  await sql`insert into cases (tenant_id, case_id, state)
    select t, c, s from jsonb_to_recordset(${rows}::text::jsonb) as r(t text, c uuid, s jsonb)`;
}

async function endings(sql: postgres.Sql, ids: readonly string[]): Promise<ReadonlyMap<string, Ending>> {
  const rows = await sql<{ id: string; at: number }[]>`
    select case_id as id, (extract(epoch from time) * 1000)::float8 as at from journal
    where seq = ${HOPS + 1} and case_id = any(${[...ids]}::uuid[])`;
  return new Map(rows.map(({ id, at }) => [id, { resolvedAt: at, lastAt: at }]));
}
