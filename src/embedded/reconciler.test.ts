import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createEmbeddedLog } from '../log/embedded/index.js';
import type { Log } from '../log/port.js';
import { Publisher } from '../runtime/publisher.js';
import { Reconciler } from '../runtime/reconciler.js';
import type { OpenStore } from '../store/open.js';
import { createTelemetry, type TelemetryName } from '../telemetry/catalogue.js';
import { memoryStore } from '../testing/pglite.js';
import { openPipeline, type Pipeline } from '../testing/pipeline.js';
import { until } from '../testing/until.js';

let memory: OpenStore;
let log: Log;
let pipeline: Pipeline;
let losing = false; // the log acknowledges what is for triage and keeps nothing of it

beforeAll(async () => {
  memory = await memoryStore();
  const whole = createEmbeddedLog();
  const kept: Log['publish'] = (records) =>
    whole.publish(losing ? records.filter(({ topic }) => topic !== 'exceptions.triage') : records);
  log = new Proxy(whole, {
    get: (target, name) => {
      if (name === 'publish') return kept;
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
  const files = new Map([
    ['pack.yaml', 'name: acme\n'],
    ['policies.yaml', 'default: { effect: deny }\n'],
  ]);
  pipeline = await openPipeline({ memory, log, partitions: 1, epoch: 1, files, allowPrivate: [], filesRoot: tmpdir() });
  await pipeline.startWorkers();
});
afterAll(async () => {
  await pipeline.stopWorkers();
  await log.close();
  await memory.close();
});

const idOf = async (entity: string) => (await pipeline.report({ type: 'X', entity })).items[0]?.id as string;

it('an event that the log acknowledged and lost is sent again from the journal, and only that one', async () => {
  const told: { name: TelemetryName; fields: unknown }[] = [];
  const telemetry = createTelemetry([(name, fields) => told.push({ name, fields })]);
  const { store, queries } = memory;
  const publisher = new Publisher(log, store, telemetry, 'reconciler');
  const reconciler = new Reconciler({
    stage: 'triage',
    group: 'triage',
    epoch: 1,
    store,
    log,
    queries,
    publisher,
    telemetry,
    settleMs: 0,
  });

  const fine = await idOf('fine');
  await pipeline.settled(fine, 'ESCALATED');
  losing = true;
  const lost = await idOf('lost');
  await pipeline.settled(lost, 'NORMALIZED');
  await until(
    async () => ((await queries.pipeline([pipeline.tenantId])).outbox.count === 0 ? true : undefined),
    'an empty outbox',
  );
  losing = false;

  await reconciler.tick(); // notes the ends of the log
  expect((await queries.getCase(pipeline.tenantId, lost))?.status).toBe('NORMALIZED');
  await reconciler.tick();
  await pipeline.settled(lost, 'ESCALATED');
  expect(told.filter(({ name }) => name === 'reconciler.resent').map(({ fields }) => fields)).toEqual([
    { stage: 'triage', cases: 1, events: 1 },
  ]);

  await reconciler.tick();
  await reconciler.tick();
  expect(told.filter(({ name }) => name === 'reconciler.resent')).toHaveLength(1);
  await publisher.drain();
});

it('a partition that stands still though it has records is woken by sending what was not seen', async () => {
  const told: { name: TelemetryName; fields: unknown }[] = [];
  const telemetry = createTelemetry([(name, fields) => told.push({ name, fields })]);
  const { store, queries } = memory;
  const publisher = new Publisher(log, store, telemetry, 'reconciler');
  const deps = { group: 'intake', epoch: 1, store, log, queries, publisher, telemetry, settleMs: 0 };
  const reconciler = new Reconciler({ stage: 'intake', ...deps });

  await pipeline.stopWorkers();
  const id = await idOf('nobody reads');
  await pipeline.publisher.drain(); // what is in the outbox is not lost
  await reconciler.tick();
  await reconciler.tick();
  expect(told.filter(({ name }) => name === 'reconciler.resent').map(({ fields }) => fields)).toEqual([
    { stage: 'intake', cases: 1, events: 1 },
  ]);
  await pipeline.startWorkers();
  await pipeline.settled(id, 'ESCALATED');
  expect((await queries.getCase(pipeline.tenantId, id))?.count).toBe(1);
});
