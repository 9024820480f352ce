/** Settings of the Kafka clients, and how kafkajs' own log lines leave them. */
import type { ConnectionOptions } from 'node:tls';
import { Kafka, type LogEntry, logLevel, type SASLOptions } from 'kafkajs';

/** A line that kafkajs wrote: only names and numbers, never keys, values, headers or stacks. */
export interface ClientLogLine {
  readonly level: 'error' | 'warn' | 'info';
  readonly message: string;
  readonly fields: Readonly<Record<string, string | number | boolean>>;
}

export interface KafkaLogOptions {
  readonly brokers: readonly string[]; // host:port
  readonly clientId: string;
  readonly ssl?: boolean | ConnectionOptions;
  readonly sasl?: SASLOptions;
  /** Gets kafkajs' lines and this adapter's own about lost and regained brokers. */
  readonly onClientLog?: (line: ClientLogLine) => void;
  /** Replicas of topics that `createTopics` makes; the broker's default without it. */
  readonly replicationFactor?: number;
  /** Settings of topics that `createTopics` makes: `{'min.insync.replicas': '2'}`. */
  readonly topicConfig?: Readonly<Record<string, string>>;
  readonly publishTimeoutMs?: number; // 10 s: after it `publish` rejects
  readonly stopTimeoutMs?: number; // 25 s: after it `stop` rejects
  readonly sessionTimeoutMs?: number; // 10 s: a member that is silent for so long has lost its partitions
  readonly heartbeatIntervalMs?: number; // 3 s, at most a third of the session
}

export type Settings = Required<Omit<KafkaLogOptions, 'ssl' | 'sasl' | 'replicationFactor'>> &
  Pick<KafkaLogOptions, 'ssl' | 'sasl' | 'replicationFactor'>;

export function settle(options: KafkaLogOptions): Settings {
  const settings = {
    onClientLog: () => undefined,
    topicConfig: {},
    publishTimeoutMs: 10_000,
    stopTimeoutMs: 25_000,
    sessionTimeoutMs: 10_000,
    heartbeatIntervalMs: 3_000,
    ...options,
  };
  if (settings.heartbeatIntervalMs * 3 > settings.sessionTimeoutMs) {
    throw new RangeError('heartbeatIntervalMs must be at most a third of sessionTimeoutMs');
  }
  return settings;
}

/**
 * A kafkajs client. Producer and admin use a short `requestTimeoutMs` (a publisher waits), consumers a long one.
 * Its retries are few: the callers repeat, with a fresh connection.
 */
export function createClient(settings: Settings, requestTimeoutMs: number): Kafka {
  let turn = Math.floor(Math.random() * settings.brokers.length);
  return new Kafka({
    clientId: settings.clientId,
    // A fresh client begins with another broker than the last, else a dead first broker would never be passed by.
    brokers: () => {
      turn = (turn + 1) % settings.brokers.length;
      return [...settings.brokers.slice(turn), ...settings.brokers.slice(0, turn)];
    },
    ...(settings.ssl === undefined ? {} : { ssl: settings.ssl }),
    ...(settings.sasl === undefined ? {} : { sasl: settings.sasl }),
    connectionTimeout: 10_000,
    requestTimeout: requestTimeoutMs,
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 2 },
    logLevel: logLevel.INFO,
    logCreator: () => (entry) => settings.onClientLog(lineOf(entry)),
  });
}

const FIELDS = [
  'broker',
  'groupId',
  'memberId',
  'generationId',
  'topic',
  'partition',
  'offset',
  'retryCount',
  'retryTime',
  'duration',
  'error',
];
const LEVELS: Readonly<Record<number, ClientLogLine['level']>> = { 1: 'error', 2: 'warn' };

function lineOf(entry: LogEntry): ClientLogLine {
  const fields: Record<string, string | number | boolean> = {};
  for (const name of FIELDS) {
    const value: unknown = entry.log[name];
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') fields[name] = value;
  }
  // Members come and go at every deployment; kafkajs calls that an error.
  const expected = String(fields.error ?? '').includes('rebalancing');
  return { level: expected ? 'info' : (LEVELS[entry.level] ?? 'info'), message: entry.log.message, fields };
}
