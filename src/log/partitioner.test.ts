import { Partitioners } from 'kafkajs';
import { expect, it } from 'vitest';
import { partitionOf } from './partitioner.js';

it.each([1, 2, 3, 7, 12, 100])('places every key where the default partitioner does, of %i partitions', (count) => {
  const partitionMetadata = Array.from({ length: count }, (_, partitionId) => ({
    partitionErrorCode: 0,
    partitionId,
    leader: 0,
    replicas: [0],
    isr: [0],
  }));
  const place = Partitioners.DefaultPartitioner();
  const keys = ['', 'a', 'ä✓', 'tenant:4f6b0a52-7f7e-4d0e-9d5c-0f1f2f3f4f5f'];
  for (let length = 1; length < 60; length++) keys.push('k'.repeat(length), `tenant-${length}:${'é'.repeat(length)}`);
  keys.push('k'.repeat(341), 'é'.repeat(342), 'k'.repeat(5_000));
  for (const key of keys) {
    expect(partitionOf(key, count), key).toBe(place({ topic: 't', partitionMetadata, message: { key, value: null } }));
  }
});
