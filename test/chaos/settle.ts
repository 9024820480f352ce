/** Waits until nothing is under way any more, by raw tables and offsets. */
import type { Admin } from 'kafkajs';
import type { Cluster, Sql } from './cluster.js';
import { TOPICS } from './layout.js';
import { sleep } from './waiting.js';

/** What is still under way; every number is 0 when the cluster has settled. */
export interface Unfinished {
  readonly outbox: number;
  readonly unseen: number; // cases with an event that a stage has not handled
  readonly calls: number; // executions without an end
  readonly waits: number; // approvals that somebody will decide
  readonly letters: number; // dead letters not published
  readonly lag: number; // records between positions and the ends of the partitions
}

export interface Settled {
  readonly ms: number;
  readonly settled: boolean;
  readonly left: Unfinished;
}

/** Answers when two looks in a row found nothing, or when nothing has moved for `stuckMs`, longer than the product takes to heal. */
export async function settle(cluster: Cluster, { epoch = 1, stuckMs = 180_000 } = {}): Promise<Settled> {
  const started = Date.now();
  const admin = cluster.kafka.admin();
  await admin.connect();
  let moved = Date.now();
  let last = '';
  let quiet = 0;
  try {
    for (;;) {
      const left = await unfinished(cluster.sql, admin, epoch);
      quiet = Object.values(left).every((count) => count === 0) ? quiet + 1 : 0;
      if (quiet === 2) return { ms: Date.now() - started, settled: true, left };
      const now = JSON.stringify(left);
      if (now !== last) [last, moved] = [now, Date.now()];
      if (Date.now() - moved > stuckMs) return { ms: Date.now() - started, settled: false, left };
      await sleep(1_000);
    }
  } finally {
    await admin.disconnect();
  }
}

async function unfinished(sql: Sql, admin: Admin, epoch: number): Promise<Unfinished> {
  const [row] = await sql<Omit<Unfinished, 'lag'>[]>`select
    (select count(*)::int from outbox) as outbox,
    (select count(*)::int from cases c where exists (
      select from json_each_text(c.sent) s where s.value::int > coalesce((c.seen ->> s.key)::int, 0))) as unseen,
    (select count(*)::int from executions where status in ('pending', 'leased')) as calls,
    (select count(*)::int from waits where status = 'decided' or (status = 'open' and title not like 'alert %')) as waits,
    (select count(*)::int from dead_letters where published_at is null) as letters`;
  const positions = await sql<{ topic: string; partition: number; next: number }[]>`select topic, partition,
    next_offset::float8 as next from positions where epoch = ${epoch}`;
  const reached = new Map(positions.map(({ topic, partition, next }) => [`${topic}/${partition}`, next]));
  let lag = 0;
  for (const topic of TOPICS) {
    for (const { partition, high, low } of await admin.fetchTopicOffsets(topic)) {
      lag += Math.max(0, Number(high) - Math.max(Number(low), reached.get(`${topic}/${partition}`) ?? 0));
    }
  }
  return { ...(row as Omit<Unfinished, 'lag'>), lag };
}
