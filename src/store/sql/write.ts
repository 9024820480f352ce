/** The shell's write: positions, states, journal and outbox in one statement, the rarer lists pipelined with it. */
import { SECTIONS, type Section } from '../../core/case.js';
import { unpublished } from '../../core/outbox.js';
import { sql } from '../drizzle.js';
import { codeOf, StaleVersionError } from '../errors.js';
import type { Position, PositionKey, Unpublished, WriteBatch } from '../port.js';
import { cases, journal, outbox, positions } from '../schema.js';
import { newBatchId } from './batch-id.js';
import { writeBudgets } from './budgets.js';
import { type Columns, JOURNAL, LISTED, NULL, POSITIONS, UPDATES } from './columns.js';
import { insertDeadLetters } from './dead-letters.js';
import type { Session } from './driver.js';
import { addFigures } from './figures.js';
import { noteIncidents } from './incidents.js';
import { cancelExecutions, insertExecutions } from './ledger.js';
import { batchList, deletion } from './outbox.js';
import { at, entriesOf, type RawEntry, recordset, toEntry } from './rows.js';
import { list, Shaped } from './shaped.js';
import { insertTimers, takeTimers } from './timers.js';
import { closeWaits, insertWaits } from './waits.js';

const section = (name: Section) =>
  sql.raw(
    `${name} = case when u.${name} is null then c.${name} else nullif(u.${name}, 'null')::${cases[name].getSQLType()} end`,
  );

const shown = LISTED.map(([column, from, , type = 'text'], i) =>
  sql.raw(`${column} = case when u.${from} is null then c.${column} else (u.f ->> ${i})::${type} end`),
);

/** SQLSTATE of a division by zero: how the statement itself refuses what was not as it had been read. */
const STALE = '22012';

type Written = RawEntry | { readonly tenant_id: null };

/** What `openChunk` of the same transaction saw of a position: its next offset, null where it had none; undefined if it was not opened. */
export type SeenPosition = (position: PositionKey) => number | null | undefined;

type Move = Position & { readonly was: number | null | undefined };

const MOVES: Columns<Move> = {
  ...POSITIONS,
  o: ['bigint', (one) => String(one.next)],
  w: ['bigint', ({ was }) => (was === undefined ? NULL : String(was ?? -1))], // -1: there was no row; who made one meanwhile did this chunk
};

/** What is sent again, and what is published first if it is as young as what waits in the outbox: it may be among that. */
const AGAIN = sql`
  again as materialized (select distinct j.* from ${recordset('resend', 'r', 't text, c uuid, s text, q int, b int')}
    cross join lateral (
      select j.tenant_id, j.case_id, j.seq from ${journal} j
      where j.tenant_id = r.t and j.case_id = r.c and j.seq > r.q and j.stage = r.s and (r.b is null or j.seq < r.b
        and j.time >= (select min(o.created_at) from ${outbox} o where o.tenant_id = r.t)) offset 0
    ) j),`;

