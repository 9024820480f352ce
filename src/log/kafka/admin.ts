/** Topics, watermarks and the broker's health, over one shared connection that is made when it is first needed. */
import type { Admin, Kafka } from 'kafkajs';
import { LogError } from '../errors.js';
import type { TopicSpec, Watermarks } from '../port.js';
import { delay, withDeadline } from '../waiting.js';
import type { Settings } from './client.js';
import { isTransient, isUnknownTopic, toLogError } from './errors.js';

const ANSWER_MS = 8_000;
const QUICK_MS = 1_000;
const KNOWN_MS = 50;

export interface KafkaAdmin {
  createTopics(topics: readonly TopicSpec[]): Promise<readonly string[]>;
  partitionCounts(topics: readonly string[]): Promise<ReadonlyMap<string, number>>;
  watermarks(topic: string): Promise<readonly Watermarks[]>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

export function createAdmin(kafka: Kafka, settings: Settings): KafkaAdmin {
  const use = createConnection(kafka);
  return {
    createTopics: (topics) => createMissing(use.run, topics, settings),
    partitionCounts: (topics) => use.run((admin) => countPartitions(admin, topics)),
    watermarks: (topic) => use.run((admin) => readWatermarks(admin, topic)),
    ping: () => use.run(async (admin) => void (await admin.describeCluster())),
    close: use.close,
  };
}

type Run = <T>(work: (admin: Admin) => Promise<T>) => Promise<T>;

function createConnection(kafka: Kafka): { run: Run; close(): Promise<void> } {
  let current: Promise<Admin> | undefined;
  let isClosed = false;

  async function connect(): Promise<Admin> {
    const admin = kafka.admin();
    await admin.connect();
    return admin;
  }
  async function drop(): Promise<void> {
    const dropped = current;
    current = undefined;
    await dropped?.then((admin) => admin.disconnect()).catch(() => undefined);
  }
  async function once<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    current ??= connect();
    const late = (): LogError => new LogError('LOG_UNAVAILABLE', `Kafka did not answer within ${ANSWER_MS} ms.`);
    try {
      return await withDeadline(current.then(work), ANSWER_MS, late);
    } catch (error) {
      void drop(); // whatever state it is in, the next call gets a clean one
      throw toLogError(error);
    }
  }
  async function run<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    if (isClosed) throw new LogError('LOG_CLOSED', 'The log is closed.');
    const reused = current !== undefined;
    const start = performance.now();
    try {
      return await once(work);
    } catch (error) {
      // A connection that the broker closed while it lay idle fails at once; a broker that hangs is not asked twice.
      if (!reused || !isTransient(error) || performance.now() - start > QUICK_MS) throw error;
      return once(work);
    }
  }
  const close = (): Promise<void> => {
    isClosed = true;
    return drop();
  };
  return { run, close };
}

async function countPartitions(admin: Admin, topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const existing = new Set(await admin.listTopics());
  const wanted = topics.filter((topic) => existing.has(topic));
  if (wanted.length === 0) return new Map();
  const metadata = await admin.fetchTopicMetadata({ topics: wanted });
  return new Map(metadata.topics.map(({ name, partitions }) => [name, partitions.length]));
}

async function createMissing(run: Run, topics: readonly TopicSpec[], settings: Settings): Promise<readonly string[]> {
  const names = topics.map(({ topic }) => topic);
  const existing = await run((admin) => countPartitions(admin, names));
  const created: string[] = [];
  const { replicationFactor, topicConfig } = settings;
  const configEntries = Object.entries(topicConfig).map(([name, value]) => ({ name, value }));
  // One at a time: kafkajs tells of several only whether all of them were created.
  for (const { topic, partitions } of topics) {
    if (existing.has(topic)) continue;
    const replicas = replicationFactor === undefined ? {} : { replicationFactor };
    const spec = { topic, numPartitions: partitions, configEntries, ...replicas };
    if (await run((admin) => admin.createTopics({ topics: [spec], waitForLeaders: false }))) created.push(topic);
  }
  if (created.length > 0) await run((admin) => untilKnown(admin, created));
  return created;
}

/**
 * A broker under load does not know for a moment what it has just created, and a partition of it may have no leader yet,
 * so that half of a first batch would be refused and then repeated. kafkajs' own wait gives up on the first.
 */
async function untilKnown(admin: Admin, topics: readonly string[]): Promise<void> {
  const until = performance.now() + ANSWER_MS;
  for (;;) {
    try {
      await admin.fetchTopicMetadata({ topics: [...topics] });
      for (const topic of topics) await admin.fetchTopicOffsets(topic); // each leader answers
      return;
    } catch (error) {
      if (!(isUnknownTopic(error) || isTransient(error)) || performance.now() > until) throw error;
      await delay(KNOWN_MS);
    }
  }
}

async function readWatermarks(admin: Admin, topic: string): Promise<readonly Watermarks[]> {
  const offsets = await admin.fetchTopicOffsets(topic);
  return offsets
    .map(({ partition, low, high }) => ({ partition, low: Number(low), high: Number(high) }))
    .sort((a, b) => a.partition - b.partition);
}
