/** How well what was used did: counts and durations, summed up before they are sent. */
import { sql } from '../drizzle.js';
import type { TallyRow } from '../port.js';
import { figures } from '../schema.js';
import { type Session, statement } from './driver.js';
import { recordset } from './rows.js';

const add = statement<never>(sql`
  insert into ${figures} as f (tenant_id, kind, name, outcome, cases, total_ms)
  select t, k, n, o, c, d from ${recordset('rows', 'r', 't text, k text, n text, o text, c int, d float8')} order by t, k, n, o
  on conflict (tenant_id, kind, name, outcome)
    do update set cases = f.cases + excluded.cases, total_ms = f.total_ms + excluded.total_ms`);

/** One row per figure, because a statement may touch a row only once; sorted, because others add to the same rows. */
export function addFigures(session: Session, tally: readonly TallyRow[]): Promise<unknown> {
  const sums = new Map<string, { t: string; k: string; n: string; o: string; c: number; d: number }>();
  for (const { tenantId, kind, name, outcome, durationMs } of tally) {
    const key = `${tenantId}\n${kind}\n${outcome.length}\n${outcome}${name}`;
    const sum = sums.get(key) ?? { t: tenantId, k: kind, n: name, o: outcome, c: 0, d: 0 };
    sum.c += 1;
    sum.d += durationMs;
    sums.set(key, sum);
  }
  return session.run(add, { rows: JSON.stringify([...sums.values()]) });
}
