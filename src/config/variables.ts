/**
 * Every variable that the product reads, with its default and one line about it. `.env.example` is this table, printed;
 * a test holds them together.
 */
import { STAGES } from '../core/stages.js';
import {
  anyText,
  boolean,
  folder,
  groupId,
  httpUrl,
  integer,
  listenAddress,
  oneOf,
  type Parser,
  postgresUrl,
  servers,
  topicPatterns,
} from './parse.js';

export interface Variable<T> {
  readonly parse: Parser<T>;
  readonly fallback: string; // as one would write it; empty: none, or one that depends on others
  readonly about: string;
  readonly secret: boolean; // redacted when printed, and may be given as a file: NAME_FILE
}

/** A variable with a default. */
const given = <T>(parse: Parser<T>, fallback: string, about: string) => ({ parse, fallback, about, secret: false });

/** A variable that may be absent: null. */
const maybe = <T>(parse: Parser<T>, about: string, secret = false): Variable<T | null> => ({
  parse,
  fallback: '',
  about,
  secret,
});
const secret = <T>(parse: Parser<T>, about: string): Variable<T | null> => maybe(parse, about, true);

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
const MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;
const port = integer(0, 65_535);

export const VARIABLES = {
  DATABASE_URL: secret(postgresUrl, 'Postgres, as the runtime role: postgres://user:password@host:5432/database.'),
  DATABASE_POOL_SIZE: maybe(integer(2, 500), 'Connections to Postgres a process; without it CONCURRENCY + 9.'),
  MIGRATE_DATABASE_URL: secret(postgresUrl, 'Postgres, as the owner of the tables; only `millrace migrate` uses it.'),
  MILLRACE_RUNTIME_PASSWORD: secret(anyText, 'Password that `millrace migrate` gives the runtime role.'),

  KAFKA_BOOTSTRAP_SERVERS: given(servers, 'localhost:9092', 'Kafka brokers, host:port, several separated by commas.'),
  KAFKA_SSL: given(boolean, 'false', 'TLS to the brokers; NODE_EXTRA_CA_CERTS names a CA of your own.'),
  KAFKA_SASL_MECHANISM: maybe(oneOf(MECHANISMS), `Log-in at the brokers: ${MECHANISMS.join(', ')}; without it none.`),
  KAFKA_SASL_USERNAME: maybe(anyText, 'Name for the log-in at the brokers.'),
  KAFKA_SASL_PASSWORD: secret(anyText, 'Password for the log-in at the brokers.'),
  KAFKA_SOURCE_TOPICS: maybe(
    topicPatterns,
    'Topics that packs may read: settlement.*, {tenant}.alerts; without it all that the log-in may read.',
  ),
  PARTITIONS: given(integer(1, 1_000), '8', 'Partitions of each worker topic; fixed when the topics are created.'),
  STREAM_EPOCH: given(integer(1, 1_000_000), '1', 'Raise it by one when the topics were deleted and created anew.'),
  SESSION_TIMEOUT_MS: given(integer(6_000, 1_800_000), '6000', 'A worker silent for so long loses its partitions.'),
  HEARTBEAT_INTERVAL_MS: given(integer(500, 600_000), '2000', 'At most a third of SESSION_TIMEOUT_MS.'),

  WORKER_TYPE: maybe(oneOf(STAGES), `Which worker this process is: ${STAGES.join(', ')}.`),
  CONCURRENCY: given(integer(1, 64), '1', 'Chunks of events that a worker handles at once, 1 to 64.'),
  GROUP_ID: maybe(groupId, 'Consumer group; without it the worker type.'),
  HEALTH_PORT: given(port, '8081', 'Port of /livez, /readyz, /_health and /metrics of a worker; 0: not served.'),
  WORKER_CPU_POOL_SIZE: given(integer(1, 1_024), '8', 'Tool calls at once that need the processor.'),
  WORKER_IO_POOL_SIZE: given(integer(1, 1_024), '16', 'Tool calls at once that wait for network or disk.'),
  WORKER_GPU_POOL_SIZE: given(integer(1, 1_024), '2', 'Tool calls at once that need a graphics processor.'),
  SHUTDOWN_TIMEOUT_MS: given(integer(1_000, 3_600_000), '25000', 'After SIGTERM: time for the work in hand.'),
  PACK_CACHE_SIZE: given(integer(1, 100_000), '1000', 'Compiled pack versions that a process keeps at hand.'),
  DEAD_LETTER_REPLAYS: given(integer(1, 1_000), '3', 'A dead letter that failed after so many replays is parked.'),

  PORT: given(port, '7070', 'Port of the API; 0: any free one.'),
  HOST: maybe(listenAddress, 'Address to listen on; without it 127.0.0.1 embedded, 0.0.0.0 for API and health.'),
  MILLRACE_HOME: given(folder, '.millrace', 'Data folder of the embedded mode.'),
  MILLRACE_URL: maybe(httpUrl, 'Where the `millrace` command finds the API: http://host:7070.'),
  MILLRACE_API_KEY: secret(anyText, 'API key of the `millrace` command.'),

  EGRESS_ALLOW: maybe(servers, 'Private targets that http.request may reach: host:port, separated by commas.'),
  FILES_ROOT: maybe(folder, 'Folder of fs.put and fs.get; without it files/ in MILLRACE_HOME.'),
  SECRETS_DIR: maybe(folder, 'Folder with one file a secret: TENANT/NAME; without it secrets/ in MILLRACE_HOME.'),

  LOG_LEVEL: given(oneOf(LOG_LEVELS), 'info', `${LOG_LEVELS.join(', ')}.`),
  LOG_FORMAT: maybe(oneOf(['json', 'pretty']), 'json or pretty; without it pretty on a terminal, json elsewhere.'),
} as const satisfies Readonly<Record<string, Variable<unknown>>>;

export type VariableName = keyof typeof VARIABLES;
export type Values = { readonly [N in VariableName]: ReturnType<(typeof VARIABLES)[N]['parse']> };
export const VARIABLE_NAMES = Object.keys(VARIABLES) as VariableName[];
