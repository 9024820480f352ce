import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { JournalEntry } from '../core/envelope.js';
import type { Log } from '../log/port.js';
import { splitSource } from '../packs/index.js';
import type { DeadLetterDraft } from '../store/port.js';
import { createTelemetry } from '../telemetry/catalogue.js';
import { createMemoryStore, MemoryDatabase } from '../testing/memory-store/index.js';
import { packOf } from '../testing/packs.js';
import { lockDrafts, writeDrafts } from './append.js';
import { DeadLetters } from './dead-letters.js';
import type { CaseDraft } from './draft.js';
import { Ingestion } from './ingest.js';
import { ingestItem } from './ingest-reports.js';
import { draftLetter } from './letter.js';
import { Publisher } from './publisher.js';

const TENANT = 'acme';

const PACK = packOf({
  'sources.yaml': 'accumulate: [{ name: crashes, by: [exception.type], window: 30s, max: 9 }]',
});

/** A group of two crashes, as it was accepted. */
async function group() {
  const database = new MemoryDatabase();
  database.addTenant(TENANT);
  const store = createMemoryStore(database);
  const telemetry = createTelemetry([]);
  const log = { publish: async () => undefined } as unknown as Log;
  const publisher = new Publisher(log, store, telemetry, 'test');
  const ingestion = new Ingestion(store, publisher, telemetry);
  const about = { source: 'generic', via: 'api', receivedAt: new Date().toISOString() } as const;
  const body = [1, 2].map((n) => ({ type: 'Crash', entity: `pod-${n}` }));
  const { items } = splitSource(PACK, 'generic', { body, headers: {}, receivedAt: about.receivedAt });
  const request = { requestId: randomUUID(), tenantId: TENANT, traceparent: null, idempotency: null };
  await ingestion.accept({
    ...request,
    items: items.map((item) => ingestItem({ version: 1, pack: PACK }, item, { ...about, newCaseId: randomUUID() })),
  });
  return { database, store, log, publisher, ingestion, entries: () => [...database.tables.journal.rows.values()] };
}

/** The letter of the second report of a group. */
function letterOf(entries: readonly JournalEntry[]) {
  const second = entries.find(({ seq }) => seq === 2);
  if (second === undefined) throw new Error('there is no second report');
  const { caseId, eventId: id, type, after, traceparent } = second;
  const data = JSON.parse(second.data);
  const record = { offset: 1, key: `${TENANT}:${caseId}`, value: Buffer.from(second.data), headers: {} };
  const position = { group: 'intake', topic: 'exceptions', epoch: 1, partition: 0 };
  const event = { tenantId: TENANT, caseId, seq: 2, after, id, type, emitter: 'api', causeId: null, traceparent };
  const letter = draftLetter({
    ...{ stage: 'intake', position, record, tenantId: TENANT, blocks: true },
    problem: { code: 'DATA_REFUSED', message: 'no' },
    event: { ...event, time: second.time, data } as never,
  });
  return { caseId, data, letter };
}

/** The second report of a group is a dead letter, which holds it. */
async function heldGroup() {
  const { database, store, log, publisher, ingestion, entries } = await group();
  const { caseId, data, letter } = letterOf(entries());
  const change = (work: (draft: CaseDraft) => void, deadLetters: readonly DeadLetterDraft[] = []) =>
    store.transaction([TENANT], async (tx) => {
      const drafts = await lockDrafts(tx, [{ tenantId: TENANT, caseId }]);
      for (const draft of drafts.values()) work(draft);
      await writeDrafts(tx, drafts.values(), { deadLetters });
    });
  await change(
    (draft) => {
      draft.markSeen('intake', 1);
      draft.block(true);
    },
    [letter],
  );
  const deadLetters = new DeadLetters({
    ...{ store, log, publisher },
    reads: { getDeadLetter: async () => ({ caseId }), deadLetterIds: async () => [] },
    packs: { activePack: async () => ({ version: 1, pack: PACK }) },
    sources: { ingestion, newId: randomUUID },
  });
  const key = { tenantId: TENANT, deadLetterId: letter.deadLetterId };
  return {
    caseId,
    /** The window is over: its timer gives the key of the group free. */
    close: () =>
      change((draft) => {
        const data = { rule: 'crashes', closes: true };
        draft.append(
          { type: 'AccumulationElapsed', data: { kind: 'accumulate', timerId: randomUUID(), dueAt: 0, data } },
          {
            eventId: randomUUID(),
            emitter: 'timers',
            causeId: null,
            traceparent: null,
            time: new Date().toISOString(),
          },
        );
        draft.release();
      }),
    async editAndReplay(change: object = {}) {
      await deadLetters.edit(key, { data: { ...data, ...change, item: { ...data.item, title: 'mended' } } }, 'ann');
      return deadLetters.replay(key, { by: 'ann', force: false });
    },
    cases: () => [...database.tables.cases.rows.values()],
    mended: () => entries().filter((entry) => entry.data.includes('mended')),
  };
}

it('an edited report joins its group while that gathers', async () => {
  const { caseId, editAndReplay, cases, mended } = await heldGroup();
  expect(await editAndReplay()).toMatchObject({ outcome: 'resumed', caseId });
  expect(mended()).toMatchObject([{ caseId, type: 'ExceptionIngested', seq: 4 }]);
  expect(cases()).toMatchObject([{ blocked: false, seen: { intake: 2 } }]);
});

it('an edited end of one of a group stays with the group after its window: no other one knows of it', async () => {
  const { caseId, close, editAndReplay, mended } = await heldGroup();
  await close();
  await editAndReplay({ resolve: true });
  expect(mended()).toMatchObject([{ caseId, type: 'ExceptionIngested', seq: 5 }]);
});

it('an edited report of a group whose window is over is accepted anew: the end stands before it in line', async () => {
  const { caseId, close, editAndReplay, cases, mended } = await heldGroup();
  await close();
  expect(await editAndReplay()).toMatchObject({ outcome: 'resumed', caseId });
  const [report, ...others] = mended();
  expect(others).toEqual([]);
  expect(report?.caseId).not.toBe(caseId);
  expect(cases().find(({ state }) => state.caseId === caseId)).toMatchObject({ blocked: false, seen: { intake: 2 } });
  expect(cases().find(({ state }) => state.caseId === report?.caseId)).toMatchObject({ seq: 1 });
});
