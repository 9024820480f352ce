import { expect, it } from 'vitest';
import type { BudgetUses } from '../../core/budget.js';
import { until } from '../until.js';
import { type Current, NOTHING } from './harness.js';

const keyOf = (tenantId: string, key = 'ACME') => ({ tenantId, budget: 'three "repairs"', key });

export function describeBudgets(current: Current): void {
  const used = (row: BudgetUses, ...uses: number[]): BudgetUses => ({ ...row, uses, expiresAt: 5_000_000_000_000 });

  it('a budget that nobody used is empty; what was spent is there for the next', async () => {
    const { store, tenant } = current();
    const key = keyOf(await tenant());
    const other = keyOf(key.tenantId, '');
    const spend = () =>
      store.transaction([key.tenantId], async (tx) => {
        const rows = await tx.lockBudgets([key, other, key]);
        const mine = rows.find((row) => row.key === 'ACME') as BudgetUses;
        await tx.write({ ...NOTHING, budgets: [used(mine, ...mine.uses, 7)] });
        return rows.map((row) => [row.key, row.uses]).sort();
      });
    expect(await spend()).toEqual([
      ['', []],
      ['ACME', []],
    ]);
    expect(await spend()).toEqual([
      ['', []],
      ['ACME', [7]],
    ]);
  });

  it('what is over is forgotten, the rest stays', async () => {
    const { store, tenant } = current();
    const key = keyOf(await tenant());
    const old = keyOf(key.tenantId, 'old');
    await store.transaction([key.tenantId], async (tx) => {
      const [first] = await tx.lockBudgets([key]);
      const [second] = await tx.lockBudgets([old]);
      const over = { ...(second as BudgetUses), uses: [1], expiresAt: 2 };
      await tx.write({ ...NOTHING, budgets: [used(first as BudgetUses, 1), over] });
    });
    expect(await store.transaction([key.tenantId], (tx) => tx.sweepBudgets(100))).toBe(1);
    expect(await store.transaction([key.tenantId], (tx) => tx.sweepBudgets(100))).toBe(0);
    const rows = await store.transaction([key.tenantId], (tx) => tx.lockBudgets([key, old]));
    expect(rows.map((row) => [row.key, row.uses]).sort()).toEqual([
      ['ACME', [1]],
      ['old', []],
    ]);
  });

  it('another tenant’s budgets can neither be locked nor swept', async () => {
    const { store, tenant } = current();
    const [mine, other] = [keyOf(await tenant()), keyOf(await tenant())];
    await expect(store.transaction([mine.tenantId], (tx) => tx.lockBudgets([other]))).rejects.toThrow();
    await store.transaction([mine.tenantId], async (tx) => {
      const [row] = await tx.lockBudgets([mine]);
      await tx.write({ ...NOTHING, budgets: [{ ...(row as BudgetUses), uses: [1], expiresAt: 2 }] });
    });
    expect(await store.transaction([other.tenantId], (tx) => tx.sweepBudgets(100))).toBe(0);
  });
}

/** For stores whose transactions run side by side. */
export function describeBudgetLocks(current: Current): void {
  it('a locked budget makes others wait, also a new one, and they read what was spent; sweeping passes it over', async () => {
    const { store, tenant } = current();
    const key = keyOf(await tenant());
    const lock = () => store.transaction([key.tenantId], (tx) => tx.lockBudgets([key]));
    const second = await store.transaction([key.tenantId], async (tx) => {
      const [row] = await tx.lockBudgets([key]);
      const waiting = lock();
      await until(async () => (await current().waiting?.()) === 1 || undefined, 'one to wait');
      await tx.write({ ...NOTHING, budgets: [{ ...(row as BudgetUses), uses: [9], expiresAt: 10 }] });
      return { waiting };
    });
    expect((await second.waiting)[0]?.uses).toEqual([9]);
    await store.transaction([key.tenantId], async (tx) => {
      await tx.lockBudgets([key]);
      expect(await store.transaction([key.tenantId], (other) => other.sweepBudgets(100))).toBe(0);
    });
  });
}
