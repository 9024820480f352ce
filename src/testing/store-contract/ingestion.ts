import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { CaseRow } from '../../store/port.js';
import { aCase, type Current, NOTHING, updateOf } from './harness.js';

export function describeIngestion(current: Current): void {
  it('a fingerprint has one open case, until the case gives it free', async () => {
    const { store, tenant } = current();
    const tenantId = await tenant();
    const key = await aCase(store, tenantId, 'fp');
    const rival = { tenantId, caseId: randomUUID(), openKey: 'fp', source: 's', at: 0 };
    const free = { ...rival, caseId: randomUUID(), openKey: 'other' };
    const made = await store.transaction([tenantId], (tx) => tx.createCases([rival, free]));
    expect(made).toEqual(new Set([free.caseId]));
    const keys = ['fp', 'other', 'none'].map((openKey) => ({ tenantId, openKey }));
    await store.transaction([tenantId], async (tx) => {
      const rows = await tx.lockOpen(keys);
      expect(rows.map((row) => [row.state.caseId, row.openKey]).sort()).toEqual(
        [
          [key.caseId, 'fp'],
          [free.caseId, 'other'],
        ].sort(),
      );
      const held = rows.find((row) => row.openKey === 'fp') as CaseRow;
      await tx.write({ ...NOTHING, cases: [updateOf(held, { status: 'RESOLVED', releaseKey: true })] });
    });
    const now = await store.transaction(
      [tenantId],
      async (tx) => [await tx.lockOpen(keys), await tx.createCases([rival])] as const,
    );
    expect(now[0].map((row) => row.openKey)).toEqual(['other']);
    expect(now[1]).toEqual(new Set([rival.caseId]));
  });

  it('two tenants may have the same fingerprint and the same idempotency key', async () => {
    const { store, tenant } = current();
    const [a, b] = [await tenant(), await tenant()];
    await aCase(store, a, 'same');
    const mine = await aCase(store, b, 'same');
    const open = await store.transaction([a, b], (tx) => tx.lockOpen([{ tenantId: b, openKey: 'same' }]));
    expect(open.map((row) => row.state.caseId)).toEqual([mine.caseId]);
    for (const tenantId of [a, b]) {
      const claim = { tenantId, key: 'k', bodyHash: tenantId };
      expect(await store.transaction([tenantId], (tx) => tx.claimIdempotencyKeys([claim]))).toEqual([]);
    }
  });

  it('an idempotency key is claimed once; whoever comes later gets the answer that was given', async () => {
    const { store, tenant } = current();
    const tenantId = await tenant();
    const claim = { tenantId, key: 'k"1', bodyHash: 'h1' };
    const other = { tenantId, key: 'k2', bodyHash: 'h2' };
    const answer = { ids: ['x', '日"本'], status: 202 };
    const first = await store.transaction([tenantId], async (tx) => {
      const before = await tx.claimIdempotencyKeys([claim]);
      await tx.saveIdempotentAnswers([{ tenantId, key: claim.key, answer }]);
      return before;
    });
    expect(first).toEqual([]);
    const changed = { ...claim, bodyHash: 'h9' };
    const second = await store.transaction([tenantId], (tx) => tx.claimIdempotencyKeys([other, changed]));
    expect(second).toEqual([{ ...claim, answer }]);
  });

  it('tenants are known unless they do not exist', async () => {
    const { store, tenant } = current();
    const tenantId = await tenant();
    const known = await store.transaction([], (tx) => tx.knownTenants([tenantId, 'nobody-has-this-name']));
    expect(known).toEqual(new Set([tenantId]));
  });
}
