import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { JournalEntry } from '../../core/envelope.js';
import { classifyStoreError } from '../../store/errors.js';
import type { Unpublished } from '../../store/port.js';
import { until } from '../until.js';
import { aCase, append, type Current, entryOf, NOTHING, published, updateOf, waiting } from './harness.js';

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
  it('what a transaction appended for stages waits until it is published, in order', async () => {
    const { store, tenant } = current();
    const tenantId = await tenant();
    const [one, other] = [await aCase(store, tenantId), await aCase(store, tenantId)];
    const entries = [entryOf(one, 1), entryOf(one, 2, 'ExceptionMerged'), entryOf(one, 3)] as const;
    const first = await append(store, one, entries);
    expect(first).toMatchObject({ tenants: [tenantId], entries: [entries[0], entries[2]] }); // seq 2 is for the journal only
    const second = await append(store, other, [entryOf(other, 1)]);
    expect(await append(store, other, [entryOf(other, 2, 'ExceptionMerged')])).toBeNull();
    expect(parsed(await waiting(store, tenantId))).toEqual(
      parsed([...(first?.entries ?? []), ...(second?.entries ?? [])]),
    );
    await published(store, first);
    expect((await waiting(store, tenantId)).map(({ caseId }) => caseId)).toEqual([other.caseId]);
  });

  it('a batch leaves the outbox with the transaction that says it is published, or not at all', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const left = await append(store, key, [entryOf(key, 1)]);
    const done = { ...NOTHING, published: left === null ? [] : [left] };
    const failing = store.transaction([key.tenantId], async (tx) => {
      await tx.write(done);
      throw new Error('rolled back');
    });
    await expect(failing).rejects.toThrow('rolled back');
    expect(await waiting(store, key.tenantId)).toHaveLength(1);
    await store.transaction([key.tenantId], (tx) => tx.write(done));
    expect(await waiting(store, key.tenantId)).toEqual([]);
  });

  it('events of several tenants are one batch, with a row for each of them', async () => {
    const { store, tenant } = current();
    const keys = [await aCase(store, await tenant()), await aCase(store, await tenant())] as const;
    const scope = keys.map(({ tenantId }) => tenantId);
    const left = await store.transaction(scope, (tx) =>
      tx.write({ ...NOTHING, journal: keys.map((key) => entryOf(key, 1)) }),
    );
    expect(left?.tenants).toEqual(scope);
    expect(await store.transaction(scope, (tx) => tx.staleOutbox(-1_000, 1))).toHaveLength(1); // a row, not half of the batch or none
    for (const { tenantId, caseId } of keys)
      expect((await waiting(store, tenantId)).map((entry) => entry.caseId)).toEqual([caseId]);
    await published(store, left);
    for (const tenantId of scope) expect(await waiting(store, tenantId)).toEqual([]);
  });

  it('events above a seq are sent to their stage again, each once and before what is new', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const entries = [1, 2, 3, 4, 5].map((seq) => entryOf(key, seq, seq === 4 ? 'PolicyEvaluated' : 'ExceptionTriaged'));
    await published(store, await append(store, key, entries));
    const resend = [{ ...key, stage: 'policy' as const, above: 1 }];
    const sent = await store.transaction([key.tenantId], (tx) =>
      tx.write({ ...NOTHING, resend, journal: [entryOf(key, 6)] }),
    );
    expect(sent?.entries.map((entry) => entry.seq)).toEqual([2, 3, 5, 6]);
    expect((await waiting(store, key.tenantId)).map((entry) => entry.seq)).toEqual([2, 3, 5, 6]);
  });

  it('of what a stage has not seen, what may still wait is published before what is new', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const at = (seq: number, hour: string) => ({ ...entryOf(key, seq), time: `2026-11-20T${hour}:00:00.000Z` });
    const tell = async (entry: JournalEntry) => {
      const earlier = [{ ...key, stage: 'policy' as const, above: 0, below: entry.seq }];
      return store.transaction([key.tenantId], (tx) => tx.write({ ...NOTHING, journal: [entry], earlier }));
    };
    const seqs = (left: Unpublished | null) => left?.entries.map(({ seq }) => seq);
    const first = await tell(at(1, '09'));
    expect(seqs(first)).toEqual([1]);
    await published(store, first);
    const second = await tell(at(2, '10'));
    expect(seqs(second)).toEqual([2]); // nothing waits
    const third = await tell(at(3, '11'));
    expect(seqs(third)).toEqual([2, 3]); // the second waits, the first is older than that
    await published(store, second, third);
    expect(seqs(await tell(at(4, '12')))).toEqual([4]);
  });

  it('batches too old are taken, the oldest first, and are young then', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const left = [await append(store, key, [entryOf(key, 1)]), await append(store, key, [entryOf(key, 2)])];
    const take = () => store.transaction([key.tenantId], (tx) => tx.staleOutbox(3_000, 100));
    expect(await take()).toEqual([]);
    const taken: Unpublished[] = [];
    await until(async () => {
      taken.push(...(await take()));
      return taken.length >= left.length || undefined;
    }, 'both batches to be old');
    expect(taken.map(({ batchId }) => batchId)).toEqual(left.map((batch) => batch?.batchId));
    expect(await take()).toEqual([]);
    await published(store, ...taken);
    expect(await waiting(store, key.tenantId)).toEqual([]);
  });

  it('no more batches are taken at once than the events that are wanted', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    for (const seq of [1, 3, 5]) await append(store, key, [entryOf(key, seq), entryOf(key, seq + 1)]);
    const taken = await store.transaction([key.tenantId], (tx) => tx.staleOutbox(-1_000, 3));
    expect(taken.flatMap(({ entries }) => entries.map(({ seq }) => seq))).toEqual([1, 2, 3, 4]);
  });

  it('of a batch that is taken what its stage has seen meanwhile needs no publishing', async () => {
    const { store, tenant } = current();
    const key = await aCase(store, await tenant());
    const left = await append(store, key, [entryOf(key, 1), entryOf(key, 2)]);
    const seenTo = (seq: number) => append(store, key, [], { seen: { policy: seq } });
    const take = () => store.transaction([key.tenantId], (tx) => tx.staleOutbox(-1_000, 100));
    await seenTo(1);
    expect((await take()).map(({ entries }) => entries.map(({ seq }) => seq))).toEqual([[2]]);
    await seenTo(2);
    expect(await take()).toEqual([{ batchId: left?.batchId, tenants: [key.tenantId], entries: [] }]);
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
    const back = await waiting(store, tenantId);
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
