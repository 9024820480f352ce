/** Every topic once more from its first record: nothing may change (I20). */
import { readFile } from 'node:fs/promises';
import type { Judgement } from './checker.js';
import type { Cluster } from './cluster.js';
import { resetWhenEmpty } from './faults/members.js';
import { STAGES, TOPICS } from './layout.js';
import { settle } from './settle.js';

const digest = (what: string, from: string): string =>
  `select md5(coalesce(string_agg(x, '|' order by x), '')) as is, count(*)::int as rows from (
    select jsonb_build_array(${what})::text as x from ${from}) t`;

const TABLES: Readonly<Record<string, string>> = {
  cases: digest(
    'tenant_id, case_id, status, paused, blocked, seq, seen, sent, count, exception, triage, policy, run, feedback',
    'cases',
  ),
  journal: digest('tenant_id, case_id, seq, event_id, type, data', 'journal'),
  executions: digest('tenant_id, execution_id, status, attempt, tries, result', 'executions'),
  waits: digest('tenant_id, wait_id, status, decisions', 'waits'),
  timers: digest('tenant_id, timer_id, due_at', 'timers'),
  figures: digest('tenant_id, kind, name, outcome, cases', 'figures'),
};

type Snapshot = Readonly<Record<string, string>>;

/** Starts every worker on a new stream epoch, whose positions begin at 0, and compares what was with what is. */
export async function replayEverything(cluster: Cluster, sinkFile: string): Promise<Judgement> {
  const workers = [...cluster.workers.values()].flat();
  await Promise.all(workers.map((one) => one.stop()));
  const before = await snapshot(cluster, sinkFile);
  await Promise.all(STAGES.map((stage) => resetWhenEmpty({ cluster }, stage, 'earliest')));
  for (const one of workers) one.start({ STREAM_EPOCH: '2' });
  await Promise.all(workers.map((one) => one.ready()));
  const { settled, left } = await settle(cluster, { epoch: 2 });
  const after = await snapshot(cluster, sinkFile);
  const changed = Object.keys(before).filter((name) => before[name] !== after[name]);
  const examples = changed.map((name) => ({ what: name, before: before[name], after: after[name] }));
  const [row] = await cluster.sql<{ n: number }[]>`
    select coalesce(sum(next_offset), 0)::float8 as n from positions where epoch = 2`;
  const title = 'replay of all topics from 0 changes nothing';
  const wrong = changed.length + (settled ? 0 : 1);
  return { id: 'I20', title, counted: row?.n ?? 0, wrong, examples: settled ? examples : [...examples, left] };
}

async function snapshot(cluster: Cluster, sinkFile: string): Promise<Snapshot> {
  const found: Record<string, string> = {};
  for (const [name, query] of Object.entries(TABLES)) {
    const [row] = await cluster.sql.unsafe<{ is: string; rows: number }[]>(query);
    found[name] = `${row?.is} (${row?.rows} rows)`;
  }
  found.sink = String((await readFile(sinkFile, 'utf8')).split('\n').length);
  const admin = cluster.kafka.admin();
  await admin.connect();
  try {
    for (const topic of TOPICS) {
      const ends = await admin.fetchTopicOffsets(topic);
      found[topic] = ends
        .map(({ partition, high }) => `${partition}:${high}`)
        .sort()
        .join(' ');
    }
  } finally {
    await admin.disconnect();
  }
  return found;
}
