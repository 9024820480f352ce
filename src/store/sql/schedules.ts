/** Schedules: rows follow the active pack; what is due is taken by whoever gets the row's lock first. */
import type { ScheduleRow, ScheduleTx } from '../../core/schedule.js';
import { sql } from '../drizzle.js';
import { schedules, tenants } from '../schema.js';
import { type Session, statement } from './driver.js';
import { at, ms, NOW, recordset } from './rows.js';

// Nothing happens for a version that is not active any more: another process has seen the next one already.
const sync = statement<never>(sql`
  with r as materialized (select * from ${recordset('rows', 'r', 't text, v int, n text, p text, e float8')}
    where exists (select from ${tenants} a where a.tenant_id = r.t and a.active_pack = r.v and a.disabled_at is null)
    order by n)
  insert into ${schedules} as s (tenant_id, name, spec, next_at)
  select t, n, p, ${at('e')} from r
  on conflict (tenant_id, name) do update set spec = excluded.spec, next_at = excluded.next_at
    where s.spec <> excluded.spec`);

interface RawSchedule {
  readonly tenant_id: string;
  readonly name: string;
  readonly spec: string;
  readonly next_at: number;
}
const toRow = (raw: RawSchedule): ScheduleRow => ({
  ...{ tenantId: raw.tenant_id, name: raw.name, spec: raw.spec, nextAt: raw.next_at },
});
const COLUMNS = sql`s.tenant_id, s.name, s.spec, ${ms('s.next_at')} as next_at`;

const due = statement<RawSchedule>(sql`
  select ${COLUMNS} from ${schedules} s where s.next_at <= ${NOW}
  order by s.next_at limit ${sql.placeholder('limit')}`);

const untilNext = statement<{ ms: number | null }>(sql`
  select ${ms('min(s.next_at)')} - ${ms('clock_timestamp()')} as ms from ${schedules} s`);

const lock = statement<RawSchedule>(sql`
  select ${COLUMNS} from ${schedules} s
  where s.tenant_id = ${sql.placeholder('tenant')} and s.name = ${sql.placeholder('name')}
    and s.next_at <= ${NOW} for update skip locked`);

const move = statement<never>(sql`
  update ${schedules} s set next_at = r.e, last_at = r.l, outcome = r.o, case_id = r.c, missed = s.missed + r.m,
    fired = s.fired + (r.o = 'created')::int, skipped = s.skipped + (r.o = 'skipped')::int
  from (select t, n, ${at('e')} as e, ${at('l')} as l, o, c, m from
    jsonb_to_record(${sql.placeholder('row')}::text::jsonb) as r(t text, n text, e float8, l float8, o text, c uuid, m int)) r
  where s.tenant_id = r.t and s.name = r.n`);

const drop = statement<never>(sql`
  delete from ${schedules} s where s.tenant_id = ${sql.placeholder('tenant')} and s.name = ${sql.placeholder('name')}`);

export const schedulesOn = (session: Session): ScheduleTx => ({
  async sync(tenant, version, list) {
    const rows = JSON.stringify(list.map((s) => ({ t: tenant, v: version, n: s.name, p: s.spec, e: s.nextAt })));
    await session.run(sync, { rows });
  },
  due: async (limit) => (await session.run(due, { limit })).map(toRow),
  untilNext: async () => (await session.run(untilNext, {}))[0]?.ms ?? null,
  async lock({ tenantId, name }) {
    const [raw] = await session.run(lock, { tenant: tenantId, name });
    return raw === undefined ? null : toRow(raw);
  },
  async move({ tenantId: t, name: n, nextAt: e, dueAt: l, outcome: o, caseId: c, missed: m }) {
    await session.run(move, { row: JSON.stringify({ t, n, e, l, o, c, m }) });
  },
  async drop({ tenantId, name }) {
    await session.run(drop, { tenant: tenantId, name });
  },
});
