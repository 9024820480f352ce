import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import {
  createGate,
  numbered,
  range,
  record,
  resolveAll,
  texts,
  until,
  watch,
} from '../../testing/log-contract/consumers.js';
import { describeLogContract, type LogHarness } from '../../testing/log-contract.js';
import { requireService } from '../../testing/services/require.js';
import { type ClientLogLine, createKafkaLog, type KafkaLogOptions } from './index.js';

const broker = requireService('kafka');

/** Quick heartbeats, so that members of a group hear of each other soon. */
function createHarness(options: Partial<KafkaLogOptions> = {}): LogHarness {
  const log = createKafkaLog({
    brokers: [broker.address],
    clientId: 'contract',
    sessionTimeoutMs: 6_000,
    heartbeatIntervalMs: 200,
    ...options,
  });
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

broker.describe('the log on a real Kafka', () => {
  describeLogContract('the contract', async () => createHarness());

  it('splits a publish that is larger than a batch may be', async () => {
    const { log, topic: createTopic, close } = createHarness();
    const topic = await createTopic();
    const text = 'x'.repeat(1_000);
    await log.publish(range(2_500).map((i) => record(topic, 'k', `${i} ${text}`)));
    const { seen } = await watch(log, topic);
    await until('all records are seen', () => seen.length >= 2_500);
    expect(texts(seen).map((one) => Number(one.split(' ')[0]))).toEqual(range(2_500));
    await close();
  });

  it('refuses a record that the broker finds too large, and only that one', async () => {
    const { log, topic: createTopic, close } = createHarness();
    const topic = await createTopic();
    const large = log.publish([record(topic, 'k', 'x'.repeat(1_500_000))]);
    const small = log.publish([record(topic, 'k', 'small')]);
    await expect(large).rejects.toMatchObject({ code: 'RECORD_TOO_LARGE' });
    await expect(small).resolves.toBeUndefined();
    await close();
  });

  it('says when a batch does not end in time at a stop', async () => {
    const { log, topic: createTopic, close } = createHarness({ stopTimeoutMs: 200 });
    const [topic, gate] = [await createTopic(), createGate()];
    await log.publish(numbered(topic, 1));
    const { batches, consumer } = await watch(log, topic, { onBatch: () => gate.passed });
    await until('it is in hand', () => batches.length === 1);
    await expect(consumer.stop()).rejects.toMatchObject({ code: 'STOP_TIMEOUT' });
    gate.open();
    await close();
  });

  it('refuses everything once it is closed', async () => {
    const { log, topic: createTopic, close } = createHarness();
    const topic = await createTopic();
    await close();
    await expect(log.publish(numbered(topic, 1))).rejects.toMatchObject({ code: 'LOG_CLOSED' });
    await expect(watch(log, topic)).rejects.toMatchObject({ code: 'LOG_CLOSED' });
    await expect(log.ping()).rejects.toMatchObject({ code: 'LOG_CLOSED' });
  });

  it('keeps a member whose handler works longer than a session', async () => {
    const { log, topic: createTopic, close } = createHarness();
    const topic = await createTopic();
    await log.publish(numbered(topic, 1));
    const staleAtEnd: boolean[] = [];
    const { batches, crashes } = await watch(log, topic, {
      onBatch: async (batch) => {
        const start = performance.now();
        const ms = staleAtEnd.length === 0 ? 7_000 : 0;
        await until('a session has passed', () => performance.now() - start >= ms);
        staleAtEnd.push(batch.isStale());
        resolveAll(batch);
      },
    });
    await until('the long batch is done', () => staleAtEnd.length === 1);
    await log.publish(numbered(topic, 1, 1));
    await until('the next one comes, the first not again', () => batches.length === 2);
    expect(batches[1]?.records.map(({ offset }) => offset)).toEqual([1]);
    expect(staleAtEnd[0]).toBe(false);
    expect(crashes).toEqual([]);
    await close();
  });

  it('logs names and numbers of the client, never what a handler or a record carries', async () => {
    const lines: ClientLogLine[] = [];
    const { log, topic: createTopic, close } = createHarness({ onClientLog: (line) => lines.push(line) });
    const topic = await createTopic();
    await log.publish([{ topic, key: 'SECRET-key', value: 'SECRET-value', headers: { h: 'SECRET-header' } }]);
    const onBatch = () => Promise.reject(new Error('SECRET-error: insert failed, parameters …'));
    const { crashes } = await watch(log, topic, { onBatch });
    await until('it crashed', () => crashes.length > 0);
    await close();
    expect(lines.map(({ message }) => message)).toContainEqual(expect.stringContaining('Crash'));
    expect(JSON.stringify(lines)).not.toContain('SECRET');
  });
});

it('asks for a heartbeat of at most a third of the session', () => {
  const options = { brokers: ['localhost:9092'], clientId: 'x', sessionTimeoutMs: 6_000, heartbeatIntervalMs: 3_000 };
  expect(() => createKafkaLog(options)).toThrow('third');
});
