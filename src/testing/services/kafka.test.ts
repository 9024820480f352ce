import { randomUUID } from 'node:crypto';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { expect, it } from 'vitest';
import { requireService } from './require.js';

const broker = requireService('kafka');

broker.describe('the test broker', () => {
  it('gives back what was sent, in order', async () => {
    const kafka = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING });
    const topic = `smoke-${randomUUID()}`;
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
    await admin.disconnect();

    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    await producer.send({ topic, acks: -1, messages: ['one', 'two', 'three'].map((value) => ({ key: 'k', value })) });
    await producer.disconnect();

    const consumer = kafka.consumer({ groupId: topic });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    const values = await new Promise<string[]>((done, fail) => {
      const seen: string[] = [];
      const eachMessage = async ({ message }: { message: { value: Buffer | null } }) => {
        seen.push(String(message.value));
        if (seen.length === 3) done(seen);
      };
      consumer.run({ eachMessage }).catch(fail);
    });
    await consumer.disconnect();
    expect(values).toEqual(['one', 'two', 'three']);
  });
});
