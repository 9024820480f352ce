import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Block } from '../blocks/port.js';
import type { Priority } from '../core/records.js';
import { createEmbeddedLog } from '../log/embedded/index.js';
import type { ExecutionRow } from '../store/port.js';
import { createTelemetry } from '../telemetry/catalogue.js';
import { createMemoryStore, MemoryDatabase } from '../testing/memory-store/index.js';
import { aCase, executionOf, put } from '../testing/store-contract/harness.js';
import { until } from '../testing/until.js';
import { Executor } from './executor.js';
import { Publisher } from './publisher.js';

it('of the calls that a process has in hand, the urgent ones begin first', async () => {
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
  const call = (input: string, priority: Priority): ExecutionRow => ({ ...executionOf(key), input, priority });
  const calls = [call('usual', 3), call('low', 5), call('also usual', 3), call('urgent', 1), call('also urgent', 1)];
  await put(store, key, { executions: calls.map((one) => ({ ...one, leaseOwner: executor.owner })) });
  executor.reserve(calls.length);
  executor.start(calls);
  await until(() => (begun.length === calls.length ? true : undefined), 'all calls');
  expect(begun).toEqual(['urgent', 'also urgent', 'usual', 'also usual', 'low']);
  await executor.stop(1_000);
  await log.close();
});
