import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Log } from '../log/port.js';
import { type CompiledPack, splitSource } from '../packs/index.js';
import { createTelemetry } from '../telemetry/catalogue.js';
import { createMemoryStore, MemoryDatabase, type StoredCase } from '../testing/memory-store/index.js';
import { packOf } from '../testing/packs.js';
import { Ingestion } from './ingest.js';
import { ingestItem } from './ingest-reports.js';
import { Publisher } from './publisher.js';

const TENANT = 'acme';
const SEEN = { 'triage.yaml': 'triage: [{ name: often, when: seen.in1h > 3, set: { category: often } }]' };

function world(pack: CompiledPack) {
  const database = new MemoryDatabase();
  database.addTenant(TENANT);
  const store = createMemoryStore(database);
  const telemetry = createTelemetry([]);
  const log = { publish: async () => undefined } as unknown as Log;
  const ingestion = new Ingestion(store, new Publisher(log, store, telemetry, 'test'), telemetry);
  const requestOf = (body: unknown, resolve = false) => {
    const receivedAt = new Date().toISOString();
    const { items, problems } = splitSource(pack, 'generic', { body, headers: {}, receivedAt });
    expect(problems).toEqual([]);
    const about = { source: 'generic', via: 'api', receivedAt } as const;
    return {
      ...{ requestId: randomUUID(), tenantId: TENANT, traceparent: null, idempotency: null },
      items: items.map((item) =>
        ingestItem({ version: 1, pack }, { ...item, resolve }, { ...about, newCaseId: randomUUID() }),
      ),
    };
  };
  return {
    database,
    report: (body: unknown, resolve?: boolean) => ingestion.accept(requestOf(body, resolve)),
    journal: () =>
      [...database.tables.journal.rows.values()].map(({ caseId, data }) => ({ caseId, ...JSON.parse(data) })),
    cases: () => [...database.tables.cases.rows.values()],
    fingerprints: () => [...database.tables.fingerprints.rows.values()],
  };
}

describe('a burst', () => {
  it('of ten thousand equal reports is one case, few rows, and counted to the last', async () => {
    const { report, journal, cases } = world(packOf());
    const one = { type: 'FAIL', entity: 'T-1', title: 'Trade T-1 failed' };
    const requests = Array.from({ length: 10 }, () => Array.from({ length: 1_000 }, () => one));
    const answers = await Promise.all(requests.map((body) => report(body)));
    expect(cases()).toHaveLength(1);
    expect(journal().length).toBeLessThanOrEqual(3);
    expect(journal().reduce((sum, { count }) => sum + count, 0)).toBe(10_000);
    expect(answers.flatMap(({ items }) => items.filter(({ outcome }) => outcome === 'created'))).toHaveLength(1);
  });

  it('of reports that differ in nothing but their times is one event', async () => {
    const { report, journal } = world(packOf());
    await report([1, 2, 3].map((n) => ({ type: 'FAIL', entity: 'T-1', occurredAt: `2026-11-20T10:00:0${n}Z` })));
    expect(journal()).toMatchObject([{ count: 3 }]);
  });

  it('of reports that say different things keeps each of them', async () => {
    const { report, journal } = world(packOf());
    await report(['a', 'b', 'b', 'a'].map((title) => ({ type: 'FAIL', entity: 'T-1', title })));
    expect(journal().map(({ count, item }) => [item.title, count])).toEqual([
      ['a', 1],
      ['b', 2],
      ['a', 1],
    ]);
  });
});

describe('a group', () => {
  const pack = packOf({
    'sources.yaml': 'accumulate: [{ name: crashes, by: [exception.fields.ns], window: 30s, max: 4 }]',
  });
  const crash = (pod: number, ns = 'a') => ({ type: 'Crash', entity: `pod-${pod}`, fields: { ns } });
  const pods = (count: number, ns?: string) => Array.from({ length: count }, (_, i) => crash(i, ns));

  it('is one case for each key, whatever the fingerprints', async () => {
    const { report, cases } = world(pack);
    const { items } = await report([...pods(2), ...pods(3, 'b')]);
    expect(cases()).toHaveLength(2);
    expect(new Set(items.slice(0, 2).map(({ id }) => id)).size).toBe(1);
    expect(items.map(({ outcome }) => outcome)).toEqual(['created', 'merged', 'created', 'merged', 'merged']);
  });

  it('takes as many as it may, then the next one opens another, in one request or in several', async () => {
    const { report, journal, cases } = world(pack);
    await report(pods(10));
    await report(pods(1));
    const sizes = cases().map(({ state }) => journal().filter(({ caseId }) => caseId === state.caseId).length);
    expect(sizes).toEqual([4, 4, 3]);
    expect(cases().map(({ openKey }) => openKey === null)).toEqual([true, true, false]);
  });

  it('stays open when one of it is over, and an end for which no group is open makes nothing', async () => {
    const { report, cases, journal } = world(pack);
    expect((await report(crash(1), true)).items).toEqual([
      { id: null, outcome: 'ignored', status: null, note: expect.stringContaining('none gathers now') },
    ]);
    await report(pods(2));
    expect((await report(crash(1), true)).items).toMatchObject([{ outcome: 'resolving' }]);
    await report(crash(5));
    expect(cases()).toHaveLength(1);
    expect(journal()).toHaveLength(4);
  });

  it('that somebody else wrote to takes fewer, and the next report opens another', async () => {
    const { report, cases, database } = world(pack);
    const [first] = (await report(pods(2))).items;
    const [[name, row]] = [...database.tables.cases.rows] as [[string, StoredCase]];
    database.tables.cases.rows.set(name, { ...row, seq: 9 });
    const [next] = (await report(pods(1))).items;
    expect(next).toMatchObject({ outcome: 'created' });
    expect(next?.id).not.toBe(first?.id);
    expect(cases()).toHaveLength(2);
  });

  it('counts equal reports of one commit as one of its reports', async () => {
    const { report, cases, journal } = world(pack);
    await report(Array.from({ length: 50 }, () => crash(1)));
    expect(cases()).toHaveLength(1);
    expect(journal()).toMatchObject([{ count: 50, accumulate: { rule: 'crashes', max: 4 } }]);
  });
});

describe('the history of a fingerprint', () => {
  const one = { type: 'FAIL', entity: 'T-1' };

  it('goes over all its cases, and travels with each report', async () => {
    const { report, journal } = world(packOf(SEEN));
    await report([one, one]);
    await report(one, true);
    await report([one, { type: 'OTHER', entity: 'T-2' }]);
    const of = (entity: string) => journal().filter(({ item }) => item.entity === entity);
    expect(of('T-1').map(({ resolve, seen }) => [resolve, seen?.count, seen?.in1h])).toEqual([
      [false, 2, 2],
      [true, undefined, undefined],
      [false, 3, 3],
    ]);
    expect(of('T-2')).toMatchObject([{ seen: { count: 1 } }]);
  });

  it('is kept only where the pack asks for it, and only of what is identified', async () => {
    const silent = world(packOf());
    await silent.report(one);
    expect(silent.fingerprints()).toEqual([]);
    expect(silent.journal()[0]).not.toHaveProperty('seen');
    const asking = world(packOf(SEEN));
    await asking.report([{ type: 'NOBODY' }, one]);
    expect(asking.fingerprints()).toHaveLength(1);
  });
});
