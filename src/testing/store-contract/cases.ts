import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { StageName } from '../../core/stages.js';
import { classifyStoreError } from '../../store/errors.js';
import type { CaseRow, Tx } from '../../store/port.js';
import { aCase, append, type Current, entryOf, NOTHING, updateOf } from './harness.js';

const POSITION = { topic: 'exceptions', epoch: 1, partition: 0 };
const kindOf = (promise: Promise<unknown>) => promise.then(() => 'no error', classifyStoreError);

export function describeCases(current: Current): void {
  it('a new case is open, without events, and locked with the sections asked for', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const rows = await store.transaction([key.tenantId], (tx) => tx.lockCases([key, key], ['run', 'triage']));
    expect(rows).toEqual([
      {
        state: {
          ...key,
          kind: 'exception',
          status: 'OPEN',
          paused: false,
          count: 0,
          createdAt: 1_700_000_000_000,
          lastSeenAt: 1_700_000_000_000,
          ...{ exception: null, triage: null, policy: null, run: null, feedback: null },
        },
        ...{ version: 1, seq: 0, seen: {}, sent: {}, awaited: null, held: null, blocked: false },
        place: expect.toBeOneOf([null, expect.any(String)]),
      },
    ]);
  });

  it('what is written of a case is read back, and sections that are not set stay', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const triage = { category: 'ssi', severity: 'high' as const, confidence: 0.9, labels: ['"a"', '日本', '\\'] };
    const full = { ...triage, extra: { deep: [{ x: null }] }, by: 'rules', explain: [], packVersion: 2 };
    const change = {
      seen: { intake: 3 },
      sent: { triage: 4 },
      awaited: { triage: randomUUID() },
      held: { triage: { attempts: 1, until: 5 } },
      blocked: true,
    };
    const more = { status: 'TRIAGED' as const, seq: 4, count: 7, lastSeenAt: 1_700_000_000_999 };
    const write = (set: (row: CaseRow) => Parameters<typeof updateOf>[1]) =>
      store.transaction([key.tenantId], async (tx) => {
        const [row] = await tx.lockCases([key], []);
        await tx.write({ ...NOTHING, cases: [updateOf(row as CaseRow, set(row as CaseRow))] });
      });
    await write(() => ({ ...change, ...more, set: { triage: full } }));
    await write(() => ({ set: { feedback: null } }));
    const [row] = await store.transaction([key.tenantId], (tx) => tx.lockCases([key], ['triage', 'exception']));
    expect(row).toMatchObject({ ...change, version: 3, seq: 4, state: { triage: full, status: 'TRIAGED', count: 7 } });
    expect(row?.state.lastSeenAt).toBe(more.lastSeenAt);
    await write(() => ({ set: { triage: null } }));
    const [cleared] = await store.transaction([key.tenantId], (tx) => tx.lockCases([key], ['triage']));
    expect(cleared?.state.triage).toBeNull();
  });

  it('an update on another version than the row has is a conflict, and nothing of its batch stays', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const position = { group: randomUUID(), ...POSITION };
    const entry = entryOf(key, 1);
    const attempt = store.transaction([key.tenantId], async (tx) => {
      const [row] = await tx.lockCases([key], []);
      const stale = updateOf(row as CaseRow, { version: 41, seq: 1 });
      return tx.write({ cases: [stale], journal: [entry], positions: [{ ...position, next: 9 }] });
    });
    expect(await kindOf(attempt)).toBe('conflict');
    const after = await store.transaction([key.tenantId], (tx) => tx.openChunk([position], [entry], []));
    expect(after).toMatchObject({ next: new Map(), known: [false], cases: [{ version: 1, seq: 0 }] });
  });

  it('a second event with the same seq is refused as data', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    await append(store, key, [entryOf(key, 1)]);
    expect(await kindOf(append(store, key, [entryOf(key, 1)]))).toBe('data');
  });

  it('a body that throws leaves nothing', async () => {
    const { store, tenant } = current();
    const tenantId = await tenant();
    const key = { tenantId, caseId: randomUUID() };
    const attempt = store.transaction([tenantId], async (tx) => {
      await tx.createCases([{ ...key, openKey: 'k', source: 's', at: 0 }]);
      throw new Error('changed my mind');
    });
    await expect(attempt).rejects.toThrow('changed my mind');
    expect(await store.transaction([tenantId], (tx) => tx.lockCases([key], []))).toEqual([]);
  });

  it('a chunk opens with its position, its cases in order, and the events that the journal has', async () => {
    const { store, tenant } = current();
    const tenantId = await tenant();
    const keys = await Promise.all([aCase(store, tenantId), aCase(store, tenantId)]);
    const sorted = keys.map((key) => key.caseId).sort();
    const [first, second] = keys as [(typeof keys)[0], (typeof keys)[0]];
    const entry = entryOf(first, 1);
    await append(store, first, [entry]);
    const position = { group: randomUUID(), ...POSITION };
    const forged = { ...entry, eventId: randomUUID() }; // claims the seq of a real one
    const refs = [
      forged,
      entry,
      { ...entry, eventId: randomUUID(), seq: 2 },
      { ...second, seq: 1, eventId: randomUUID() },
    ];
    const opened = await store.transaction([tenantId], async (tx) => {
      const chunk = await tx.openChunk([position], refs, []);
      await tx.write({ ...NOTHING, positions: [{ ...position, next: 12 }] });
      return chunk;
    });
    expect(opened.next.size).toBe(0);
    expect(opened.cases.map((row) => row.state.caseId)).toEqual(sorted);
    expect(opened.known).toEqual(refs.map((ref) => ref === entry));
    expect(Math.abs(opened.now - Date.now())).toBeLessThan(60_000);
    const next = await store.transaction([tenantId], async (tx) => {
      const chunk = await tx.openChunk([position], [], []);
      await tx.write({ ...NOTHING, positions: [{ ...position, next: 2 ** 40 }] });
      return chunk.next.get(position.partition);
    });
    expect(next).toBe(12);
    const last = await store.transaction([tenantId], (tx) => tx.openChunk([position], [], []));
    expect(last.next.get(position.partition)).toBe(2 ** 40);
  });

  it('knows an event that its stage awaits, an earlier one by the journal, and neither that claims to be one of them', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const entries = [entryOf(key, 1), entryOf(key, 2)] as const; // both for policy
    await append(store, key, entries, { sent: { policy: 2 }, awaited: { policy: entries[1].eventId } });
    const forged = entries.map((entry) => ({ ...entry, eventId: randomUUID() }));
    const elsewhere = { ...entries[0], eventId: entries[1].eventId }; // the id that is awaited, with another seq
    const known = async (stage: StageName) => {
      const refs = [...entries, ...forged, elsewhere];
      const open = (tx: Tx) => tx.openChunk([{ group: randomUUID(), ...POSITION }], refs, [], stage);
      return (await store.transaction([key.tenantId], open)).known;
    };
    expect(await known('policy')).toEqual([true, true, false, false, false]);
    expect(await known('triage')).toEqual([true, true, false, false, false]);
  });

  it('pages through the cases whose stages were sent more than they have seen', async () => {
    const { store, tenant } = current();
    const tenantId = await tenant();
    const mark = async (sent: object, seen: object) => {
      const key = await aCase(store, tenantId);
      await store.transaction([tenantId], async (tx) => {
        const [row] = await tx.lockCases([key], []);
        await tx.write({ ...NOTHING, cases: [updateOf(row as CaseRow, { sent, seen })] });
      });
      return key;
    };
    const behind = [await mark({ triage: 2 }, {}), await mark({ triage: 1, tool: 9 }, { triage: 1, tool: 8 })];
    await mark({ triage: 3 }, { triage: 3 });
    await mark({}, {});
    const pages = await store.transaction([tenantId], async (tx) => {
      const [one] = await tx.unseen(null, 1);
      return [one, ...(await tx.unseen(one as NonNullable<typeof one>, 10))];
    });
    expect(pages.map((row) => row?.caseId)).toEqual(behind.map((key) => key.caseId).sort());
    expect(pages).toContainEqual({ ...behind[0], sent: { triage: 2 }, seen: {} });
  });
}
