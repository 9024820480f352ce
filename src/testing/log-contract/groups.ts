import { expect, it } from 'vitest';
import { partitionOf } from '../../log/partitioner.js';
import type { Batch } from '../../log/port.js';
import {
  createGate,
  type LogHarness,
  newGroup,
  numbered,
  numbers,
  range,
  record,
  resolveAll,
  texts,
  until,
  watch,
} from './consumers.js';

export function describeGroups(current: () => LogHarness): void {
  independence(current);
  rebalance(current);
  staleness(current);
}

function independence(current: () => LogHarness): void {
  it('gives every group everything', async () => {
    const { log, topic: createTopic } = current();
    const topic = await createTopic(2);
    const [one, two] = [await watch(log, topic), await watch(log, topic)];
    await log.publish(numbered(topic, 100));
    await until('both have all', () => one.seen.length >= 100 && two.seen.length >= 100);
    expect(numbers(one.seen)).toEqual(range(100));
    expect(numbers(two.seen)).toEqual(range(100));
    await Promise.all([one.consumer.stop(), two.consumer.stop()]);
  });

  it('refuses a group a second topic', async () => {
    const { log, topic: createTopic } = current();
    const group = newGroup();
    const { consumer } = await watch(log, await createTopic(1), { group });
    const other = await createTopic(1);
    await expect(watch(log, other, { group })).rejects.toMatchObject({ code: 'GROUP_TOPIC' });
    await consumer.stop();
  });
}

function rebalance(current: () => LogHarness): void {
  it('shares the partitions when a member joins and gives them back when it leaves; nothing is lost', async () => {
    const { log, topic: createTopic } = current();
    const [topic, group] = [await createTopic(6), newGroup()];
    const held: number[] = [];
    const clashes: number[] = [];
    const onBatch = async (batch: Batch): Promise<void> => {
      if (held.includes(batch.partition)) clashes.push(batch.partition);
      held.push(batch.partition);
      await new Promise((resolve) => setImmediate(resolve));
      resolveAll(batch);
      held.splice(held.indexOf(batch.partition), 1);
    };
    const options = { group, concurrency: 2, onBatch };
    const one = await watch(log, topic, options);
    await until('the first has all', () => one.assigned().length === 6);
    let published = 0;
    const publishMore = async (): Promise<void> => {
      await log.publish(numbered(topic, 100, published));
      published += 100;
    };
    await publishMore();
    const two = await watch(log, topic, options);
    await publishMore();
    await until('both have three', () => one.assigned().length === 3 && two.assigned().length === 3);
    expect([...one.assigned(), ...two.assigned()].sort()).toEqual(range(6));
    await publishMore();
    await until('all are seen', () => new Set([...numbers(one.seen), ...numbers(two.seen)]).size === published);
    expect(two.seen.length).toBeGreaterThan(0);

    await two.consumer.stop();
    expect(two.assigned()).toEqual([]);
    await publishMore();
    await until('the first has all again', () => one.assigned().length === 6);
    await until('all are seen', () => new Set([...numbers(one.seen), ...numbers(two.seen)]).size === published);
    expect(clashes).toEqual([]);
    await one.consumer.stop();
  });
}

function staleness(current: () => LogHarness): void {
  it('tells a batch that its partition is about to move; what it resolves still counts', async () => {
    const { log, topic: createTopic } = current();
    const [topic, group, gate] = [await createTopic(1), newGroup(), createGate()];
    await log.publish(numbered(topic, 5));
    const one = await watch(log, topic, {
      group,
      onBatch: async (batch) => {
        await gate.passed;
        resolveAll(batch);
      },
    });
    await until('it is in hand', () => one.batches.length === 1);
    expect(one.batches[0]?.isStale()).toBe(false);
    const two = await watch(log, topic, { group });
    await until('it is stale', () => one.batches[0]?.isStale() === true);
    gate.open();
    await until('one of them has the partition', () => one.assigned().length + two.assigned().length === 1);
    await log.publish(numbered(topic, 1, 5));
    await until('the sixth is seen', () => one.seen.length + two.seen.length >= 6);
    expect([...texts(one.seen), ...texts(two.seen)].sort()).toEqual(range(6).map(String));
    await Promise.all([one.consumer.stop(), two.consumer.stop()]);
  });

  it('lets a batch resolve nothing once its partition is gone', async () => {
    const { log, topic: createTopic } = current();
    const [topic, group] = [await createTopic(2), newGroup()];
    await log.publish(numbered(topic, 20));
    const one = await watch(log, topic, { group, concurrency: 2 });
    await until('all are seen', () => one.seen.length >= 20);
    const two = await watch(log, topic, { group });
    await until('they share', () => one.assigned().length === 1 && two.assigned().length === 1);
    const late = one.batches.find(({ partition }) => partition === one.assigned()[0]) as Batch;
    expect(late.isStale()).toBe(true);
    late.resolve(1_000); // of a life before: an offset that is not there would start the partition anew
    late.seek(1_000);
    await log.publish(numbered(topic, 20, 20));
    await until('what follows is seen', () => new Set([...numbers(one.seen), ...numbers(two.seen)]).size === 40);
    expect([...numbers(one.seen), ...numbers(two.seen)]).toHaveLength(40);
    await Promise.all([one.consumer.stop(), two.consumer.stop()]);
  });

  it('does not let a member move the offset of a partition that another one has', async () => {
    const { log, topic: createTopic } = current();
    const [topic, group] = [await createTopic(2), newGroup()];
    const keysOf = (partition: number): string[] =>
      range(40)
        .map(String)
        .filter((key) => partitionOf(key, 2) === partition);
    await log.publish(range(40).map((i) => record(topic, String(i), 'old')));
    const one = await watch(log, topic, { group, concurrency: 2 });
    await until('all are seen', () => one.seen.length >= 40);
    const two = await watch(log, topic, { group });
    await until('they share', () => one.assigned().length === 1 && two.assigned().length === 1);
    const lost = one.batches.find(({ partition }) => partition === two.assigned()[0]) as Batch;
    lost.resolve(1_000); // would go with the first member's next commit
    await log.publish(keysOf(one.assigned()[0] as number).map((key) => record(topic, key, 'new')));
    await until('the first member goes on', () => one.seen.at(-1)?.text === 'new');
    await Promise.all([one.consumer.stop(), two.consumer.stop()]);
    const three = await watch(log, topic, { group });
    await log.publish(range(40).map((i) => record(topic, String(i), 'newest')));
    await until('both partitions go on', () => three.seen.filter(({ text }) => text === 'newest').length === 40);
    expect(three.seen).toHaveLength(40);
    await three.consumer.stop();
  });
}
