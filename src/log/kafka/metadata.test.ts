import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { isTransient } from './errors.js';
import { type Cluster, patchMetadata } from './metadata.js';

const require = createRequire(import.meta.url);
const ClusterOf: { prototype: Cluster } = require('kafkajs/src/cluster');
const BrokerPool: new (options: object) => object = require('kafkajs/src/cluster/brokerPool');

/** A cluster of one broker that is connected and comes to this when it is asked for metadata. */
function clusterWhose(metadata: () => Promise<unknown>): Cluster {
  patchMetadata();
  const logger = { namespace: () => logger };
  const brokerPool = Object.assign(new BrokerPool({ logger }), {
    brokers: { 1: { isConnected: () => true, metadata } },
    metadata: { topicMetadata: [] },
    metadataExpireAt: Date.now() + 60_000,
  });
  const retrier = (work: (bail: (error: Error) => void) => unknown) =>
    work((error) => {
      throw error;
    });
  return Object.assign(Object.create(ClusterOf.prototype), { brokerPool, retrier });
}

it('a connection that is lost while the only broker is asked counts as a broker that is away', async () => {
  const cluster = clusterWhose(() => Promise.reject(new Error('Closed connection')));
  const error = await cluster.metadata({ topics: [] }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: 'KafkaJSMetadataNotLoaded', message: 'No broker told its metadata' });
  expect(isTransient(error)).toBe(true);
});

it('an answer goes on as it is', async () => {
  const answer = { brokers: [], topicMetadata: [] };
  expect(await clusterWhose(() => Promise.resolve(answer)).metadata({ topics: [] })).toBe(answer);
});
