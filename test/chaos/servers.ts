/** Postgres and Kafka of a run, with or without a network in between that can be made a bad one. */
import { Kafka, logLevel } from 'kafkajs';
import { startKafka } from '../../src/testing/services/kafka.js';
import { startLocalKafka } from '../../src/testing/services/kafka-local.js';
import { startPostgres } from '../../src/testing/services/postgres.js';
import type { Service } from '../../src/testing/services/service.js';
import { Link } from './proxy.js';

export interface Links {
  readonly postgres: Link;
  readonly kafka: Link;
}

export interface Servers {
  readonly postgres: Service;
  readonly kafka: Service;
  readonly links: Links | undefined;
  readonly postgresUrl: string; // as the product's processes reach it
  readonly kafkaAddress: string;
  stop(): Promise<void>;
}

/** Starts both. With links Kafka has to run on the local Java: the broker must tell clients the link's address. */
export async function startServers(linked: boolean): Promise<Servers> {
  if (linked) return startLinked();
  const [postgres, kafka] = await Promise.all([startPostgres({ own: true }), startKafka({ own: true })]);
  const stop = async () => void (await Promise.all([postgres.stop(), kafka.stop()]));
  return { postgres, kafka, links: undefined, postgresUrl: postgres.address, kafkaAddress: kafka.address, stop };
}

async function startLinked(): Promise<Servers> {
  const links = { postgres: await Link.open(), kafka: await Link.open() };
  const [postgres, kafka] = await Promise.all([startPostgres({ own: true }), startLinkedKafka(links.kafka)]);
  const url = new URL(postgres.address);
  links.postgres.leadTo(url.host);
  url.host = links.postgres.address;
  const stop = async () => {
    links.postgres.close();
    links.kafka.close();
    await Promise.all([postgres.stop(), kafka.stop()]);
  };
  return { postgres, kafka, links, postgresUrl: url.href, kafkaAddress: links.kafka.address, stop };
}

// One node, quick groups; a crashed broker is forgotten after 3 s.
const SETTINGS = {
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '4',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'group.initial.rebalance.delay.ms': '0',
  'broker.session.timeout.ms': '3000',
  'broker.heartbeat.interval.ms': '500',
  'auto.create.topics.enable': 'false',
};

function startLinkedKafka(link: Link): Promise<Service> {
  const advertised = { 'advertised.listeners': `PLAINTEXT://${link.address}` };
  return startLocalKafka({ ...SETTINGS, ...advertised }, async (address) => {
    link.leadTo(address);
    const admin = new Kafka({ brokers: [link.address], logLevel: logLevel.NOTHING, retry: { retries: 0 } }).admin();
    try {
      await admin.connect();
      await admin.listTopics();
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
  });
}
