import { Kafka, logLevel } from 'kafkajs';
import { startContainer } from './docker.js';
import { startLocalKafka } from './kafka-local.js';
import { freePort } from './process.js';
import { firstThatWorks, given, type Service, type StartOptions } from './service.js';

// One node, quick groups, no topic by accident; a crashed broker is forgotten after 3 s, not 9.
const SETTINGS: Readonly<Record<string, string>> = {
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '4',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '4',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'group.initial.rebalance.delay.ms': '0',
  'broker.session.timeout.ms': '3000',
  'broker.heartbeat.interval.ms': '500',
  'auto.create.topics.enable': 'false',
};

/**
 * A real Kafka 4: TEST_KAFKA_BOOTSTRAP_SERVERS, else a container, else the broker's jars on the local Java.
 * @throws ServiceUnavailable when this machine offers none.
 */
export function startKafka(options: StartOptions = {}): Promise<Service> {
  const variable = 'TEST_KAFKA_BOOTSTRAP_SERVERS';
  return firstThatWorks('Kafka', [
    ...(options.own ? [] : [{ name: variable, start: () => given(variable, process.env[variable], answers) }]),
    { name: 'Docker', start: inContainer },
    { name: 'Java', start: () => startLocalKafka(SETTINGS, answers) },
  ]);
}

async function inContainer(): Promise<Service> {
  const port = await freePort();
  const settings = {
    'node.id': '1',
    'process.roles': 'broker,controller',
    'controller.quorum.voters': '1@localhost:9093',
    listeners: 'PLAINTEXT://:9092,CONTROLLER://:9093',
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    ...SETTINGS,
  };
  const variables = Object.entries(settings).map(([name, value]) => [
    `KAFKA_${name.toUpperCase().replaceAll('.', '_')}`,
    value,
  ]);
  return startContainer({
    image: 'apache/kafka:4.3.0',
    address: `127.0.0.1:${port}`,
    port: { container: 9092, host: port },
    says: /Kafka Server started/,
    environment: Object.fromEntries(variables),
    probe: answers,
  });
}

// It answers when it names a broker: before, topics cannot be created.
async function answers(address: string): Promise<void> {
  const kafka = new Kafka({
    brokers: address.split(','),
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
    connectionTimeout: 2_000,
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    const { brokers, controller } = await admin.describeCluster();
    if (brokers.length === 0 || controller === null || controller < 0)
      throw new Error(`${address} names no broker yet`);
  } finally {
    await admin.disconnect();
  }
}
