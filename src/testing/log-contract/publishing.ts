import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { partitionOf } from '../../log/partitioner.js';
import { type LogHarness, numbered, numbers, range, record, texts, until, watch } from './consumers.js';

export function describePublishing(current: () => LogHarness): void {
  order(current);
  content(current);
  refusals(current);
  topics(current);
}

function order(current: () => LogHarness): void {
  it('keeps the order of every key, however many publish at once', async () => {
    const { log, topic: createTopic } = current();
    const topic = await createTopic(4);
    const keys = range(40).map((key) => `tenant:${key}`);
    const publishes = range(30).map((round) => log.publish(keys.map((key) => record(topic, key, `${round}`))));
    await Promise.all(publishes);
    const { seen, consumer } = await watch(log, topic, { concurrency: 4 });
    await until('all records are seen', () => seen.length === 1_200);
    for (const key of keys) {
      const own = seen.filter((one) => one.key === key);
      expect(texts(own)).toEqual(range(30).map(String));
      expect(new Set(own.map(({ partition }) => partition))).toEqual(new Set([partitionOf(key, 4)]));
    }
    await consumer.stop();
  });

  it('delivers 2,000 records of one publish, each once, offsets without a gap', async () => {
    const { log, topic: createTopic } = current();
    const topic = await createTopic(3);
    await log.publish(numbered(topic, 2_000));
    const { seen, consumer } = await watch(log, topic, { concurrency: 3 });
    await until('all records are seen', () => seen.length >= 2_000);
    expect(numbers(seen)).toEqual(range(2_000));
    for (const partition of range(3)) {
      const offsets = seen.filter((one) => one.partition === partition).map(({ offset }) => offset);
      expect(offsets).toEqual(range(offsets.length));
    }
    await consumer.stop();
  });

  it('delivers what is published to several topics at once to each of them', async () => {
    const { log, topic: createTopic } = current();
    const [one, two] = [await createTopic(1), await createTopic(1)];
    await log.publish([record(one, 'k', '1'), record(two, 'k', '2'), record(one, 'k', '3')]);
    const [first, second] = [await watch(log, one), await watch(log, two)];
    await until('both topics are read', () => first.seen.length === 2 && second.seen.length === 1);
    expect([texts(first.seen), texts(second.seen)]).toEqual([['1', '3'], ['2']]);
    await Promise.all([first.consumer.stop(), second.consumer.stop()]);
  });
}

function content(current: () => LogHarness): void {
  it('gives back keys, headers and bytes as they were', async () => {
    const { log, topic: createTopic } = current();
    const topic = await createTopic(1);
    const bytes = Buffer.from([0, 255, 128, 10, 13, 0xc3, 0x28]);
    const headers = { ce_id: 'a-1', ce_type: 'Ünïcode ✓', empty: '' };
    await log.publish([
      { topic, key: 'tenant:ä', value: '{"text":"ä ✓"}', headers },
      { topic, key: null, value: bytes, headers: {} },
      { topic, key: 'tombstone', value: null, headers: {} },
      { topic, key: '', value: '', headers: {} },
    ]);
    const { seen, consumer } = await watch(log, topic);
    await until('all records are seen', () => seen.length === 4);
    expect(seen.map(({ key, value, headers, offset }) => ({ key, value, headers, offset }))).toEqual([
      { key: 'tenant:ä', value: Buffer.from('{"text":"ä ✓"}'), headers, offset: 0 },
      { key: null, value: bytes, headers: {}, offset: 1 },
      { key: 'tombstone', value: null, headers: {}, offset: 2 },
      { key: '', value: Buffer.from(''), headers: {}, offset: 3 },
    ]);
    await consumer.stop();
  });

  it('spreads records without a key over the partitions', async () => {
    const { log, topic: createTopic } = current();
    const topic = await createTopic(2);
    await log.publish(range(10).map((i) => record(topic, null, String(i))));
    const ends = (await log.watermarks(topic)).map(({ high }) => high);
    expect(Math.min(...ends)).toBeGreaterThan(2); // not exactly half: a publish whose answer is lost is repeated
  });

  it('shows nothing of what a publisher or a consumer does to its records later', async () => {
    const { log, topic: createTopic } = current();
    const topic = await createTopic(1);
    const value = Buffer.from('before');
    const headers: Record<string, string> = { h: 'before' };
    await log.publish([{ topic, key: 'k', value, headers }]);
    value.write('AFTER!');
    headers.h = 'AFTER!';
    const spoiling = await watch(log, topic, { onBatch: ({ records }) => void records[0]?.value?.write('AFTER!') });
    await until('the first group has it', () => spoiling.seen.length > 0);
    const { seen, consumer } = await watch(log, topic);
    await until('the second group has it', () => seen.length > 0);
    expect(seen[0]).toMatchObject({ text: 'before', headers: { h: 'before' } });
    await Promise.all([spoiling.consumer.stop(), consumer.stop()]);
  });
}

function refusals(current: () => LogHarness): void {
  it('refuses an unknown topic, and what is published beside it arrives', async () => {
    const { log, topic: createTopic } = current();
    const topic = await createTopic(1);
    const absent = `absent-${randomUUID()}`;
    const outcomes = await Promise.allSettled([
      log.publish([record(topic, 'k', '1')]),
      log.publish([record(absent, 'k', '2')]),
      log.publish([record(topic, 'k', '3')]),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: { name: 'LogError', code: 'TOPIC_UNKNOWN' } });
    await expect(log.consume(nobody(absent))).rejects.toMatchObject({ code: 'TOPIC_UNKNOWN' });
    await expect(log.watermarks(absent)).rejects.toMatchObject({ code: 'TOPIC_UNKNOWN' });
    const { seen, consumer } = await watch(log, topic);
    await until('the others have arrived', () => seen.length >= 2);
    expect(new Set(texts(seen))).toEqual(new Set(['1', '3']));
    await consumer.stop();
  });

  it('takes an empty publish for done', async () => {
    await expect(current().log.publish([])).resolves.toBeUndefined();
  });
}

const nobody = (topic: string) => ({
  topic,
  group: randomUUID(),
  concurrency: 1,
  onBatch: async (): Promise<void> => undefined,
  onCrash: (): void => undefined,
});

function topics(current: () => LogHarness): void {
  it('creates the topics that are missing and leaves the others alone', async () => {
    const { log, topic: createTopic } = current();
    const [there, missing, absent] = [await createTopic(2), `new-${randomUUID()}`, `absent-${randomUUID()}`];
    const wanted = [
      { topic: there, partitions: 5 },
      { topic: missing, partitions: 3 },
    ];
    expect(await log.createTopics(wanted)).toEqual([missing]);
    expect(await log.createTopics(wanted)).toEqual([]);
    const counts = await log.partitionCounts([there, missing, absent]);
    expect(Object.fromEntries(counts)).toEqual({ [there]: 2, [missing]: 3 });
    await log.ping();
  });

  it('tells the watermarks of each partition, in order', async () => {
    const { log, topic: createTopic } = current();
    const topic = await createTopic(3);
    expect(await log.watermarks(topic)).toEqual(range(3).map((partition) => ({ partition, low: 0, high: 0 })));
    await log.publish(numbered(topic, 50));
    const keys = range(50).map((i) => partitionOf(`key-${i}`, 3));
    const high = (partition: number): number => keys.filter((own) => own === partition).length;
    expect(await log.watermarks(topic)).toEqual(
      range(3).map((partition) => ({ partition, low: 0, high: high(partition) })),
    );
  });
}
