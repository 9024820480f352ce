/** What is not published yet, and what the journal remembers of an event. */
import { sql } from 'drizzle-orm';
import type { JournalEntry } from '../../core/envelope.js';
import type { StageName } from '../../core/stages.js';
import type { CaseKey, EventKey, EventRef, Marks } from '../port.js';
import { cases, journal, outbox } from '../schema.js';
import { arrays, placed, REFS, ROWS, unnest } from './columns.js';
import { type Session, statement } from './driver.js';
import { entriesOf, type RawEntry, toEntry } from './rows.js';

// Rows that another process has in hand are left to it; a case is taken with all its rows, or its events would be split.
const stale = statement<RawEntry>(sql`
  with old as materialized (
    select distinct tenant_id, case_id from (select o.tenant_id, o.case_id from ${outbox} o
      where o.created_at <= clock_timestamp() - ${sql.placeholder('ms')}::float8 * interval '1 ms'
      order by o.created_at limit ${sql.placeholder('limit')}) o),
  locked as materialized (
    select o.* from old cross join lateral (
      select o.ctid, o.tenant_id, o.case_id, o.seq from ${outbox} o
      where o.tenant_id = old.tenant_id and o.case_id = old.case_id order by o.seq for update skip locked
    ) o limit ${sql.placeholder('rows')}),
  young as (update ${outbox} o set created_at = clock_timestamp() from locked l where o.ctid = l.ctid)
  select * from (${entriesOf('locked')}) j order by j.tenant_id, j.case_id, j.seq`);

export async function staleOutbox(session: Session, olderMs: number, limit: number): Promise<JournalEntry[]> {
  return (await session.run(stale, { ms: olderMs, limit, rows: limit })).map(toEntry);
}

const remove = statement<never>(sql`
  with k as materialized (select * from ${unnest('rows', 'k', ROWS)} order by t, c, q)
  delete from ${outbox} o using ${placed(outbox, sql`l.tenant_id = k.t and l.case_id = k.c and l.seq = k.q`)}
  where o.ctid = k.id`);

export const deleteOutbox = (session: Session, published: readonly EventKey[]): Promise<unknown> =>
  session.run(remove, arrays('rows', ROWS, published));

const dataOf = statement<{ n: number; data: string }>(sql`
  with r as materialized (select * from ${unnest('refs', 'r', REFS, 'n')})
  select r.n, j.data::text as data from r
    cross join lateral (select j.data from ${journal} j
      where j.tenant_id = r.t and j.case_id = r.c and j.seq = r.q and j.event_id = r.i offset 0) j`);

export async function journalData(session: Session, refs: readonly EventRef[]): Promise<ReadonlyMap<string, string>> {
  const rows = await session.run(dataOf, arrays('refs', REFS, refs));
  return new Map(
    rows.map(({ n, data }) => {
      const ref = refs[n - 1] as EventRef;
      return [`${ref.tenantId}:${ref.caseId}:${ref.seq}`, data];
    }),
  );
}

const behind = statement<{ tenant_id: string; case_id: string; seen: Marks; sent: Marks }>(sql`
  select c.tenant_id, c.case_id, c.seen, c.sent from ${cases} c
  where (c.tenant_id, c.case_id) > (${sql.placeholder('tenant')}::text, ${sql.placeholder('case')}::uuid)
    and exists (select from json_each_text(c.sent) s where s.value::int > coalesce((c.seen ->> s.key)::int, 0))
  order by c.tenant_id, c.case_id limit ${sql.placeholder('limit')}`);

const FIRST: CaseKey = { tenantId: '', caseId: '00000000-0000-0000-0000-000000000000' };

export async function unseen(session: Session, after: CaseKey | null, limit: number) {
  const { tenantId, caseId } = after ?? FIRST;
  const rows = await session.run(behind, { tenant: tenantId, case: caseId, limit });
  return rows.map((row) => ({ tenantId: row.tenant_id, caseId: row.case_id, seen: row.seen, sent: row.sent }));
}

const sent = statement<{ tenant_id: string; case_id: string }>(sql`
  select c.tenant_id, c.case_id from ${cases} c
  where (c.tenant_id, c.case_id) > (${sql.placeholder('tenant')}::text, ${sql.placeholder('case')}::uuid)
    and c.sent ->> ${sql.placeholder('stage')}::text is not null and c.created_at >= to_timestamp(${sql.placeholder('since')}::float8 / 1000)
  order by c.tenant_id, c.case_id limit ${sql.placeholder('limit')}`);

export async function sentTo(
  session: Session,
  stage: StageName,
  since: number,
  after: CaseKey | null,
  limit: number,
): Promise<CaseKey[]> {
  const { tenantId, caseId } = after ?? FIRST;
  const rows = await session.run(sent, { tenant: tenantId, case: caseId, stage, since, limit });
  return rows.map((row) => ({ tenantId: row.tenant_id, caseId: row.case_id }));
}
