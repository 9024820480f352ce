import { expect, it } from 'vitest';
import type { Current } from './harness.js';

const PAST = 1_700_000_000_000;
const FUTURE = Date.now() + 86_400_000;

export function describeSchedules(current: Current): void {
  it('what is due is found, locked by one, and moved', async () => {
    const { store, tenant, activate } = current();
    const tenantId = await tenant();
    await activate?.(tenantId);
    const untilNext = () => store.transaction([tenantId], (tx) => tx.schedules.untilNext());
    expect(await untilNext()).toBeNull();
    const drafts = [
      { name: 'a', spec: '0 1 * * * UTC', nextAt: PAST },
      { name: 'b', spec: '0 2 * * * UTC', nextAt: FUTURE },
      { name: 'c', spec: 'never', nextAt: null },
    ];
    await store.transaction([tenantId], (tx) => tx.schedules.sync(tenantId, 1, drafts));
    const due = await store.transaction([tenantId], (tx) => tx.schedules.due(10));
    const row = { tenantId, name: 'a', spec: '0 1 * * * UTC', nextAt: PAST };
    expect(due).toEqual([row]);
    expect(await untilNext()).toBeLessThan(0);
    const move = { tenantId, name: 'a', dueAt: PAST, outcome: 'missed', caseId: null, missed: 3 } as const;
    await store.transaction([tenantId], async (tx) => {
      expect(await tx.schedules.lock(row)).toEqual(row);
      await tx.schedules.move({ ...move, nextAt: FUTURE });
      expect(await tx.schedules.lock(row)).toBeNull();
    });
    expect(await store.transaction([tenantId], (tx) => tx.schedules.due(10))).toEqual([]);
    const left = await untilNext();
    expect(left).toBeGreaterThan(86_000_000);
    expect(left).toBeLessThanOrEqual(86_400_000);
  });

  it('another time of the pack makes the next one anew, the same one does not, and a row can go', async () => {
    const { store, tenant, activate } = current();
    const tenantId = await tenant();
    await activate?.(tenantId);
    const sync = (spec: string, nextAt: number) =>
      store.transaction([tenantId], (tx) => tx.schedules.sync(tenantId, 1, [{ name: 'a', spec, nextAt }]));
    const due = () => store.transaction([tenantId], (tx) => tx.schedules.due(10));
    await sync('x', PAST);
    await sync('x', FUTURE);
    expect(await due()).toMatchObject([{ spec: 'x', nextAt: PAST }]);
    await sync('y', PAST + 1_000);
    const [row] = await due();
    expect(row).toMatchObject({ spec: 'y', nextAt: PAST + 1_000 });
    if (row) await store.transaction([tenantId], (tx) => tx.schedules.drop(row));
    expect(await due()).toEqual([]);
  });
}
