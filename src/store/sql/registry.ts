/** Tenants that exist, and processes that are alive. */
import type { WorkerBeat } from '../../core/processes.js';
import { sql } from '../drizzle.js';
import { tenants, workers } from '../schema.js';
import { type Session, statement } from './driver.js';
import { at } from './rows.js';

const known = statement<{ tenant_id: string }>(sql`
  select t.tenant_id from jsonb_array_elements_text(${sql.placeholder('names')}::text::jsonb) n
    join ${tenants} t on t.tenant_id = n where t.disabled_at is null`);

export async function knownTenants(session: Session, names: readonly string[]): Promise<ReadonlySet<string>> {
  if (names.length === 0) return new Set();
  return new Set((await session.run(known, { names: JSON.stringify(names) })).map((row) => row.tenant_id));
}

const upsert = statement<never>(sql`
  insert into ${workers} as w (worker_id, stage, consumer_group, host, pid, started_at, last_seen_at, stopped_at)
  select b.w, b.s, b.g, b.h, b.p, ${at('b.a')}, now(), case when b.d then now() end
  from jsonb_to_record(${sql.placeholder('beat')}::text::jsonb)
    as b(w text, s text, g text, h text, p int, a float8, d bool)
  on conflict (worker_id) do update set last_seen_at = now(), stopped_at = excluded.stopped_at`);

export async function beat(session: Session, worker: WorkerBeat): Promise<void> {
  const { workerId: w, stage: s, group: g, host: h, pid: p, startedAt: a, stopped: d } = worker;
  await session.run(upsert, { beat: JSON.stringify({ w, s, g, h, p, a, d }) });
}
