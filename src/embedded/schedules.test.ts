/** Schedules on the embedded parts: one exception for each time, whoever looks. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createEmbeddedLog } from '../log/embedded/index.js';
import type { Log } from '../log/port.js';
import { Ingestion } from '../runtime/ingest.js';
import { InletPacks } from '../runtime/inlets/packs.js';
import { Schedules } from '../runtime/inlets/schedules.js';
import { PackCache } from '../runtime/pack-cache.js';
import { topicsWanted } from '../runtime/preflight.js';
import { Publisher } from '../runtime/publisher.js';
import type { OpenStore } from '../store/open.js';
import type { Telemetry, TelemetryEvents } from '../telemetry/catalogue.js';
import { memoryStore } from '../testing/pglite.js';

const YESTERDAY = Date.now() - 24 * 60 * 60 * 1_000;
let memory: OpenStore;
let log: Log;
beforeAll(async () => {
  memory = await memoryStore();
  log = createEmbeddedLog();
  await log.createTopics(topicsWanted(1));
});
afterAll(async () => {
  await log.close();
  await memory.close();
});

/** A tenant with these schedules, and processes that look after them. */
async function tenant(schedules: string) {
  const tenantId = `t-${randomUUID()}`;
  const { queries, store } = memory;
  await queries.createTenant(tenantId);
  const use = async (text: string) => {
    const files = {
      'pack.yaml': 'name: acme\n',
      'policies.yaml': 'default: { effect: deny }\n',
      'sources.yaml': `schedules:${text}\n`,
    };
    const { version } = await queries.savePack(tenantId, { name: 'acme', files, createdBy: 'test' });
    await queries.activatePack(tenantId, version);
  };
  await use(schedules);
  const told: TelemetryEvents['schedule.fired'][] = [];
  const process = () => {
    const telemetry: Telemetry = {
      emit: (name, fields) => {
        if (name === 'schedule.fired' && 'schedule' in fields && fields.tenantId === tenantId) told.push(fields);
      },
    };
    const publisher = new Publisher(log, store, telemetry, 'test');
    const packs = new PackCache(queries.packSource);
    const ingestion = new Ingestion(store, publisher, telemetry);
    let looks = 0;
    const counting: typeof store = {
      ...store,
      transaction: (scope, body) => {
        if (scope === 'all') looks++;
        return store.transaction(scope, body);
      },
    };
    const parts = { store: counting, publisher, ingestion, packs, telemetry, queries };
    const found = new InletPacks(parts);
    const own = new Schedules(parts);
    return {
      settle: async (now: number) => own.settle(await found.look(), now),
      tick: () => own.tick(),
      looks: () => looks,
    };
  };
  const cases = async () => (await queries.listCases(tenantId, { limit: 100 })).items;
  return { tenantId, use, process, cases, told };
}

it('two schedulers make one case of a time, and what was missed is made up for once', async () => {
  const { process, cases, told } = await tenant(' [{ name: hourly, cron: "0 * * * *", type: CHECK, overlap: allow }]');
  const [one, other] = [process(), process()];
  await one.settle(YESTERDAY);
  await other.settle(YESTERDAY);
  await Promise.all([one.tick(), other.tick(), one.tick()]);
  await other.tick();
  expect(await cases()).toHaveLength(1);
  expect(told).toMatchObject([{ outcome: 'created', missed: expect.toSatisfy((missed: number) => missed >= 22) }]);
});

it('while the case of its last time is open nothing is made, and that case says so', async () => {
  const { tenantId, process, cases, use } = await tenant(' [{ name: nightly, cron: "0 * * * *", type: CHECK }]');
  const one = process();
  await one.settle(YESTERDAY);
  await one.tick();
  await use(' [{ name: nightly, cron: "1 * * * *", type: CHECK }]'); // another time: the row begins anew
  const other = process(); // its cache of packs has not seen the first one
  await other.settle(YESTERDAY);
  await other.tick();
  const [made, ...rest] = await cases();
  expect(rest).toEqual([]);
  const timeline = await memory.queries.timeline(tenantId, made?.caseId ?? '');
  expect(timeline.map(({ type }) => type)).toEqual(['ExceptionIngested', 'ScheduleSkipped']);
});

it('what the pack no longer says makes nothing, and what it does not make up for is only counted', async () => {
  const { process, cases, use, told } = await tenant(' [{ name: gone, cron: "0 * * * *", type: CHECK }]');
  const one = process();
  await one.settle(YESTERDAY);
  await use(' [{ name: strict, cron: "0 0 1 1 *", type: CHECK, missed: none }]');
  const fresh = process();
  await fresh.settle(Date.now() - 400 * 24 * 60 * 60 * 1_000);
  await fresh.tick();
  await fresh.tick();
  expect(await cases()).toEqual([]);
  expect(told).toMatchObject([{ schedule: 'strict', outcome: 'missed' }]);
});

it('while nothing is due nobody asks, until a pack says something new', async () => {
  const { process, cases, use } = await tenant(' [{ name: yearly, cron: "0 0 1 1 *", type: CHECK }]');
  const one = process();
  await one.settle(Date.now());
  await one.tick(); // what others have left
  await one.tick();
  const before = one.looks();
  await one.tick();
  expect(one.looks()).toBe(before);
  await use(' [{ name: hourly, cron: "0 * * * *", type: CHECK }]');
  await one.settle(YESTERDAY);
  await one.tick();
  expect(one.looks()).toBeGreaterThan(before);
  expect(await cases()).toHaveLength(1);
});
