/** What is not published yet, and what the journal remembers of an event. */
import type { JournalEntry } from '../../core/envelope.js';
import type { StageName } from '../../core/stages.js';
import { type SQL, sql } from '../drizzle.js';
import type { BatchRef, CaseKey, EventRef, Marks, Unpublished } from '../port.js';
import { cases, journal, outbox } from '../schema.js';
import { arrays, type Columns, placed, REFS, unnest } from './columns.js';
import { type Session, statement } from './driver.js';
import { entriesOf, type RawEntry, toEntry } from './rows.js';
import { type List, list, type Rows, Shaped } from './shaped.js';

const MOST_BATCHES = 256; // looked at for one answer

type StaleRow = (RawEntry | { readonly tenant_id: null }) & { readonly batch_id: string; readonly owner: string };

// Batches that another process has in hand are left to it. What its stage has seen meanwhile needs no publishing.
const stale = statement<StaleRow>(sql`
  with due as materialized (select clock_timestamp() - ${sql.placeholder('ms')}::float8 * interval '1 ms' as before),
  old as materialized (
    select o.batch_id, o.tenant_id, sum(cardinality(o.seqs)) over (order by o.taken_at, o.batch_id, o.tenant_id)
      - cardinality(o.seqs) as ahead
    from (select o.* from ${outbox} o where o.taken_at <= (select before from due)
      order by o.taken_at limit ${sql.raw(String(MOST_BATCHES))}) o),
  taken as materialized (
    select o.* from (select * from old where ahead < ${sql.placeholder('rows')}::int) k cross join lateral (
      select o.ctid as place, o.* from ${outbox} o where o.batch_id = k.batch_id and o.tenant_id = k.tenant_id
        and o.taken_at <= (select before from due) for update skip locked
    ) o),
  young as (update ${outbox} o set taken_at = clock_timestamp() from taken t where o.ctid = t.place),
  unseen as materialized (
    select t.batch_id, t.created_at, e.tenant_id, e.case_id, e.seq from taken t
      cross join lateral unnest(t.case_ids, t.seqs) as u(case_id, seq)
      cross join lateral (select j.tenant_id, j.case_id, j.seq, j.stage from ${journal} j
        where j.tenant_id = t.tenant_id and j.case_id = u.case_id and j.seq = u.seq offset 0) e
      cross join lateral (select from ${cases} c where c.tenant_id = e.tenant_id and c.case_id = e.case_id
        and e.seq > coalesce((c.seen ->> e.stage)::int, 0) offset 0) c)
  select t.batch_id, t.tenant_id as owner, j.* from taken t
    left join (${entriesOf('unseen', ', k.batch_id as batch')}) j on j.batch = t.batch_id and j.tenant_id = t.tenant_id
  order by t.created_at, t.batch_id, j.tenant_id, j.case_id, j.seq`);

export async function staleOutbox(session: Session, olderMs: number, limit: number): Promise<Unpublished[]> {
  const found = new Map<string, { batchId: string; tenants: string[]; entries: JournalEntry[] }>();
  for (const row of await session.run(stale, { ms: olderMs, rows: limit })) {
    const name = `${row.batch_id} ${row.owner}`;
    const batch = found.get(name) ?? { batchId: row.batch_id, tenants: [row.owner], entries: [] };
    found.set(name, batch);
    if (row.tenant_id !== null) batch.entries.push(toEntry(row));
  }
  return [...found.values()];
}

/** A tenant's row of a batch in the outbox. */
const BATCHES: Columns<{ readonly tenantId: string; readonly batchId: string }> = {
  t: ['text', (one) => one.tenantId, 'same'],
  b: ['uuid', (one) => one.batchId],
};

export const batchList = (batches: readonly BatchRef[]): List =>
  list(
    BATCHES,
    batches.flatMap(({ batchId, tenants }) => tenants.map((tenantId) => ({ tenantId, batchId }))),
  );

/** Deletes the rows of the outbox in the list `name`. */
export const deletion = (rows: Rows, name: string): SQL => sql`delete from ${outbox} o using (
    with k as materialized (select * from ${rows(name, 'k', BATCHES)})
    select k.id from ${placed(outbox, sql`l.tenant_id = k.t and l.batch_id = k.b`)}
  ) k where o.ctid = k.id`;

const remove = new Shaped<never>((rows) => deletion(rows, 'batches'));

export const deleteOutbox = (session: Session, published: readonly BatchRef[]): Promise<unknown> =>
  session.run(...remove.with({ batches: batchList(published) }));

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
