/** What there is to do beside the stages: one statement, since each process asks again and again, mostly in vain. */
import type { DueWork } from '../../core/processes.js';
import { sql } from '../drizzle.js';
import { deadLetters, incidentMembers, incidents, outbox, timers } from '../schema.js';
import { type Session, statement } from './driver.js';
import { ms, NOW } from './rows.js';

interface RawDue extends Omit<DueWork, 'outboxMs'> {
  readonly outbox_ms: number | null;
}

const look = statement<RawDue>(sql`
  select case when ${sql.placeholder('outbox')}::bool then coalesce((
      select ${ms('clock_timestamp()')} - ${ms('min(o.taken_at)')} from ${outbox} o), 0) end as outbox_ms,
    exists (select from ${deadLetters} d where d.published_at is null) as letters,
    exists (select from ${timers} w where w.due_at <= ${NOW}) as timers,
    exists (select from ${incidentMembers} m where m.look) or exists (select from ${incidents} i where i.look)
      or exists (select from ${incidents} i where i.due_at <= ${NOW}) as incidents`);

export async function dueWork(session: Session, withOutbox: boolean): Promise<DueWork> {
  const [row] = await session.run(look, { outbox: withOutbox });
  const { outbox_ms: age, ...rest } = row as RawDue;
  return { outboxMs: age, ...rest };
}
