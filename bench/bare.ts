/**
 * One hop of the bare chunk pipeline: what is left of Millrace when every decision, check and promise to a user is taken
 * out. Chunks of 256 in one transaction (position, locks, state, journal, outbox), published in one batch.
 */
import { randomUUID } from 'node:crypto';
import { type Batch, Kafka, type KafkaMessage, logLevel } from 'kafkajs';
import postgres from 'postgres';
import { patchRequestQueue } from '../src/log/kafka/patch.js';
import type { RivalEvent } from './lib/rivals.js';

const HOPS = 7;
const CHUNK = 256;
const CONCURRENCY = 2;
const { BENCH_DATABASE = '', BENCH_BROKERS = '', BENCH_TOPICS = '', BENCH_HOP = '' } = process.env;
const hop = Number(BENCH_HOP);
patchRequestQueue();
const sql = postgres(BENCH_DATABASE, { fetch_types: false, connection: { jit: false } });
const kafka = new Kafka({ clientId: `bare-${hop}`, brokers: BENCH_BROKERS.split(','), logLevel: logLevel.ERROR });
const producer = kafka.producer({ maxInFlightRequests: 1, allowAutoTopicCreation: false });
const consumer = kafka.consumer({
  groupId: `bare-${hop}`,
  maxWaitTimeInMs: 500,
  maxBytesPerPartition: 524_288,
  maxBytes: 4_194_304,
});

interface Locked {
  readonly c: string;
  readonly seq: number;
  readonly state: object;
}

const LOCK = `with k as materialized (select * from jsonb_to_recordset($1::text::jsonb) as k(t text, c uuid) order by t, c)
  select c.case_id as c, c.seq, c.state from k cross join lateral (
    select * from cases c where c.tenant_id = k.t and c.case_id = k.c for update) c`;

const WRITE = `with r as materialized (select * from jsonb_to_recordset($1::text::jsonb)
    as r(t text, c uuid, q int, i uuid, u uuid, s jsonb, d jsonb)),
  moved as (insert into positions (hop, partition, next_offset) values ($2, $3, $4)
    on conflict (hop, partition) do update set next_offset = excluded.next_offset),
  updated as (update cases c set version = version + 1, status = 'STEP', seq = r.q, state = r.s, updated_at = now()
    from r where c.tenant_id = r.t and c.case_id = r.c),
  appended as (insert into journal (tenant_id, case_id, seq, event_id, type, cause_id, data)
    select t, c, q, i, 'StepDone', u, d from r)
  insert into outbox (tenant_id, case_id, seq) select t, c, q from r where $2 < ${HOPS}`;

const DELETE = `with k as materialized (select * from jsonb_to_recordset($1::text::jsonb) as k(t text, c uuid, q int))
  delete from outbox o using k where o.tenant_id = k.t and o.case_id = k.c and o.seq = k.q`;

const prepared = { prepare: true } as const;

async function chunk(partition: number, messages: readonly KafkaMessage[]): Promise<void> {
  const events = messages.map((message) => JSON.parse(String(message.value)) as RivalEvent);
  const last = Number((messages.at(-1) as KafkaMessage).offset);
  const out = await sql.begin(async (tx) => {
    const keys = JSON.stringify(events.map(({ tenantId, caseId }) => ({ t: tenantId, c: caseId })));
    const [, locked] = await Promise.all([
      tx.unsafe(
        'select next_offset from positions where hop = $1 and partition = $2 for update',
        [hop, partition],
        prepared,
      ),
      tx.unsafe<Locked[]>(LOCK, [keys], prepared),
    ]);
    const cases = new Map(locked.map((row) => [row.c, row]));
    const fresh = events.filter((event) => event.seq >= (cases.get(event.caseId)?.seq ?? Number.POSITIVE_INFINITY));
    const next = fresh.map((event) => following(event, cases.get(event.caseId) as Locked));
    const rows = `[${next.map(({ row }) => row).join()}]`;
    await tx.unsafe(WRITE, [rows, hop, partition, last + 1], prepared);
    return next;
  });
  if (hop === HOPS || out.length === 0) return;
  const sent = out.map(({ key, value }) => ({ key, value }));
  await producer.send({ topic: `${BENCH_TOPICS}.${hop + 1}`, acks: -1, messages: sent });
  const keys = JSON.stringify(out.map(({ event: { tenantId, caseId, seq } }) => ({ t: tenantId, c: caseId, q: seq })));
  sql.unsafe(DELETE, [keys], prepared).catch((error: Error) => console.error(error.message));
}

function following(event: RivalEvent, row: Locked) {
  const { tenantId, caseId } = event;
  const next: RivalEvent = {
    ...event,
    id: randomUUID(),
    seq: event.seq + 1,
    causeId: event.id,
    time: new Date().toISOString(),
  };
  const data = JSON.stringify(next.data);
  const state = JSON.stringify({ ...row.state, hop });
  return {
    event: next,
    key: `${tenantId}:${caseId}`,
    value: JSON.stringify(next),
    row: `{"t":"${tenantId}","c":"${caseId}","q":${next.seq},"i":"${next.id}","u":"${event.id}","s":${state},"d":${data}}`,
  };
}

async function handle(batch: Batch, resolve: (offset: string) => void): Promise<void> {
  for (let at = 0; at < batch.messages.length; at += CHUNK) {
    const messages = batch.messages.slice(at, at + CHUNK);
    await chunk(batch.partition, messages);
    resolve((messages.at(-1) as KafkaMessage).offset);
  }
}

consumer.on(consumer.events.GROUP_JOIN, () => console.log('ready'));
await producer.connect();
await consumer.connect();
await consumer.subscribe({ topics: [`${BENCH_TOPICS}.${hop}`], fromBeginning: true });
await consumer.run({
  eachBatchAutoResolve: false,
  partitionsConsumedConcurrently: CONCURRENCY,
  eachBatch: async ({ batch, resolveOffset }) => handle(batch, resolveOffset),
});
process.once('SIGTERM', async () => {
  await consumer.disconnect();
  await producer.disconnect();
  await sql.end();
  process.exit(0);
});
