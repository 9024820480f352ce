/** Budgets: counters that a chunk locks before it decides, and writes with the rest of it. */
import { type BudgetKey, type BudgetUses, budgetKey } from '../../core/budget.js';
import { sql } from '../drizzle.js';
import { budgets } from '../schema.js';
import { type Session, statement } from './driver.js';
import { at, ms, recordset } from './rows.js';

// The update changes nothing and locks the row: what others committed meanwhile is in the answer.
const lock = statement<{ tenant_id: string; budget: string; key: string; uses: number[]; expires_at: number }>(sql`
  insert into ${budgets} as b (tenant_id, budget, key, expires_at)
  select t, n, k, now() from ${recordset('rows', 'r', 't text, n text, k text')} order by t, n, k
  on conflict (tenant_id, budget, key) do update set expires_at = b.expires_at
  returning b.tenant_id, b.budget, b.key, b.uses, ${ms('b.expires_at')} as expires_at`);

export async function lockBudgets(session: Session, keys: readonly BudgetKey[]): Promise<BudgetUses[]> {
  const distinct = new Map(keys.map((one) => [budgetKey(one), { t: one.tenantId, n: one.budget, k: one.key }]));
  const rows = await session.run(lock, { rows: JSON.stringify([...distinct.values()]) });
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    budget: row.budget,
    key: row.key,
    uses: row.uses,
    expiresAt: row.expires_at,
  }));
}

const save = statement<never>(sql`
  update ${budgets} as b set uses = r.u, expires_at = ${at('r.e')}
  from ${recordset('rows', 'r', 't text, n text, k text, u jsonb, e float8')}
  where b.tenant_id = r.t and b.budget = r.n and b.key = r.k`);

export const writeBudgets = (session: Session, list: readonly BudgetUses[]): Promise<unknown> =>
  session.run(save, {
    rows: JSON.stringify(list.map((b) => ({ t: b.tenantId, n: b.budget, k: b.key, u: b.uses, e: b.expiresAt }))),
  });

const sweep = statement<{ gone: number }>(sql`
  with old as materialized (
    select tenant_id, budget, key from ${budgets} where expires_at < now()
    limit ${sql.placeholder('limit')} for update skip locked
  ), gone as (
    delete from ${budgets} b using old o
    where b.tenant_id = o.tenant_id and b.budget = o.budget and b.key = o.key returning 1
  )
  select count(*)::int as gone from gone`);

export async function sweepBudgets(session: Session, limit: number): Promise<number> {
  const [row] = await session.run(sweep, { limit });
  return row?.gone ?? 0;
}
