/** Due work. One process at a time takes what is due; the rows go only under their cases' locks. */
import { sql } from '../drizzle.js';
import type { CaseKey, TimerRow } from '../port.js';
import { timers } from '../schema.js';
import { placed } from './columns.js';
import { type Session, statement } from './driver.js';
import { at, ms, NOW, recordset } from './rows.js';

const insert = statement<never>(sql`
  insert into ${timers} (tenant_id, timer_id, case_id, kind, due_at, data)
  select t, i, c, k, ${at('e')}, d from ${recordset('rows', 'w', 't text, i uuid, c uuid, k text, e float8, d jsonb')}
  on conflict do nothing`);

export const insertTimers = (session: Session, list: readonly TimerRow[]): Promise<unknown> =>
  session.run(insert, {
    rows: JSON.stringify(
      list.map((w) => ({ t: w.tenantId, i: w.timerId, c: w.caseId, k: w.kind, e: w.dueAt, d: w.data })),
    ),
  });

const remove = statement<{ timer_id: string }>(sql`
  with k as materialized (select * from ${recordset('rows', 'k', 't text, i uuid')} order by t, i)
  delete from ${timers} w using ${placed(timers, sql`l.tenant_id = k.t and l.timer_id = k.i`)}
  where w.ctid = k.id returning w.timer_id`);

type TimerKey = CaseKey & { readonly timerId: string };

export async function takeTimers(session: Session, list: readonly TimerKey[]): Promise<ReadonlySet<string>> {
  const gone = await session.run(remove, { rows: JSON.stringify(list.map((w) => ({ t: w.tenantId, i: w.timerId }))) });
  return new Set(gone.map((row) => row.timer_id));
}

const TIMER_LOCK = 7_305_402; // any number that nothing else in the database uses
const turn = statement<{ mine: boolean }>(
  sql`select pg_try_advisory_xact_lock(${sql.raw(String(TIMER_LOCK))}) as mine`,
);

export async function claimTimerTurn(session: Session): Promise<boolean> {
  const [row] = await session.run(turn, {});
  return row?.mine === true;
}

const due = statement<{
  tenant_id: string;
  timer_id: string;
  case_id: string;
  kind: TimerRow['kind'];
  due_at: number;
  data: TimerRow['data'];
}>(sql`
  select w.tenant_id, w.timer_id, w.case_id, w.kind, ${ms('w.due_at')} as due_at, w.data
  from ${timers} w where w.due_at <= ${NOW} order by w.due_at limit ${sql.placeholder('limit')}`);

export async function dueTimers(session: Session, limit: number): Promise<TimerRow[]> {
  const rows = await session.run(due, { limit });
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    timerId: row.timer_id,
    caseId: row.case_id,
    kind: row.kind,
    dueAt: row.due_at,
    data: row.data,
  }));
}
