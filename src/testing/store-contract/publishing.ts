import { randomUUID } from 'node:crypto';
import { expect, it, vi } from 'vitest';
import type { JournalEntry } from '../../core/envelope.js';
import { classifyStoreError } from '../../store/errors.js';
import { aCase, append, type Current, entryOf, NOTHING, updateOf } from './harness.js';

/** JSON texts differ by driver in spaces and key order; what they say must not. */
const parsed = (entries: readonly JournalEntry[]) =>
  entries.map((entry) => ({ ...entry, data: JSON.parse(entry.data) }));

const NASTY = [
  'a "quoted" \\ back\\slash \\" \\u0041 / \b\f\n\r\t',
  '日本 ≈ ç 👩‍👩‍👧 \u2028\u2029',
  `'; drop table cases; -- $1 ? ?| {} {"a":1}`,
  '\ud83d\ude00',
];

export function describePublishing(current: Current): void {
  it('what earlier commits left in the outbox comes back in order, its own batch and other cases do not', async () => {
    const { store, tenant } = current();
    const tenantId = await tenant();
    const [one, other] = [await aCase(store, tenantId), await aCase(store, tenantId)];
    const first = [entryOf(one, 1), entryOf(one, 2, 'ExceptionMerged'), entryOf(one, 3)];
    expect(await append(store, one, first)).toEqual([]);
    await append(store, other, [entryOf(other, 1)]);
    const leftovers = await append(store, one, [entryOf(one, 4)]);
    expect(parsed(leftovers)).toEqual(parsed([first[0], first[2]] as JournalEntry[])); // seq 2 is for the journal only
    await store.transaction([tenantId], (tx) => tx.deleteOutbox(leftovers));
    const again = await store.transaction([tenantId], (tx) => tx.write({ ...NOTHING, touched: [one, other] }));
    expect(again.map((entry) => entry.seq).sort()).toEqual([1, 4]);
  });

  it('events above a seq are sent to their stage again, each once', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const entries = [1, 2, 3, 4, 5].map((seq) => entryOf(key, seq, seq === 4 ? 'PolicyEvaluated' : 'ExceptionTriaged'));
    await append(store, key, entries);
    await store.transaction([key.tenantId], (tx) => tx.deleteOutbox(entries.slice(0, 4))); // 5 still waits
    const resend = [{ ...key, stage: 'policy' as const, above: 1 }];
    const sent = await store.transaction([key.tenantId], (tx) => tx.write({ ...NOTHING, touched: [key], resend }));
    expect(sent.map((entry) => entry.seq)).toEqual([2, 3, 5]);
    const waiting = await store.transaction([key.tenantId], (tx) => tx.write({ ...NOTHING, touched: [key] }));
    expect(waiting.map((entry) => entry.seq)).toEqual([2, 3, 5]);
  });

  it('events too old are taken with all others of their case, and are young then', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    await append(store, key, [entryOf(key, 1), entryOf(key, 2)]);
    const take = () => store.transaction([key.tenantId], (tx) => tx.staleOutbox(1_000, 100));
    expect(await take()).toEqual([]);
    const taken = await vi.waitFor(async () => {
      const found = await take();
      expect(found.map((entry) => entry.seq)).toEqual([1, 2]);
      return found;
    }, 10_000);
    expect(await take()).toEqual([]);
    await store.transaction([key.tenantId], (tx) => tx.deleteOutbox(taken));
    expect(await store.transaction([key.tenantId], (tx) => tx.staleOutbox(-1_000, 100))).toEqual([]);
  });

  it('what arrived by the log is not wanted back, older rows of its case are', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const entries = [1, 2, 3].map((seq) => entryOf(key, seq));
    await append(store, key, entries);
    const back = await store.transaction([key.tenantId], (tx) =>
      tx.write({ ...NOTHING, touched: [{ ...key, arrived: [1, 3] }] }),
    );
    expect(back.map(({ seq }) => seq)).toEqual([2]);
  });

  it('256 cases with the worst of texts are written and read back exactly', async () => {
    const { store, tenant } = current();
    const tenantId = await tenant();
    const keys = Array.from({ length: 256 }, () => ({ tenantId, caseId: randomUUID() }));
    const made = keys.map((key, i) => ({ ...key, openKey: `${NASTY[i % 4]} ${i}`, source: 'a "b"', at: i }));
    await store.transaction([tenantId], (tx) => tx.createCases(made));
    const dataOf = (i: number) => ({
      text: NASTY[i % 4],
      [NASTY[(i + 1) % 4] as string]: [{ n: i / 3, deep: { a: [[], {}, null, true] } }],
    });
    const entries = keys.map((key, i) => entryOf(key, 1, 'ExceptionTriaged', dataOf(i)));
    await store.transaction([tenantId], async (tx) => {
      const rows = await tx.lockCases(keys, []);
      expect(rows.length).toBe(256);
      await tx.write({ ...NOTHING, cases: rows.map((row) => updateOf(row, { seq: 1 })), journal: entries });
    });
    const back = await store.transaction([tenantId], (tx) => tx.write({ ...NOTHING, touched: keys }));
    const byCase = (a: { caseId: string }, b: { caseId: string }) => (a.caseId < b.caseId ? -1 : 1);
    expect(parsed(back)).toEqual(parsed(entries).sort(byCase));
  });

  it('the data of duplicates is read from the journal', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const entry = entryOf(key, 1, 'ExceptionTriaged', { text: NASTY[0] });
    await append(store, key, [entry]);
    const data = await store.transaction([key.tenantId], (tx) =>
      tx.journalData([{ ...entry, eventId: randomUUID() }, entry]),
    );
    expect([...data.keys()]).toEqual([`${key.tenantId}:${key.caseId}:1`]);
    expect(JSON.parse(data.get(`${key.tenantId}:${key.caseId}:1`) as string)).toEqual({ text: NASTY[0] });
  });

  it.each([
    ['U+0000', '{"a":"\\u0000"}'],
    ['half a surrogate pair', '{"a":"\\ud800"}'],
    ['no JSON', '{"a":'],
  ])('%s is refused as data', async (_, data) => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const kind = await append(store, key, [{ ...entryOf(key, 1), data }]).then(() => 'no error', classifyStoreError);
    expect(kind).toBe('data');
  });
}
