import { randomUUID } from 'node:crypto';
import { expect, it, vi } from 'vitest';
import type { Block } from '../blocks/port.js';
import type { Priority } from '../core/records.js';
import { createEmbeddedLog } from '../log/embedded/index.js';
import type { CaseKey, ExecutionRow } from '../store/port.js';
import { createTelemetry } from '../telemetry/catalogue.js';
import { createMemoryStore, MemoryDatabase } from '../testing/memory-store/index.js';
import { aCase, executionOf, put } from '../testing/store-contract/harness.js';
import { until } from '../testing/until.js';
import { Executor } from './executor.js';
import { Publisher } from './publisher.js';

const call = (key: CaseKey, input: string, priority: Priority = 3): ExecutionRow => ({
  ...executionOf(key),
  input,
  priority,
});

/** An executor of one slot on a case's calls; `begun` keeps their inputs in order. */
async function executorOf() {
  const database = new MemoryDatabase();
  database.addTenant('acme');
  const store = createMemoryStore(database);
  const key = await aCase(store, 'acme');
  const begun: unknown[] = [];
  const block: Block = {
    name: 'http.request',
    perform: async ({ input }) => {
      begun.push(input);
      return { kind: 'succeeded', result: null };
    },
  };
  const log = await createEmbeddedLog();
  const telemetry = createTelemetry([]);
  const publisher = new Publisher(log, store, telemetry, 'test');
  const executor = new Executor({
    ...{ store, publisher, telemetry, owner: randomUUID(), slots: 1 },
    blocks: new Map([['http.request', block]]),
    gather: {
      activePack: () => Promise.reject(new Error('no call asks')),
      packVersion: () => Promise.reject(new Error('no call asks')),
    },
  });
  const lease = async (calls: readonly ExecutionRow[]) => {
    await put(store, key, { executions: calls.map((one) => ({ ...one, leaseOwner: executor.owner })) });
    executor.reserve(calls.length);
    executor.start(calls, 0);
  };
  const close = async () => {
    await executor.stop(1_000);
    await log.close();
  };
  return { executor, key, begun, lease, close };
}

it('of the calls that a process has in hand, the urgent ones begin first', async () => {
  const { key, begun, lease, close } = await executorOf();
  const [usual, low, also] = [call(key, 'usual'), call(key, 'low', 5), call(key, 'also usual')];
  const calls = [usual, low, also, call(key, 'urgent', 1), call(key, 'also urgent', 1)];
  await lease(calls);
  await until(() => (begun.length === calls.length ? true : undefined), 'all calls');
  expect(begun).toEqual(['urgent', 'also urgent', 'usual', 'also usual', 'low']);
  await close();
});

it('the last ends do not wait for the company of calls that do not come', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] }); // a pause would last for ever
  try {
    const { executor, key, lease, close } = await executorOf();
    await lease(Array.from({ length: 8 }, (_, i) => call(key, String(i))));
    await until(() => (executor.busy === 0 ? true : undefined), 'all ends');
    await close();
  } finally {
    vi.useRealTimers();
  }
});

it('calls that a chunk could not lease are looked for once they are committed, whatever looked before', async () => {
  const { executor, close } = await executorOf();
  const hungry = vi.fn();
  executor.onHungry = hungry;
  const got = executor.reserve(1_000);
  await executor.tick(); // between the chunk's reservation and its commit
  executor.release(got);
  expect(hungry).not.toHaveBeenCalled();
  executor.start([], 1_000 - got);
  expect(hungry).toHaveBeenCalled();
  await close();
});
