/** Budgets: counters that a chunk locks before it decides. */
import { type BudgetKey, type BudgetUses, budgetKey } from '../../core/budget.js';
import { type Context, checkTenant, compare, lockRow, tryRow } from './statements.js';

const byKey = (a: BudgetKey, b: BudgetKey): number =>
  compare(a.tenantId, b.tenantId) || compare(a.budget, b.budget) || compare(a.key, b.key);

export async function lockBudgets(context: Context, keys: readonly BudgetKey[]): Promise<BudgetUses[]> {
  const { database, transaction } = context;
  const { budgets } = database.tables;
  const distinct = new Map(keys.map((one) => [budgetKey(one), one]));
  const found: BudgetUses[] = [];
  for (const { tenantId, budget, key } of [...distinct.values()].sort(byKey)) {
    checkTenant(context, tenantId);
    const name = budgetKey({ tenantId, budget, key });
    await lockRow(context, budgets, name);
    const row = transaction.get(budgets, name) ?? { tenantId, budget, key, uses: [], expiresAt: database.clock() };
    transaction.set(budgets, name, row);
    found.push(row);
  }
  return found;
}

export function writeBudgets({ database, transaction }: Context, list: readonly BudgetUses[]): void {
  for (const row of list) transaction.set(database.tables.budgets, budgetKey(row), row);
}

export function sweepBudgets(context: Context, limit: number): number {
  const { database, transaction } = context;
  const { budgets } = database.tables;
  const old = transaction
    .rows(budgets)
    .filter((row) => transaction.sees(row.tenantId) && row.expiresAt < database.clock())
    .slice(0, limit)
    .map(budgetKey)
    .filter((name) => tryRow(context, budgets, name));
  for (const name of old) transaction.set(budgets, name, undefined);
  return old.length;
}
