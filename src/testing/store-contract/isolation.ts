import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { SYSTEM_TENANT, type TenantScope } from '../../store/port.js';
import {
  aCase,
  append,
  type Current,
  entryOf,
  executionOf,
  NOTHING,
  put,
  timerOf,
  updateOf,
  waiting,
  waitOf,
} from './harness.js';

export function describeIsolation(current: Current): void {
  /** A case of tenant `b` with something of everything, and a tenant `a` beside it. */
  async function neighbours() {
    const { store, tenant } = current();
    const [a, b] = [await tenant(), await tenant()];
    const key = await aCase(store, b, 'theirs');
    const entry = entryOf(key, 1);
    const left = await append(store, key, [entry]);
    const [wait, timer, execution] = [waitOf(key), timerOf(key, 1), executionOf(key)];
    await put(store, key, { waits: [wait], timers: [timer], executions: [{ ...execution, leaseOwner: null }] });
    return { store, a, b, key, entry, left, wait, timer, execution };
  }

  it('a tenant’s transaction sees nothing of another tenant, even when it names it', async () => {
    const { store, a, b, key, entry, left, wait, timer, execution } = await neighbours();
    await store.transaction([a], async (tx) => {
      expect(await tx.lockCases([key], [])).toEqual([]);
      expect(await tx.lockOpen([{ tenantId: b, openKey: 'theirs' }])).toEqual([]);
      const chunk = await tx.openChunk([{ group: randomUUID(), topic: 't', epoch: 1, partition: 0 }], [entry], []);
      expect(chunk).toMatchObject({ cases: [], known: [false] });
      expect((await tx.journalData([entry])).size).toBe(0);
      const resend = [{ ...key, stage: 'policy' as const, above: 0 }];
      expect(await tx.write({ ...NOTHING, resend })).toBeNull();
      expect(await tx.staleOutbox(-1_000, 100)).toEqual([]);
      expect(await tx.dueTimers(100)).toEqual([]);
      expect(await tx.takeTimers([timer])).toEqual(new Set());
      expect(await tx.claimExecutions('a', 100, 1_000)).toEqual([]);
      expect(await tx.lockWait(b, wait.waitId)).toBeNull();
      expect(await tx.unseen(null, 100)).toEqual([]);
      const theirs = left === null ? [] : [left];
      await tx.deleteOutbox(theirs);
      await tx.write({ ...NOTHING, published: theirs, cancelTimers: [timer], cancelExecutions: [execution] });
    });
    await store.transaction([b], async (tx) => {
      expect(await tx.dueTimers(100)).toEqual([timer]);
      expect(await tx.claimExecutions('b', 100, 1_000)).toHaveLength(1);
    });
    expect((await waiting(store, b)).map((one) => one.eventId)).toEqual([entry.eventId]);
  });

  it('a tenant’s transaction cannot write rows of another tenant', async () => {
    const { store, a, b, key } = await neighbours();
    const [row] = await store.transaction([b], (tx) => tx.lockCases([key], []));
    const attempts = [
      { journal: [entryOf(key, 2)] },
      { cases: [updateOf(row as NonNullable<typeof row>)] },
      { timers: [timerOf(key, 1)] },
      { waits: [waitOf(key)] },
      { executions: [{ ...executionOf(key), leaseOwner: null }] },
      { tally: [{ tenantId: b, kind: 'rule' as const, name: 'r', outcome: 'o', durationMs: 1 }] },
    ];
    for (const batch of attempts) {
      await expect(store.transaction([a], (tx) => tx.write({ ...NOTHING, ...batch }))).rejects.toThrow();
    }
    const theirs = { tenantId: b, caseId: randomUUID(), openKey: 'new', source: 's', at: 0 };
    await expect(store.transaction([a], (tx) => tx.createCases([theirs]))).rejects.toThrow();
    const claim = { tenantId: b, key: 'k', bodyHash: 'h' };
    await expect(store.transaction([a], (tx) => tx.claimIdempotencyKeys([claim]))).rejects.toThrow();
    expect(await store.transaction([b], (tx) => tx.lockCases([theirs], []))).toEqual([]);
  });

  it('no scope sees nothing, and all sees every tenant and the system', async () => {
    const { store, key } = await neighbours();
    const sees = async (scope: TenantScope) => (await store.transaction(scope, (tx) => tx.lockCases([key], []))).length;
    expect(await sees([])).toBe(0);
    expect(await sees([SYSTEM_TENANT])).toBe(0);
    expect(await sees('all')).toBe(1);
  });

  it.each(['a,b', '', 'x y', "a'b", '~other'])('%j is no tenant to run for', async (name) => {
    const { store } = current();
    await expect(store.transaction([name], (tx) => tx.now())).rejects.toThrow(TypeError);
  });
}
