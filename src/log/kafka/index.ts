/** The log on Kafka, by kafkajs 2.2.4. */
import { LogError } from '../errors.js';
import type { ConsumeOptions, Consumer, Log } from '../port.js';
import { createAdmin, type KafkaAdmin } from './admin.js';
import { createClient, type KafkaLogOptions, settle } from './client.js';
import { startConsumer } from './consumer.js';
import { isTransient } from './errors.js';
import { patchFetch } from './fetch.js';
import { patchMetadata } from './metadata.js';
import { patchRequestQueue } from './patch.js';
import { patchProduce } from './produce.js';
import { createProducer } from './producer.js';
import { patchRecords } from './record.js';

export type { ClientLogLine, KafkaLogOptions } from './client.js';

/**
 * A log on the brokers given. Connects when it is first used, and again after every loss.
 * `publish` and the admin calls reject with a `LogError` within about 10 s of an outage. `consume` rejects when the
 * topic does not exist; where no broker answers it resolves and goes on trying until `stop`.
 */
export function createKafkaLog(options: KafkaLogOptions): Log {
  const settings = settle(options);
  if (!(patchRequestQueue() && patchRecords() && patchProduce() && patchFetch() && patchMetadata())) {
    settings.onClientLog({ level: 'warn', message: 'This kafkajs is not the one the patch is for.', fields: {} });
  }
  const kafka = createClient(settings, 30_000);
  const impatient = createClient(settings, 8_000);
  const admin = createAdmin(impatient, settings);
  const producer = createProducer(impatient, settings);
  const consumers = new Map<Consumer, ConsumeOptions>();
  let closed = false;

  return {
    publish: producer.publish,
    async consume(wanted) {
      if (closed) throw new LogError('LOG_CLOSED', 'The log is closed.');
      checkGroup(consumers.values(), wanted);
      await checkTopic(admin, wanted.topic);
      const consumer = startConsumer({ kafka, settings, ping: admin.ping }, wanted);
      consumers.set(consumer, wanted);
      return {
        async stop() {
          await consumer.stop();
          consumers.delete(consumer);
        },
      };
    },
    createTopics: admin.createTopics,
    partitionCounts: admin.partitionCounts,
    watermarks: admin.watermarks,
    ping: admin.ping,
    async close() {
      closed = true;
      await Promise.allSettled([...consumers.keys()].map((consumer) => consumer.stop()));
      await producer.close();
      await admin.close();
    },
  };
}

/** kafkajs' assigner leaves partitions unread when members of a group want different topics. */
function checkGroup(others: Iterable<ConsumeOptions>, wanted: ConsumeOptions): void {
  for (const { group, topic } of others) {
    if (group === wanted.group && topic !== wanted.topic) {
      throw new LogError('GROUP_TOPIC', `Group ${group} consumes ${topic} already; one topic a group.`);
    }
  }
}

async function checkTopic(admin: KafkaAdmin, topic: string): Promise<void> {
  try {
    const counts = await admin.partitionCounts([topic]);
    if (!counts.has(topic)) throw new LogError('TOPIC_UNKNOWN', `Topic ${topic} does not exist.`);
  } catch (error) {
    if (!isTransient(error)) throw error;
  }
}
