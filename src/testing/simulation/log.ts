/** The log in memory: partitions that keep what was appended, groups with committed offsets, and faults between. */
import type { LogRecord, OutRecord } from '../../core/envelope.js';
import { STAGES, type StageName, TOPIC_OF } from '../../core/stages.js';
import { LogError } from '../../log/errors.js';
import { partitionOf } from '../../log/partitioner.js';
import type { Log } from '../../log/port.js';
import type { Faults } from './faults.js';
import type { Process, Scheduler } from './scheduler.js';

export class SimPartition {
  readonly records: LogRecord[] = [];
  low = 0;
  committed = 0; // the group's offset, as the broker knows it
  owner: Process | null = null;
  generation = 0;
  fetchAt = 0; // where the owner reads next

  get high(): number {
    return this.records.length;
  }

  append({ key, value, headers }: OutRecord): number {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value;
    return this.records.push({ offset: this.records.length, key, value: bytes, headers }) - 1;
  }
}

export const PARTITIONS = 2;

export class SimLog {
  readonly topics: Readonly<Record<StageName, readonly SimPartition[]>>;
  readonly deadLetters: OutRecord[] = [];
  /** Records were lost that had been acknowledged: what is sent again comes late. */
  hasLost = false;
  /**
   * Told when there may be something to read. An object, not a function: V8 was seen to keep what a function put here
   * reaches, a whole ended world, until it collects its old space, and each seed cost a tenth more.
   */
  readers: { wake(stage: StageName): void } | undefined;

  constructor() {
    const topic = (): SimPartition[] => Array.from({ length: PARTITIONS }, () => new SimPartition());
    this.topics = Object.fromEntries(STAGES.map((stage) => [stage, topic()])) as unknown as SimLog['topics'];
  }

  append(record: OutRecord): void {
    const stage = stageOf(record.topic);
    if (stage === undefined) {
      this.deadLetters.push(record);
      return;
    }
    this.partitionFor(stage, record.key).append(record);
    this.readers?.wake(stage);
  }

  partitionFor(stage: StageName, key: string | null): SimPartition {
    return this.topics[stage][key === null ? 0 : partitionOf(key, PARTITIONS)] as SimPartition;
  }
}

const BY_TOPIC = new Map(STAGES.map((stage) => [TOPIC_OF[stage], stage]));
const stageOf = (topic: string): StageName | undefined => BY_TOPIC.get(topic);

const unavailable = (): LogError => new LogError('LOG_UNAVAILABLE', 'the broker did not answer in time');

/** The log as one process sees it. */
export function logOf(process: Process, log: SimLog, scheduler: Scheduler, faults: Faults): Log {
  const unused = (): never => {
    throw new Error('the simulation delivers by itself');
  };
  return {
    async publish(records) {
      await scheduler.step(process);
      if (faults.strikes('publish-refused')) {
        faults.note(`${process.name}: the broker refuses ${records.length} records`);
        throw unavailable();
      }
      const partial = faults.strikes('publish-partial');
      const kept = partial ? records.filter(({ key }) => key === null || partitionOf(key, PARTITIONS) === 0) : records;
      if (!partial && faults.strikes('record-lost')) {
        faults.note(`${process.name}: ${records.length} records are acknowledged, and lost with their broker`);
        log.hasLost = true;
        return scheduler.step(process);
      }
      for (const record of kept) log.append(record);
      if (faults.strikes('publish-twice')) {
        faults.note(`${process.name}: the client sends ${kept.length} records twice`);
        for (const record of kept) log.append(record);
      }
      await scheduler.step(process);
      if (!partial && !faults.strikes('ack-lost')) return;
      faults.note(`${process.name}: ${kept.length} of ${records.length} records are kept, the acknowledgement is lost`);
      throw unavailable();
    },
    async watermarks(topic) {
      await scheduler.step(process);
      const stage = stageOf(topic) as StageName;
      return log.topics[stage].map(({ low, high }, partition) => ({ partition, low, high }));
    },
    consume: unused,
    createTopics: unused,
    partitionCounts: unused,
    ping: async () => undefined,
    close: async () => undefined,
  };
}
