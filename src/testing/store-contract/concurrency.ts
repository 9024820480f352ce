import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { classifyStoreError } from '../../store/errors.js';
import type { CaseRow, CaseUpdate, Tx } from '../../store/port.js';
import { until } from '../until.js';
import { aCase, type Current, executionOf, NOTHING, put, updateOf } from './harness.js';

/** For stores whose transactions run side by side. */
export function describeConcurrency(current: Current): void {
  const untilWaiting = () => until(async () => (await current().waiting?.()) === 1 || undefined, 'one to wait');

  it('a locked case makes others wait, and they read what was written', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const lock = () => store.transaction([key.tenantId], (tx) => tx.lockCases([key], []));
    const second = await store.transaction([key.tenantId], async (tx) => {
      const [row] = await tx.lockCases([key], []);
      const waiting = lock();
      await untilWaiting();
      await tx.write({ ...NOTHING, cases: [updateOf(row as CaseRow, { seq: 5 })] });
      return { waiting };
    });
    expect(await second.waiting).toMatchObject([{ version: 2, seq: 5 }]);
  });

  it('who waited for a case that another wrote meanwhile writes it where it is now', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const triage = { category: 'x'.repeat(3_000) } as never; // so long that the row moves
    const write = async (tx: Tx, change: Partial<CaseUpdate>) => {
      const [row] = await tx.lockCases([key], []);
      await tx.write({ ...NOTHING, cases: [updateOf(row as CaseRow, change)] });
    };
    const second = await store.transaction([key.tenantId], async (tx) => {
      const [row] = await tx.lockCases([key], []);
      const waiting = store.transaction([key.tenantId], (other) => write(other, { seq: 6 }));
      await untilWaiting();
      await tx.write({ ...NOTHING, cases: [updateOf(row as CaseRow, { seq: 5, set: { triage } })] });
      return { waiting };
    });
    await second.waiting;
    const [now] = await store.transaction([key.tenantId], (tx) => tx.lockCases([key], ['triage']));
    expect(now).toMatchObject({ version: 3, seq: 6, state: { triage } });
  });

  it('two processes that open the same new partition: the second has to look again', async () => {
    const { store, tenant } = current();
    const tenantId = await tenant();
    const position = { group: randomUUID(), topic: 't', epoch: 1, partition: 0 };
    const handle = (between: () => Promise<unknown>) =>
      store.transaction([tenantId], async (tx) => {
        const { next } = await tx.openChunk([position], [], []);
        await between();
        await tx.write({ ...NOTHING, positions: [{ ...position, next: (next.get(0) ?? 0) + 10 }] });
        return next.get(0);
      });
    const first = handle(() => handle(async () => undefined));
    expect(await first.then(() => 'no error', classifyStoreError)).toBe('conflict');
    expect(await handle(async () => undefined)).toBe(10);
  });

  it('positions that one chunk opens together move together, or none does when one was moved meanwhile', async () => {
    const { store, tenant } = current();
    const tenantId = await tenant();
    const group = randomUUID();
    const at = (partition: number) => ({ group, topic: 't', epoch: 1, partition });
    const both = [at(1), at(2)];
    const move = (next: number, between: () => Promise<unknown>) =>
      store.transaction([tenantId], async (tx) => {
        await tx.openChunk(both, [], []);
        await between();
        await tx.write({ ...NOTHING, positions: both.map((one) => ({ ...one, next })) });
      });
    const moveLast = () =>
      store.transaction([tenantId], (tx) => tx.write({ ...NOTHING, positions: [{ ...at(2), next: 5 }] }));
    expect(await move(10, moveLast).then(() => 'no error', classifyStoreError)).toBe('conflict');
    const where = () => store.transaction([tenantId], (tx) => tx.openChunk(both, [], []));
    expect((await where()).next).toEqual(new Map([[2, 5]]));
    await move(20, async () => undefined);
    expect((await where()).next).toEqual(
      new Map([
        [1, 20],
        [2, 20],
      ]),
    );
  });

  it('an open position makes others wait', async () => {
    const { store, tenant } = current();
    const tenantId = await tenant();
    const position = { group: randomUUID(), topic: 't', epoch: 1, partition: 0 };
    await store.transaction([tenantId], (tx) => tx.write({ ...NOTHING, positions: [{ ...position, next: 1 }] }));
    const second = await store.transaction([tenantId], async (tx) => {
      await tx.openChunk([position], [], []);
      const waiting = store.transaction([tenantId], (other) => other.openChunk([position], [], []));
      await untilWaiting();
      await tx.write({ ...NOTHING, positions: [{ ...position, next: 2 }] });
      return { waiting };
    });
    expect((await second.waiting).next.get(0)).toBe(2);
  });

  it('who waited for an open position reads cases as they are now, and a clock that is later', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const position = { group: randomUUID(), topic: 't', epoch: 1, partition: 0 };
    const ref = { ...key, seq: 1, eventId: randomUUID() };
    const open = (tx: Tx) => tx.openChunk([position], [ref], ['triage']);
    await store.transaction([key.tenantId], (tx) => tx.write({ ...NOTHING, positions: [{ ...position, next: 1 }] }));
    const triage = { category: 'x'.repeat(3_000) } as never; // so long that the row moves
    const first = await store.transaction([key.tenantId], async (tx) => {
      const [row] = (await open(tx)).cases;
      const waiting = store.transaction([key.tenantId], open);
      await untilWaiting();
      const cases = [updateOf(row as CaseRow, { seq: 5, set: { triage } })];
      await tx.write({ ...NOTHING, cases, positions: [{ ...position, next: 2 }] });
      return { waiting, now: await tx.now() };
    });
    const { next, cases, now } = await first.waiting;
    expect(next.get(0)).toBe(2);
    expect(cases).toMatchObject([{ version: 2, seq: 5, state: { triage } }]);
    expect(now).toBeGreaterThanOrEqual(first.now);
  });

  it('two rivals for one fingerprint: the second waits, and finds it taken', async () => {
    const { store, tenant } = current();
    const tenantId = await tenant();
    const make = (caseId: string) => ({ tenantId, caseId, openKey: 'fp', source: 's', at: 0 });
    const second = await store.transaction([tenantId], async (tx) => {
      await tx.createCases([make(randomUUID())]);
      const waiting = store.transaction([tenantId], (other) => other.createCases([make(randomUUID())]));
      await untilWaiting();
      return { waiting };
    });
    expect(await second.waiting).toEqual(new Set());
  });

  it('two requests with one idempotency key: the second waits for the answer of the first', async () => {
    const { store, tenant } = current();
    const tenantId = await tenant();
    const claim = { tenantId, key: 'k', bodyHash: 'h' };
    const second = await store.transaction([tenantId], async (tx) => {
      await tx.claimIdempotencyKeys([claim]);
      const waiting = store.transaction([tenantId], (other) => other.claimIdempotencyKeys([claim]));
      await untilWaiting();
      await tx.saveIdempotentAnswers([{ tenantId, key: 'k', answer: { id: 1 } }]);
      return { waiting };
    });
    expect(await second.waiting).toEqual([{ ...claim, answer: { id: 1 } }]);
  });

  it('calls, timers’ turn and old events that one process has in hand are left to it', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    await put(store, key, {
      executions: [executionOf(key), executionOf(key)].map((one) => ({ ...one, leaseOwner: null })),
    });
    await store.transaction([key.tenantId], async (tx) => {
      expect(await tx.claimExecutions('a', 1, 60_000)).toHaveLength(1);
      expect(await tx.claimTimerTurn()).toBe(true);
      await store.transaction([key.tenantId], async (other) => {
        expect(await other.claimExecutions('b', 5, 60_000)).toHaveLength(1);
        expect(await other.claimTimerTurn()).toBe(false);
      });
    });
  });
}
