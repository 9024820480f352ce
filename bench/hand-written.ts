/**
 * One hop of what people write by hand: kafkajs `eachMessage` with its defaults, a transaction for each message (dedupe,
 * state, journal), then the next event is published and awaited.
 */
import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import postgres from 'postgres';
import type { RivalEvent } from './lib/rivals.js';

const HOPS = 7;
const { BENCH_DATABASE = '', BENCH_BROKERS = '', BENCH_TOPICS = '', BENCH_HOP = '' } = process.env;
const hop = Number(BENCH_HOP);
const sql = postgres(BENCH_DATABASE);
const kafka = new Kafka({ clientId: `hand-${hop}`, brokers: BENCH_BROKERS.split(','), logLevel: logLevel.ERROR });
const producer = kafka.producer();
const consumer = kafka.consumer({ groupId: `hand-${hop}` });

async function handle(event: RivalEvent): Promise<void> {
  const next = { ...event, id: randomUUID(), seq: event.seq + 1, causeId: event.id, time: new Date().toISOString() };
  const { tenantId, caseId, seq } = next;
  await sql.begin(async (tx) => {
    const fresh = await tx`insert into processed (hop, event_id) values (${hop}, ${event.id}) on conflict do nothing`;
    if (fresh.count === 0) return;
    await tx`update cases set status = ${`STEP_${hop}`}, seq = ${seq}, version = version + 1, updated_at = now()
      where tenant_id = ${tenantId} and case_id = ${caseId}`;
    await tx`insert into journal (tenant_id, case_id, seq, event_id, type, cause_id, data)
      values (${tenantId}, ${caseId}, ${seq}, ${next.id}, ${`Step${hop}Done`}, ${event.id}, ${JSON.stringify(next.data)}::text::jsonb)`;
  });
  if (hop === HOPS) return;
  await producer.send({
    topic: `${BENCH_TOPICS}.${hop + 1}`,
    messages: [{ key: `${tenantId}:${caseId}`, value: JSON.stringify(next) }],
  });
}

consumer.on(consumer.events.GROUP_JOIN, () => console.log('ready'));
await producer.connect();
await consumer.connect();
await consumer.subscribe({ topics: [`${BENCH_TOPICS}.${hop}`], fromBeginning: true });
await consumer.run({
  eachMessage: async ({ message }) => handle(JSON.parse(String(message.value)) as RivalEvent),
});
process.once('SIGTERM', async () => {
  await consumer.disconnect();
  await producer.disconnect();
  await sql.end();
  process.exit(0);
});
