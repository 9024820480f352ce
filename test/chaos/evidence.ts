/**
 * Puts what is judged beside the product's tables, in a schema of its own: every record of every topic, the sink's
 * file, what clients were told. Then an invariant is one SQL statement over what really happened.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { IHeaders, Kafka, KafkaMessage } from 'kafkajs';
import type postgres from 'postgres';
import { BY_HAND, DEAD_LETTER_TOPICS, STAGES, TOPICS, topicOf } from './layout.js';

type Sql = postgres.Sql;

const TABLES = `
drop schema if exists evidence cascade;
create schema evidence;
create table evidence.records (topic text, partition int, off bigint, stage text, key text, event_id text, type text,
  tenant text, case_id text, seq int, after int, by_hand text, letter text, data jsonb, readable boolean, primary key (topic, partition, off));
create table evidence.sent (at bigint, request text, keyed boolean, idx int, n int, kind text, tenant text, entity text,
  resolve boolean, result text, id uuid, outcome text, tries int);
create table evidence.sink (at bigint, mode text, tenant text, entity text, key text, nth int, applied boolean,
  mishap text, authorized boolean);
create table evidence.decisions (at bigint, tenant text, "caseId" text, "waitId" text, by text, decision text,
  status int, code text);
create table evidence.poison (name text, codes text[], topic text, partition int, off bigint);
create table evidence.marks (topic text, partition int, low bigint, high bigint);
create table evidence.committed (grp text, topic text, partition int, off bigint);
`;

const INDEXES = `
create index on evidence.records (tenant, case_id, seq);
create index on evidence.sent (tenant, n);
create index on evidence.sent (id);
create index on evidence.sink (key);
analyze evidence.records, evidence.sent, evidence.sink, journal, cases, executions;
`;

export interface EvidenceFiles {
  readonly sent: string;
  readonly sink: string;
  readonly decisions: string;
  readonly poison: string;
}

/** Collects everything; the product must have settled. */
export async function collectEvidence(sql: Sql, kafka: Kafka, files: EvidenceFiles): Promise<void> {
  await sql.unsafe(TABLES);
  for (const table of ['sent', 'sink', 'decisions', 'poison'] as const) await loadFile(sql, table, files[table]);
  const marks = await loadOffsets(sql, kafka);
  await loadRecords(sql, kafka, marks);
  await sql.unsafe(INDEXES);
}

/** Rows of `evidence.<table>` as JSON, many to a statement. */
async function insert(sql: Sql, table: string, rows: readonly string[]): Promise<void> {
  if (rows.length === 0) return;
  const from = `jsonb_populate_recordset(null::evidence.${table}, $1::text::jsonb)`;
  await sql.unsafe(`insert into evidence.${table} select * from ${from} on conflict do nothing`, [
    `[${rows.join(',')}]`,
  ]);
}

const ROWS = 2_000;

async function loadFile(sql: Sql, table: string, file: string): Promise<void> {
  let rows: string[] = [];
  for await (const line of createInterface({ input: createReadStream(file, 'utf8') })) {
    if (line !== '') rows.push(line);
    if (rows.length < ROWS) continue;
    await insert(sql, table, rows);
    rows = [];
  }
  await insert(sql, table, rows);
}

interface Mark {
  readonly topic: string;
  readonly partition: number;
  readonly low: number;
  readonly high: number;
}

async function loadOffsets(sql: Sql, kafka: Kafka): Promise<Mark[]> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const marks: Mark[] = [];
    for (const topic of [...TOPICS, ...DEAD_LETTER_TOPICS]) {
      for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
        marks.push({ topic, partition, low: Number(low), high: Number(high) });
      }
    }
    const committed: object[] = [];
    for (const stage of STAGES) {
      const [found] = await admin.fetchOffsets({ groupId: stage, topics: [topicOf(stage)] });
      for (const { partition, offset } of found?.partitions ?? []) {
        committed.push({ grp: stage, topic: topicOf(stage), partition, off: Number(offset) });
      }
    }
    await insert(
      sql,
      'marks',
      marks.map((mark) => JSON.stringify(mark)),
    );
    await insert(
      sql,
      'committed',
      committed.map((row) => JSON.stringify(row)),
    );
    return marks;
  } finally {
    await admin.disconnect();
  }
}

const READ_MS = 1_200_000;

async function loadRecords(sql: Sql, kafka: Kafka, marks: readonly Mark[]): Promise<void> {
  const open = new Map(marks.filter(({ low, high }) => high > low).map((mark) => [placeOf(mark), mark.high]));
  if (open.size === 0) return;
  const consumer = kafka.consumer({ groupId: `checker-${Date.now()}`, maxWaitTimeInMs: 200, sessionTimeout: 120_000 });
  await consumer.connect();
  await consumer.subscribe({ topics: [...new Set(marks.map(({ topic }) => topic))], fromBeginning: true });
  await new Promise<void>((done, fail) => {
    consumer.on('consumer.crash', ({ payload }) => fail(payload.error));
    setTimeout(() => fail(new Error(`these could not be read: ${[...open.keys()].join(', ')}`)), READ_MS).unref();
    const eachBatch = async ({ batch }: { batch: { topic: string; partition: number; messages: KafkaMessage[] } }) => {
      const { topic, partition, messages } = batch;
      for (let at = 0; at < messages.length; at += ROWS) {
        const rows = messages.slice(at, at + ROWS).map((message) => rowOf(topic, partition, message));
        await insert(sql, 'records', rows);
      }
      const last = Number(messages.at(-1)?.offset ?? -1);
      const place = placeOf({ topic, partition });
      if (last + 1 >= (open.get(place) ?? Number.POSITIVE_INFINITY)) open.delete(place);
      if (open.size === 0) done();
    };
    // A reader that a slow broker threw out goes on where it was; what it reads twice is kept once.
    consumer.run({ autoCommitThreshold: 1, eachBatch }).catch(fail);
  });
  await consumer.disconnect();
}

const placeOf = ({ topic, partition }: Pick<Mark, 'topic' | 'partition'>): string => `${topic}/${partition}`;

function rowOf(topic: string, partition: number, { offset, key, value, headers = {} }: KafkaMessage): string {
  const said = (name: string): string | null => wordOf(headers, name);
  const byHand = said(BY_HAND);
  const place = {
    topic,
    partition,
    off: Number(offset),
    stage: STAGES.find((stage) => topicOf(stage) === topic) ?? null,
  };
  const letter = said('__dlq.errors.id');
  // What was put there to break readers is not read: that it became a dead letter is what counts.
  if (byHand?.startsWith('poison')) return JSON.stringify({ ...place, by_hand: byHand, letter, readable: false });
  const data = parsed(value);
  return JSON.stringify({
    ...place,
    ...{ by_hand: byHand, letter, key: key?.toString() ?? null, data, readable: data !== undefined },
    ...{ event_id: said('ce_id'), type: said('ce_type'), tenant: said('ce_tenantid'), case_id: said('ce_caseid') },
    ...{ seq: numberOf(said('ce_seq')), after: numberOf(said('ce_after')) },
  });
}

function wordOf(headers: IHeaders, name: string): string | null {
  const value = headers[name];
  const first = Array.isArray(value) ? value[0] : value;
  return first === undefined ? null : first.toString();
}

const numberOf = (text: string | null): number | null =>
  text !== null && /^\d{1,9}$/.test(text) ? Number(text) : null;

function parsed(value: Buffer | null): unknown {
  try {
    return JSON.parse(value?.toString() ?? '');
  } catch {
    return undefined;
  }
}
