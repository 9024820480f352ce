import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import {
  createGate,
  newGroup,
  numbered,
  range,
  resolveAll,
  until,
  watch,
} from '../../testing/log-contract/consumers.js';
import { describeLogContract } from '../../testing/log-contract.js';
import { createEmbeddedLog, type EmbeddedLogOptions } from './index.js';

async function createHarness(options: EmbeddedLogOptions = {}) {
  const log = createEmbeddedLog(options);
  return {
    log,
    topic: async (partitions = 1) => {
      const topic = `topic-${randomUUID()}`;
      await log.createTopics([{ topic, partitions }]);
      return topic;
    },
    close: () => log.close(),
  };
}

describeLogContract('the embedded log', createHarness);

it('lets go of records that every group has consumed', async () => {
  const { log, topic: createTopic, close } = await createHarness({ keepRecords: 100 });
  const topic = await createTopic();
  const gate = createGate();
  const fast = await watch(log, topic);
  const slow = await watch(log, topic, { onBatch: async (batch) => gate.passed.then(() => resolveAll(batch)) });
  await log.publish(numbered(topic, 1_000));
  await until('the fast group has all', () => fast.seen.length === 1_000);
  expect(await log.watermarks(topic)).toEqual([{ partition: 0, low: 0, high: 1_000 }]);
  gate.open();
  await until('the slow group has all', () => slow.seen.length === 1_000);
  await slow.consumer.stop();
  expect(await log.watermarks(topic)).toEqual([{ partition: 0, low: 900, high: 1_000 }]);
  const late = await watch(log, topic);
  await until('a late group gets what is left', () => late.seen.length === 100);
  expect(late.seen[0]?.offset).toBe(900);
  await close();
});

it('refuses more than a lagging group can hold, and takes it when there is room', async () => {
  const { log, topic: createTopic, close } = await createHarness({ keepRecords: 1, maxRecords: 10 });
  const topic = await createTopic();
  const group = newGroup();
  const first = await watch(log, topic, { group });
  await first.consumer.stop();
  await log.publish(numbered(topic, 10));
  await expect(log.publish(numbered(topic, 1, 10))).rejects.toMatchObject({ code: 'LOG_FULL' });
  const { seen, consumer } = await watch(log, topic, { group });
  await until('it is read', () => seen.length === 10);
  await consumer.stop();
  await expect(log.publish(numbered(topic, 1, 10))).resolves.toBeUndefined();
  await close();
});

it('keeps the latest records of a topic that nobody reads', async () => {
  const { log, topic: createTopic, close } = await createHarness({ maxRecords: 10 });
  const topic = await createTopic();
  for (const round of range(5)) await log.publish(numbered(topic, 5, round * 5));
  const [mark] = await log.watermarks(topic);
  expect(mark?.high).toBe(25);
  expect(mark?.low).toBeGreaterThanOrEqual(15);
  await close();
});

it('hands a partition on when a member holds its batch longer than a rebalance waits', async () => {
  const { log, topic: createTopic, close } = await createHarness({ rebalanceTimeoutMs: 50 });
  const topic = await createTopic(2);
  const group = newGroup();
  const gate = createGate();
  await log.publish(numbered(topic, 20));
  const stuck = await watch(log, topic, { group, onBatch: async (batch) => gate.passed.then(() => resolveAll(batch)) });
  await until('it is in hand', () => stuck.batches.length === 1);
  const other = await watch(log, topic, { group });
  await until('they share', () => other.assigned().length === 1);
  expect(stuck.batches[0]?.isStale()).toBe(true);
  gate.open();
  await until('all are seen, what was stuck again', () => stuck.seen.length + other.seen.length > 20);
  await close();
});

it('says when a batch does not end in time at a stop', async () => {
  const { log, topic: createTopic, close } = await createHarness({ stopTimeoutMs: 30 });
  const topic = await createTopic();
  const gate = createGate();
  await log.publish(numbered(topic, 1));
  const { batches, consumer } = await watch(log, topic, { onBatch: () => gate.passed });
  await until('it is in hand', () => batches.length === 1);
  await expect(consumer.stop()).rejects.toMatchObject({ code: 'STOP_TIMEOUT' });
  gate.open();
  await close();
});

it('refuses everything once it is closed', async () => {
  const { log, topic: createTopic, close } = await createHarness();
  const topic = await createTopic();
  await close();
  await expect(log.publish(numbered(topic, 1))).rejects.toMatchObject({ code: 'LOG_CLOSED' });
  await expect(watch(log, topic)).rejects.toMatchObject({ code: 'LOG_CLOSED' });
  await expect(log.ping()).rejects.toMatchObject({ code: 'LOG_CLOSED' });
});
