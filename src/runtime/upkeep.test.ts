import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { OutRecord } from '../core/envelope.js';
import type { DueWork } from '../core/processes.js';
import type { Log } from '../log/port.js';
import type { OpenStore } from '../store/open.js';
import type { Store, Tx } from '../store/port.js';
import { createTelemetry } from '../telemetry/catalogue.js';
import { memoryStore } from '../testing/pglite.js';
import { aCase, append, entryOf, waiting } from '../testing/store-contract/harness.js';
import { until } from '../testing/until.js';
import { Correlator } from './correlator.js';
import { Publisher } from './publisher.js';
import { Sweeper } from './sweeper.js';
import { Timers } from './timers.js';
import { Upkeep } from './upkeep.js';

let open: OpenStore;
beforeAll(async () => {
  open = await memoryStore();
});
afterAll(() => open.close());

/** An upkeep on the real store; `asked` counts its transactions, `published` keeps what the log got. */
async function upkeepOf(clock?: () => number) {
  const asked = vi.fn();
  const published: OutRecord[] = [];
  const store: Store = {
    ...open.store,
    transaction: (scope, body) => {
      asked(scope);
      return open.store.transaction(scope, body);
    },
  };
  const log = { publish: async (records: readonly OutRecord[]) => void published.push(...records) } as unknown as Log;
  const telemetry = createTelemetry([]);
  const publisher = new Publisher(log, store, telemetry, 'test', clock);
  const sweeper = new Sweeper(store, log, publisher);
  const timers = new Timers(store, publisher, telemetry);
  const upkeep = new Upkeep({
    store,
    publisher,
    sweeper,
    timers,
    correlator: new Correlator(store, publisher, telemetry),
  });
  const tenantId = `t${randomUUID().slice(0, 8)}`;
  await open.queries.createTenant(tenantId);
  const key = await aCase(open.store, tenantId);
  return { upkeep, publisher, published, asked, key };
}

/** A publisher that published the first of two events more than two seconds ago. */
async function overdue() {
  let now = 0;
  const { publisher, key } = await upkeepOf(() => now);
  const [first, second] = [entryOf(key, 1), entryOf(key, 2)] as const;
  await publisher.publish(await append(open.store, key, [first]));
  now = 2_500;
  return { publisher, key, second: await append(open.store, key, [second]) };
}

const ageOf = async (read: (tx: Tx) => Promise<DueWork>): Promise<number | null> =>
  (await open.store.transaction('all', read)).outboxMs;

it('where nothing waits, a look is one transaction', async () => {
  const { upkeep, asked } = await upkeepOf();
  expect(await upkeep.tick()).toBe(false);
  expect(asked).toHaveBeenCalledTimes(1);
});

it('what another transaction of the process has taken out of the outbox is not deleted once more', async () => {
  const { upkeep, publisher, asked, key } = await upkeepOf();
  await publisher.publish(await append(open.store, key, [entryOf(key, 1)]));
  publisher.take();
  asked.mockClear();
  await upkeep.tick();
  expect(asked.mock.calls).toEqual([['all']]);
});

it('what was published leaves the outbox, also where no transaction follows, and is not published again', async () => {
  const { upkeep, publisher, published, key } = await upkeepOf();
  await publisher.publish(await append(open.store, key, [entryOf(key, 1)]));
  await until(async () => {
    await upkeep.tick();
    return (await ageOf((tx) => tx.dueWork(true))) === 0 || undefined;
  }, 'an empty outbox');
  expect(published.filter(({ headers }) => headers.ce_caseid === key.caseId)).toHaveLength(1);
});

it('what a crash left in the outbox is published', async () => {
  const { upkeep, published, key } = await upkeepOf();
  await append(open.store, key, [entryOf(key, 1)]);
  await until(async () => {
    await upkeep.tick();
    return published.find(({ headers }) => headers.ce_caseid === key.caseId);
  }, 'the event of the crashed process');
  expect(published).toHaveLength(1);
});

it('a process that is too busy to look deletes what it published two seconds ago when it publishes again', async () => {
  const { publisher, key, second } = await overdue();
  await publisher.publish(second);
  const left = await until(async () => {
    const rows = await waiting(open.store, key.tenantId);
    return rows.length < 2 ? rows : undefined;
  }, 'one row less');
  expect(left.map(({ seq }) => seq)).toEqual([2]);
});

it('a process that ends deletes all that it published, whatever is being deleted just then', async () => {
  const { publisher, key, second } = await overdue();
  await publisher.publish(second); // begins to delete the first
  await publisher.drain();
  expect(await waiting(open.store, key.tenantId)).toEqual([]);
});