/** Answers one row per entry that is sent again, or one row of nulls. Most chunks send nothing again, and start a smaller statement. */
const writing = (resends: boolean): Shaped<Written> =>
  new Shaped(
    (rows) => sql`
  with ${resends ? AGAIN : sql``}
  moves as materialized (select * from ${rows('positions', 'm', MOVES)}),
  moved as (insert into ${positions} as p (consumer_group, topic, epoch, partition, next_offset)
    select g, t, e, p, o from moves
    on conflict (consumer_group, topic, epoch, partition)
      do update set next_offset = excluded.next_offset, updated_at = now()
      where p.next_offset = coalesce((select m.w from moves m where m.g = p.consumer_group and m.t = p.topic
        and m.e = p.epoch and m.p = p.partition), p.next_offset)
    returning 1),
  updated as (update ${cases} c set version = c.version + 1, status = u.s, seq = u.q, seen = u.e, sent = u.n, awaited = u.w, held = u.h,
    blocked = u.b, count = u.k, last_seen_at = ${at('u.l')}, updated_at = now(),
    open_key = case when u.r then null else c.open_key end,
    closed_at = case when u.d then coalesce(c.closed_at, now()) end,
    ${sql.join([...SECTIONS.map(section), ...shown], sql`, `)}
    from (select u.*, coalesce(u.x, (select l.ctid from ${cases} l where l.tenant_id = u.t and l.case_id = u.c)) as id
      from ${rows('cases', 'u', UPDATES)} offset 0) u
    where c.ctid = u.id and c.version = u.v -- locked: it cannot move
      and c.case_id is not distinct from u.c -- as an equation it would be looked up, through all tenants
    returning 1),
  appended as (insert into ${journal}
    (tenant_id, case_id, seq, event_id, type, emitter, stage, after, cause_id, traceparent, time, data)
    select t, c, q, i, y, m, s, a, u, p, w, d from ${rows('journal', 'f', JOURNAL)}
    returning tenant_id, case_id, seq, stage, time), -- without its data: what is kept for another part of the statement is copied
  queued as (insert into ${outbox} (tenant_id, batch_id, created_at, case_ids, seqs)
    select tenant_id, ${sql.placeholder('batch')}::uuid, least(now(), min(time)), array_agg(case_id), array_agg(seq)
    from (select tenant_id, case_id, seq, time from appended where stage is not null
      ${resends ? sql`union all select *, null from again` : sql``}) e group by tenant_id),
  published as (${deletion(rows, 'published')})
  select 1 / ((select count(*) from moved) = ${sql.placeholder('moves')}::int
      and (select count(*) from updated) = ${sql.placeholder('updates')}::int)::int as is_fresh, o.*
  from (select) n ${
    resends
      ? sql`left join (${entriesOf('again')}) o on true order by o.tenant_id, o.case_id, o.seq`
      : sql`cross join (select null as tenant_id) o`
  }`,
  );

const writeBatch = writing(false);
const writeAndResend = writing(true);

/** Throws StaleVersionError where a case, or a position, is not as it was read. */
export function write(session: Session, batch: WriteBatch, seen: SeenPosition): Promise<Unpublished | null> {
  const batchId = newBatchId(); // by time: the older of two is published first
  const wanted = batch.resend?.length || batch.earlier?.length ? writeAndResend : writeBatch;
  const [statement, lists] = wanted.with(listsOf(batch, seen));
  const written = session.run(statement, { ...lists, ...others(batch), batch: batchId }).catch((error: unknown) => {
    throw codeOf(error) === STALE ? new StaleVersionError() : error;
  });
  written.catch(() => undefined); // a document among the rarer ones may be refused before anybody waits for this
  return Promise.all([written, ...rarer(session, batch)]).then(([rows]) => {
    const again = rows.flatMap((row) => (row.tenant_id === null ? [] : [toEntry(row)]));
    return unpublished(batchId, again, batch.journal);
  });
}

function listsOf(batch: WriteBatch, seen: SeenPosition) {
  const moves = (batch.positions ?? []).map((position): Move => ({ ...position, was: seen(position) }));
  return {
    cases: list(UPDATES, batch.cases),
    journal: list(JOURNAL, batch.journal),
    positions: list(MOVES, moves),
    published: batchList(batch.published ?? []),
  };
}

const others = (batch: WriteBatch) => ({
  resend: JSON.stringify(
    [...(batch.resend ?? []), ...(batch.earlier ?? [])].map((one) => ({
      ...{ t: one.tenantId, c: one.caseId, s: one.stage, q: one.above },
      b: 'below' in one ? one.below : null,
    })),
  ),
  moves: batch.positions?.length ?? 0,
  updates: batch.cases.length,
});

function rarer(session: Session, batch: WriteBatch): Promise<unknown>[] {
  const sent: Promise<unknown>[] = [];
  if (batch.executions?.length) sent.push(insertExecutions(session, batch.executions));
  if (batch.cancelExecutions?.length) sent.push(cancelExecutions(session, batch.cancelExecutions));
  if (batch.waits?.length) sent.push(insertWaits(session, batch.waits));
  if (batch.closeWaits?.length) sent.push(closeWaits(session, batch.closeWaits));
  if (batch.timers?.length) sent.push(insertTimers(session, batch.timers));
  if (batch.cancelTimers?.length) sent.push(takeTimers(session, batch.cancelTimers));
  if (batch.deadLetters?.length) sent.push(insertDeadLetters(session, batch.deadLetters));
  if (batch.tally?.length) sent.push(addFigures(session, batch.tally));
  if (batch.budgets?.length) sent.push(writeBudgets(session, batch.budgets));
  if (batch.incidents) sent.push(...noteIncidents(session, batch.incidents));
  return sent;
}
