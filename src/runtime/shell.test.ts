import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { LogRecord, OutRecord } from '../core/envelope.js';
import type { Batch, Log } from '../log/port.js';
import { splitSource } from '../packs/index.js';
import { STAGE_TABLE } from '../stages/index.js';
import { createTelemetry } from '../telemetry/catalogue.js';
import { createMemoryStore, MemoryDatabase, refusal } from '../testing/memory-store/index.js';
import { packOf } from '../testing/packs.js';
import { Ingestion } from './ingest.js';
import { ingestItem } from './ingest-reports.js';
import { Progress } from './progress.js';
import { Publisher } from './publisher.js';
import { Shell } from './shell.js';
import { TenantDirectory } from './tenants.js';

const TENANT = 'acme';
const REFUSED = 'refused by the database';

/** An intake worker on the store in memory, and the records of exceptions that it may be given. */
async function world() {
  const database = new MemoryDatabase();
  database.addTenant(TENANT);
  const told: { name: string; fields: object }[] = [];
  const telemetry = createTelemetry([(name, fields) => told.push({ name, fields })]);
  const records: OutRecord[] = [];
  const log = {
    publish: async (some: readonly OutRecord[]) => void records.push(...some),
    watermarks: async () => [0, 1, 2].map((partition) => ({ partition, low: 0, high: 100 })),
  } as unknown as Log;
  const beforeWrite = ({
    journal,
  }: {
    readonly journal: readonly { readonly data: string; readonly emitter: string }[];
  }) => {
    if (journal.some(({ data, emitter }) => emitter === 'intake' && data.includes(REFUSED))) throw refusal('22P05');
  };
  const store = createMemoryStore(database, { beforeWrite });
  const publisher = new Publisher(log, store, telemetry, 'test');
  const pack = { version: 1, pack: packOf() };
  const ingestion = new Ingestion(store, publisher, telemetry);
  const shell = new Shell(STAGE_TABLE.intake, {
    ...{ store, log, publisher, telemetry, group: 'intake', epoch: 1, lanes: 2 },
    tenants: new TenantDirectory(store),
    gather: { activePack: () => pack, packVersion: () => pack } as never,
    progress: new Progress('intake'),
  });
  return {
    shell,
    told,
    /** The record of a new exception, at this offset. */
    async record(title: string, offset: number): Promise<LogRecord> {
      const receivedAt = new Date().toISOString();
      const { items } = splitSource(pack.pack, 'generic', { body: { type: 'FAIL', title }, headers: {}, receivedAt });
      const about = { source: 'generic', via: 'api', receivedAt } as const;
      const made = items.map((item) => ingestItem(pack, item, { ...about, newCaseId: randomUUID() }));
      await ingestion.accept({
        ...{ requestId: randomUUID(), tenantId: TENANT, traceparent: null, idempotency: null },
        items: made,
      });
      await publisher.drain();
      const { key, value, headers } = records.pop() as OutRecord;
      return { offset, key, value: Buffer.from(value as string), headers };
    },
    statuses: () => [...database.tables.cases.rows.values()].map(({ state }) => state.status),
    positions: () => [...database.tables.positions.rows.values()].map(({ next }) => next),
    letters: () => [...database.tables.letters.rows.values()].map(({ code }) => code),
    chunks: () =>
      told
        .filter(({ name }) => name === 'chunk.handled')
        .map(({ fields }) => (fields as { partitions: number[] }).partitions),
  };
}

function batchOf(partition: number, records: readonly LogRecord[]) {
  const done: { resolved?: number; sought?: number } = {};
  const batch: Batch = {
    topic: 'exceptions',
    ...{ partition, records, highWatermark: 100 },
    isStale: () => false,
    resolve: (offset) => {
      done.resolved = offset;
    },
    seek: (offset) => {
      done.sought = offset;
    },
    signal: new AbortController().signal,
  };
  return { batch, done };
}

describe('what several partitions have at the same time', () => {
  it('is one transaction, which moves the position of each', async () => {
    const { shell, record, chunks, positions, statuses } = await world();
    const given = [batchOf(2, [await record('a', 0), await record('b', 1)]), batchOf(0, [await record('c', 0)])];
    await Promise.all(given.map(({ batch }) => shell.onBatch(batch)));
    expect(chunks()).toEqual([[0, 2]]);
    expect(positions()).toEqual([1, 2]);
    expect(given.map(({ done }) => done.resolved)).toEqual([1, 0]);
    expect(statuses()).toEqual(['NORMALIZED', 'NORMALIZED', 'NORMALIZED']);
  });

  it('a partition with a gap goes back, and the others go on without it', async () => {
    const { shell, record, chunks, statuses } = await world();
    const given = [batchOf(0, [await record('a', 7)]), batchOf(1, [await record('b', 0)])];
    await Promise.all(given.map(({ batch }) => shell.onBatch(batch)));
    expect(given.map(({ done }) => done)).toEqual([{ sought: 0 }, { resolved: 0 }]);
    expect(chunks()).toEqual([[1]]);
    expect(statuses()).toEqual(['OPEN', 'NORMALIZED']);
  });

  it('data that the database refuses is a dead letter, and the other partitions pay one try for it', async () => {
    const { shell, record, chunks, letters, statuses, told } = await world();
    const given = [batchOf(0, [await record('a', 0), await record(REFUSED, 1)]), batchOf(1, [await record('b', 0)])];
    await Promise.all(given.map(({ batch }) => shell.onBatch(batch)));
    expect(letters()).toEqual(['DATA_REFUSED']);
    expect(statuses()).toEqual(['NORMALIZED', 'OPEN', 'NORMALIZED']);
    expect(chunks().sort()).toEqual([[0], [0], [1]]);
    expect(told.filter(({ name }) => name === 'chunk.split')).toMatchObject([{ fields: { partition: 0, records: 2 } }]);
  });
});
