import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { createEmbeddedLog } from '../../log/embedded/index.js';
import { createTelemetry } from '../../telemetry/catalogue.js';
import { createMemoryStore, MemoryDatabase } from '../../testing/memory-store/index.js';
import { Ingestion } from '../ingest.js';
import { Publisher } from '../publisher.js';
import { TopicSources, type WantedTopic } from './topics.js';

it('a topic that packs may not read any more is not read, and the others go on', async () => {
  const database = new MemoryDatabase();
  database.addTenant('acme');
  const [store, log] = [createMemoryStore(database), await createEmbeddedLog()];
  const told: string[] = [];
  const telemetry = createTelemetry([(name, fields) => told.push(`${name} ${(fields as { topic: string }).topic}`)]);
  const publisher = new Publisher(log, store, telemetry, 'test');
  const ingestion = new Ingestion(store, publisher, telemetry);
  const packs = {
    activePack: () => Promise.reject(new Error('nothing arrives')),
    packVersion: () => Promise.reject(new Error('nothing arrives')),
  };
  const sources = new TopicSources({
    ...{ store, log, publisher, ingestion, packs, telemetry, newId: randomUUID, epoch: 1 },
    sourceTopics: ['{tenant}.*'],
  });
  await log.createTopics(['acme.orders', 'payroll'].map((topic) => ({ topic, partitions: 1 })));
  const wanted = (topic: string): WantedTopic => ({
    tenantId: 'acme',
    version: 1,
    source: topic,
    topic,
    from: 'latest',
  });
  await sources.settle([wanted('payroll'), wanted('acme.orders')]);
  expect(told).toEqual(['source.trouble payroll', 'source.reading acme.orders']);
  expect(sources.troubles()).toEqual([
    'payroll of acme (topic payroll): KAFKA_SOURCE_TOPICS does not let acme read payroll',
  ]);
  await sources.stop();
  await log.close();
});
