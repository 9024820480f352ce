import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { DueWork } from '../../core/processes.js';
import type { DeadLetterDraft, WriteBatch } from '../../store/port.js';
import { until } from '../until.js';
import { aCase, append, type Current, entryOf, published, put, timerOf } from './harness.js';
import { joiningOf } from './incidents.js';

const letterOf = (tenantId: string): DeadLetterDraft => ({
  ...{ deadLetterId: randomUUID(), tenantId, caseId: null, seq: null, stage: 'triage', topic: 't', partition: 0 },
  ...{ offset: 1, code: 'X', message: 'x', path: null, eventType: null, key: null, value: '', headers: {} },
});

export function describeDueWork(current: Current): void {
  const look = (tenantId: string): Promise<DueWork> =>
    current().store.transaction([tenantId], (tx) => tx.last(() => tx.dueWork(true)));
  const nothing = { outboxMs: 0, letters: false, timers: false, incidents: false };

  it('where nothing waits, nothing is due, whatever other tenants have', async () => {
    const { store, tenant } = current();
    const [mine, other] = [await tenant(), await tenant()];
    const key = await aCase(store, other);
    await append(store, key, [entryOf(key, 1)]);
    await put(store, key, { timers: [timerOf(key, 1_000)], deadLetters: [letterOf(other)] });
    expect(await look(mine)).toEqual(nothing);
  });

  it.each<[keyof DueWork, (key: { tenantId: string; caseId: string }) => Partial<WriteBatch>]>([
    ['timers', (key) => ({ timers: [timerOf(key, 1_000), timerOf(key, Date.now() + 3_600_000)] })],
    ['letters', ({ tenantId }) => ({ deadLetters: [letterOf(tenantId)] })],
    ['incidents', (key) => ({ incidents: { joins: [{ ...key, joining: joiningOf(1) }], closed: [] } })],
  ])('%s that wait are due', async (name, batch) => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    await put(store, key, batch(key));
    expect(await look(key.tenantId)).toEqual({ ...nothing, [name]: true });
  });

  it('a timer that is to fire later is not due', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    await put(store, key, { timers: [timerOf(key, Date.now() + 3_600_000)] });
    expect(await look(key.tenantId)).toEqual(nothing);
  });

  it('the age of what waits in the outbox is that of its oldest row', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const first = await append(store, key, [entryOf(key, 1)]);
    await until(async () => ((await look(key.tenantId)).outboxMs ?? 0) > 20 || undefined, 'the row to be old');
    const second = await append(store, key, [entryOf(key, 2)]);
    expect((await look(key.tenantId)).outboxMs).toBeGreaterThan(20);
    expect((await store.transaction([key.tenantId], (tx) => tx.dueWork(false))).outboxMs).toBeNull();
    await published(store, first, second);
    expect(await look(key.tenantId)).toEqual(nothing);
  });
}
