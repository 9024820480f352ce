import { expect, it } from 'vitest';
import {
  createGate,
  type LogHarness,
  newGroup,
  numbered,
  range,
  record,
  resolveAll,
  texts,
  until,
  watch,
} from './consumers.js';

export function describeConsuming(current: () => LogHarness): void {
  batches(current);
  offsets(current);
  crashes(current);
  seeks(current);
  stopping(current);
  concurrency(current);
}

function batches(current: () => LogHarness): void {
  it('gives batches of one partition in offset order, with the high watermark', async () => {
    const { log, topic: createTopic } = current();
    const topic = await createTopic(2);
    await log.publish(numbered(topic, 60));
    const watched = await watch(log, topic);
    await until('all records are seen', () => watched.seen.length >= 60);
    for (const batch of watched.batches) {
      const first = batch.records[0]?.offset ?? -1;
      expect(batch.topic).toBe(topic);
      expect(batch.records.map(({ offset }) => offset)).toEqual(range(batch.records.length, first));
      expect(batch.highWatermark).toBeGreaterThanOrEqual(first + batch.records.length);
    }
    await watched.consumer.stop();
  });
}

function offsets(current: () => LogHarness): void {
  it('goes on after a stop where it ended', async () => {
    const { log, topic: createTopic } = current();
    const [topic, group] = [await createTopic(1), newGroup()];
    await log.publish(numbered(topic, 10));
    const first = await watch(log, topic, { group });
    await until('the first ten are seen', () => first.seen.length === 10);
    await first.consumer.stop();
    await log.publish(numbered(topic, 5, 10));
    const second = await watch(log, topic, { group });
    await until('the others are seen', () => second.seen.length >= 5);
    expect(texts(second.seen)).toEqual(range(5, 10).map(String));
    await second.consumer.stop();
  });

  it('delivers again, to the next consumer, what was not resolved before a stop', async () => {
    const { log, topic: createTopic } = current();
    const [topic, group] = [await createTopic(1), newGroup()];
    await log.publish(numbered(topic, 10));
    const first = await watch(log, topic, { group, onBatch: ({ signal }) => untilAborted(signal) });
    await until('it is in hand', () => first.seen.length === 10);
    await first.consumer.stop();
    const second = await watch(log, topic, { group });
    await until('it came again', () => second.seen.length >= 10);
    expect(texts(second.seen)).toEqual(range(10).map(String));
    await second.consumer.stop();
  });

  it('goes on within a batch after the last record that was resolved', async () => {
    const { log, topic: createTopic } = current();
    const topic = await createTopic(1);
    await log.publish(numbered(topic, 10));
    const onlyFour = (offset: number): number => Math.min(offset, 3);
    const watched = await watch(log, topic, {
      onBatch: (batch) => {
        const last = batch.records.at(-1)?.offset ?? -1;
        batch.resolve(watched.batches.length === 1 ? onlyFour(last) : last);
      },
    });
    await until('the rest came', () => watched.seen.at(-1)?.offset === 9 && watched.batches.length > 1);
    expect(watched.batches[1]?.records[0]?.offset).toBe(4);
    await watched.consumer.stop();
  });
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

function crashes(current: () => LogHarness): void {
  it.each([
    ['an error', new Error('the handler is broken')],
    ['a TypeError', new TypeError('undefined is not a function')],
  ])('ends in onCrash when the handler throws %s, once, and delivers nothing more', async (_, thrown) => {
    const { log, topic: createTopic } = current();
    const topic = await createTopic(4);
    await log.publish(numbered(topic, 40));
    const watched = await watch(log, topic, { onBatch: () => Promise.reject(thrown) });
    await until('it crashed', () => watched.crashes.length > 0);
    await watched.consumer.stop();
    expect(watched.crashes).toEqual([thrown]);
    expect(watched.crashes[0]).toBe(thrown);
    expect(watched.batches).toHaveLength(1);
    expect(watched.batches[0]?.signal.aborted).toBe(true);
    expect(watched.assigned()).toEqual([]);
  });

  it('delivers again after a crash, to another member', async () => {
    const { log, topic: createTopic } = current();
    const [topic, group] = [await createTopic(1), newGroup()];
    await log.publish(numbered(topic, 10));
    const first = await watch(log, topic, { group, onBatch: () => Promise.reject(new Error('broken')) });
    await until('it crashed', () => first.crashes.length > 0);
    const second = await watch(log, topic, { group });
    await until('it came again', () => second.seen.length >= 10);
    expect(texts(second.seen)).toEqual(range(10).map(String));
    await second.consumer.stop();
  });
}

function seeks(current: () => LogHarness): void {
  it('continues where a seek points, back and forth', async () => {
    const { log, topic: createTopic } = current();
    const topic = await createTopic(1);
    await log.publish(numbered(topic, 10));
    const targets = [0, 7];
    const watched = await watch(log, topic, {
      onBatch: (batch) => {
        resolveAll(batch);
        const target = targets.shift();
        if (target !== undefined) batch.seek(target);
      },
    });
    await until('three batches came', () => watched.batches.length === 3);
    expect(watched.batches.map(({ records }) => records[0]?.offset)).toEqual([0, 0, 7]);
    await log.publish([record(topic, 'k', 'new')]);
    await until('it goes on at the end', () => watched.seen.at(-1)?.text === 'new');
    expect(watched.batches.at(-1)?.records[0]?.offset).toBe(10);
    await watched.consumer.stop();
  });
}

function stopping(current: () => LogHarness): void {
  it('waits at a stop for the batch in hand, tells it, and counts what it resolved', async () => {
    const { log, topic: createTopic } = current();
    const [topic, group, gate] = [await createTopic(1), newGroup(), createGate()];
    await log.publish(numbered(topic, 3));
    const watched = await watch(log, topic, {
      group,
      onBatch: async (batch) => {
        await gate.passed;
        resolveAll(batch);
      },
    });
    await until('it is in hand', () => watched.batches.length === 1);
    let isStopped = false;
    const stopped = watched.consumer.stop().then(() => {
      isStopped = true;
    });
    await until('the batch was told', () => watched.batches[0]?.signal.aborted === true);
    expect(isStopped).toBe(false);
    gate.open();
    await stopped;
    await log.publish([record(topic, 'k', 'next')]);
    const after = await watch(log, topic, { group });
    await until('only the next one comes', () => after.seen.length > 0);
    expect(texts(after.seen)).toEqual(['next']);
    await after.consumer.stop();
  });

  it('can be stopped twice', async () => {
    const { log, topic: createTopic } = current();
    const { consumer } = await watch(log, await createTopic(1));
    await Promise.all([consumer.stop(), consumer.stop()]);
    await expect(consumer.stop()).resolves.toBeUndefined();
  });
}

function concurrency(current: () => LogHarness): void {
  it.each([1, 3])('handles %i partitions at once, each by one handler', async (limit) => {
    const { log, topic: createTopic } = current();
    const [topic, gate] = [await createTopic(3), createGate()];
    const inHand: number[] = [];
    let most = 0;
    await log.publish(numbered(topic, 60));
    const { seen, consumer } = await watch(log, topic, {
      concurrency: limit,
      onBatch: async (batch) => {
        expect(inHand).not.toContain(batch.partition);
        inHand.push(batch.partition);
        most = Math.max(most, inHand.length);
        if (most === limit) gate.open();
        await gate.passed;
        resolveAll(batch);
        inHand.splice(inHand.indexOf(batch.partition), 1);
      },
    });
    await until('all records are seen', () => seen.length >= 60);
    await consumer.stop();
    expect(most).toBe(limit);
  });
}
