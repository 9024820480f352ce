/** Budgets on a real server: two policy workers at the same time, and not one use too many. */
import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import type { StageName } from '../core/stages.js';
import { createEmbeddedLog } from '../log/embedded/index.js';
import { PackCache } from '../runtime/pack-cache.js';
import { type RunningWorker, startWorker } from '../runtime/worker.js';
import { createTelemetry } from '../telemetry/catalogue.js';
import { openPipeline } from '../testing/pipeline.js';
import { requireService } from '../testing/services/require.js';
import { postgresForTest } from '../testing/stores.js';
import { until } from '../testing/until.js';
import { ROLES } from './roles.js';

const server = requireService('postgres');
const CASES = 50;
const FILES = new Map([
  ['pack.yaml', 'name: acme\n'],
  [
    'policies.yaml',
    `default: { effect: deny }
policies:
  - { name: repairs, effect: allow, budget: { by: exception.fields.cpty, limit: 3, per: 1h, over: escalate } }
`,
  ],
]);

server.describe('two policy workers on Postgres', () => {
  it('let exactly three of fifty through where a budget says three', async () => {
    const memory = await postgresForTest(server.address, 12);
    const log = createEmbeddedLog();
    const parts = { memory, log, partitions: 4, epoch: 1, files: FILES, allowPrivate: [], filesRoot: tmpdir() };
    const { tenantId, report } = await openPipeline(parts);
    const start = (name: StageName, workerId: string): Promise<RunningWorker> =>
      startWorker({
        ...{ stage: ROLES[name].stage, store: memory.store, log, telemetry: createTelemetry([]), workerId },
        ...{ gather: new PackCache(memory.queries.packSource), queries: memory.queries, group: name },
        ...{ concurrency: 2, epoch: 1, housekeeping: false },
        onCrash: (error) => {
          throw error;
        },
      });
    const workers = [await start('intake', 'i'), await start('triage', 't')];
    try {
      const item = (n: number) => ({ type: 'FAIL', entity: `T-${n}`, fields: { cpty: 'ACME' } });
      const answers = await Promise.all(Array.from({ length: CASES }, (_, n) => report(item(n))));
      const ids = answers.map(({ items }) => items[0]?.id as string);
      const all = (status: string) =>
        until(async () => {
          const found = await Promise.all(ids.map((id) => memory.queries.getCase(tenantId, id)));
          return found.every((one) => one?.status === status) ? found : undefined;
        }, `all cases ${status}`);
      await all('TRIAGED');
      workers.push(...(await Promise.all([start('policy', 'p1'), start('policy', 'p2')])));
      const effects = (await all('EVALUATED')).map((one) => one?.policy?.effect);
      expect(effects.filter((effect) => effect === 'allow')).toHaveLength(3);
      expect(effects.filter((effect) => effect === 'deny')).toHaveLength(CASES - 3);
    } finally {
      await Promise.all(workers.map((worker) => worker.stop(5_000)));
      await log.close();
      await memory.close();
    }
  });
});
