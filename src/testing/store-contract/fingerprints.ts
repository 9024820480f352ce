import { expect, it } from 'vitest';
import { fingerprintKey } from '../../store/port.js';
import type { Current } from './harness.js';

/** How often fingerprints were reported. */
export function describeFingerprints(current: Current): void {
  it('reports are added up, of each fingerprint and each tenant by itself', async () => {
    const { store, tenant } = current();
    const [a, b] = [await tenant(), await tenant()];
    const add = (tenantId: string, ...fingerprints: string[]) =>
      store.transaction([a, b], (tx) =>
        tx.countFingerprints(fingerprints.map((fingerprint, i) => ({ tenantId, fingerprint, count: i + 1 }))),
      );
    const first = await add(a, 'f1', 'f2');
    expect([...first].map(([key, { count, in1h, in24h }]) => [key, count, in1h, in24h]).sort()).toEqual([
      [fingerprintKey(a, 'f1'), 1, 1, 1],
      [fingerprintKey(a, 'f2'), 2, 2, 2],
    ]);
    await add(b, 'f1');
    const again = (await add(a, 'f2', 'f1')).get(fingerprintKey(a, 'f1'));
    expect(again).toMatchObject({ count: 3, in1h: 3, in24h: 3 });
    expect(again?.first).toBe(first.get(fingerprintKey(a, 'f1'))?.first);
    expect(Date.parse(again?.last ?? '')).toBeGreaterThanOrEqual(Date.parse(again?.first ?? ''));
  });

  it('what was rolled back was not counted', async () => {
    const { store, tenant } = current();
    const tenantId = await tenant();
    const report = { tenantId, fingerprint: 'f', count: 5 };
    const failing = store.transaction([tenantId], async (tx) => {
      await tx.countFingerprints([report]);
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    const now = await store.transaction([tenantId], (tx) => tx.countFingerprints([report]));
    expect(now.get(fingerprintKey(tenantId, 'f'))).toMatchObject({ count: 5 });
  });

  it('another tenant’s cannot be counted', async () => {
    const { store, tenant } = current();
    const [a, b] = [await tenant(), await tenant()];
    const foreign = store.transaction([a], (tx) => tx.countFingerprints([{ tenantId: b, fingerprint: 'f', count: 1 }]));
    await expect(foreign).rejects.toThrow();
  });

  it('those that nobody reports are forgotten, a few at a time', async () => {
    const { store, tenant } = current();
    const tenantId = await tenant();
    const reports = ['a', 'b', 'c'].map((fingerprint) => ({ tenantId, fingerprint, count: 1 }));
    await store.transaction([tenantId], (tx) => tx.countFingerprints(reports));
    const forget = (ms: number, limit: number) =>
      store.transaction([tenantId], (tx) => tx.forgetFingerprints(ms, limit));
    expect(await forget(60_000, 10)).toBe(0);
    expect(await forget(-60_000, 2)).toBe(2);
    expect(await forget(-60_000, 2)).toBe(1);
  });
}
