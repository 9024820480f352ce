/** A topic of a real Kafka as a source, under the faults of consumers. */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { createKafkaLog } from '../log/kafka/index.js';
import type { Log } from '../log/port.js';
import { Ingestion } from '../runtime/ingest.js';
import { TopicSources, type WantedTopic } from '../runtime/inlets/topics.js';
import { PackCache } from '../runtime/pack-cache.js';
import { Publisher } from '../runtime/publisher.js';
import type { OpenStore } from '../store/open.js';
import type { Store } from '../store/port.js';
import { createTelemetry } from '../telemetry/catalogue.js';
import { memoryStore } from '../testing/pglite.js';
import { requireService } from '../testing/services/require.js';
import { until } from '../testing/until.js';

const kafka = requireService('kafka');
const open = (): Log =>
  createKafkaLog({
    ...{
      brokers: [kafka.address],
      clientId: 'sources',
      sessionTimeoutMs: 6_000,
      heartbeatIntervalMs: 500,
    },
  });

function reader(memory: OpenStore, log: Log, store: Store = memory.store): TopicSources {
  const telemetry = createTelemetry([]);
  const publisher = new Publisher(log, memory.store, telemetry, 'test');
  const ingestion = new Ingestion(memory.store, publisher, telemetry);
  const packs = new PackCache(memory.queries.packSource);
  return new TopicSources({ store, log, publisher, ingestion, packs, telemetry, newId: randomUUID, epoch: 1 });
}

/** Commits as the store does; after so many commits nobody hears of them any more: the consumer dies with its offset. */
function dyingAfter(store: Store, commits: number, onDeath: () => void): Store {
  let left = commits;
  return {
    ...store,
    transaction: async (scope, body) => {
      const result = await store.transaction(scope, body);
      if (--left > 0) return result;
      onDeath();
      throw new TypeError('This process is dead.');
    },
  };
}

kafka.describe('a topic of Kafka as a source', () => {
  it('a thousand records have a thousand effects, though their reader dies between a commit and its offset', async () => {
    const memory = await memoryStore();
    const tenantId = 'acme';
    const topic = `breaks-${randomUUID()}`;
    await memory.queries.createTenant(tenantId);
    const files = {
      'pack.yaml': 'name: acme\n',
      'policies.yaml': 'default: { effect: deny }\n',
      'sources.yaml': `sources:\n  breaks: { kind: kafka, topic: ${topic}, from: earliest, map: { type: "\${{ item.type }}", entity: "\${{ item.id }}" } }\n`,
    };
    const { version } = await memory.queries.savePack(tenantId, { name: 'acme', files, createdBy: 'test' });
    await memory.queries.activatePack(tenantId, version);
    const wanted: WantedTopic[] = [{ tenantId, version, source: 'breaks', topic, from: 'earliest' }];
    const [first, second] = [open(), open()];
    await first.createTopics([{ topic, partitions: 4 }]);
    const send = (from: number, to: number) =>
      first.publish(
        Array.from({ length: to - from }, (_, i) => ({
          ...{
            topic,
            key: `k-${from + i}`,
            headers: {},
            value: JSON.stringify({ type: 'SSI', id: `T-${(from + i) % 400}` }),
          },
        })),
      );
    await send(0, 500);

    let dead = false;
    const store = dyingAfter(memory.store, 4, () => {
      dead = true;
    });
    const one = reader(memory, first, store);
    await one.settle(wanted);
    await until(() => dead || undefined, 'the first reader to die');
    await send(500, 1_000);
    await one.stop();

    const other = reader(memory, second);
    await other.settle(wanted);
    const counted = async () => {
      const { items } = await memory.queries.listCases(tenantId, { limit: 500 });
      const timelines = await Promise.all(items.map(({ caseId }) => memory.queries.timeline(tenantId, caseId)));
      const counts = timelines.flat().map(({ data }) => (data as { count: number }).count);
      return counts.reduce((sum, count) => sum + count, 0);
    };
    const reached = async () => {
      const { positions } = await memory.queries.pipeline([]);
      return positions.reduce((sum, { next }) => sum + next, 0);
    };
    await until(async () => ((await reached()) === 1_000 ? true : undefined), 'every record to be handled');
    expect(await counted()).toBe(1_000);
    await other.stop();
    await Promise.all([first.close(), second.close()]);
    await memory.close();
  });
});
