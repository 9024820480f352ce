/** The settings of a process, parsed once from its environment and `.env`. No other file reads `process.env`. */
import { join } from 'node:path';
import { config as loadDotenv } from 'dotenv';
import { checkTogether, type Profile } from './config/checks.js';
import { type Env, type Given, readEnvironment } from './config/environment.js';
import { ConfigError, problem } from './config/parse.js';
import { VARIABLE_NAMES, VARIABLES, type Values, type VariableName } from './config/variables.js';
import type { Problem } from './core/errors.js';
import type { StageName } from './core/stages.js';

export { ConfigError } from './config/parse.js';

/** What a process exits with when its configuration is wrong (EX_CONFIG of sysexits). */
export const EXIT_CONFIG = 78;

type Needs<P extends Profile, By extends Profile, T> = P extends By ? T : T | null;

/** The settings of a process of profile `P`: what that profile needs is never null. */
export interface Config<P extends Profile = Profile> {
  readonly profile: P;
  readonly database: {
    readonly url: Needs<P, 'worker' | 'api', string>;
    readonly poolSize: number;
    readonly migrateUrl: string | null; // the tables' owner; null: `url` is
    readonly runtimePassword: string | null;
  };
  readonly kafka: {
    readonly brokers: readonly string[];
    readonly ssl: boolean;
    readonly sasl: {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: string;
    } | null;
    readonly sourceTopics: readonly string[] | null; // that packs may read; null: all
    readonly sessionTimeoutMs: number;
    readonly heartbeatIntervalMs: number;
  };
  readonly topics: { readonly partitions: number; readonly epoch: number };
  readonly worker: {
    readonly type: Needs<P, 'worker', StageName>;
    readonly groupId: Needs<P, 'worker', string>;
    readonly concurrency: number;
    readonly pools: { readonly cpu: number; readonly io: number; readonly gpu: number };
  };
  readonly http: { readonly host: string; readonly port: number };
  readonly health: { readonly host: string; readonly port: number | null }; // null: not served
  readonly client: { readonly url: string | null; readonly apiKey: string | null };
  readonly home: string;
  readonly filesRoot: string;
  readonly secretsDir: string;
  readonly egressAllow: readonly string[];
  readonly shutdownTimeoutMs: number;
  readonly deadLetterReplays: number;
  readonly packCacheSize: number;
  readonly log: { readonly level: Values['LOG_LEVEL']; readonly format: 'json' | 'pretty' };
  readonly settings: readonly Setting[];
}

/** One effective variable as it may be shown: secrets redacted. */
export interface Setting {
  readonly name: VariableName;
  readonly value: string; // empty: none
  readonly from: string; // `default`, or the name under which it was given
}

/**
 * Parses the environment for a process of this profile; without `env`, `.env` of the working directory and
 * `process.env`, which wins. Throws ConfigError with every problem at once.
 */
export function loadConfig<P extends Profile>(
  profile: P,
  env: Env = processEnvironment(),
  terminal: boolean = process.stdout.isTTY === true,
): Config<P> {
  const { given, problems: found } = readEnvironment(env);
  const problems: Problem[] = [...found];
  const parsed: Partial<Record<VariableName, unknown>> = {};
  for (const name of VARIABLE_NAMES) {
    try {
      parsed[name] = parseOne(name, given.get(name));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
    }
  }
  problems.push(...checkTogether(profile, parsed as Partial<Values>));
  if (problems.length > 0) throw new ConfigError(problems);
  const values = completed(profile, parsed as Values, terminal);
  const settings = VARIABLE_NAMES.map((name) => ({
    name,
    value: shown(name, values[name]),
    from: given.get(name)?.name ?? 'default',
  }));
  return { profile, ...grouped<P>(values), settings };
}

/** The effective configuration, a line a variable, secrets redacted: `CONCURRENCY=4`, `GROUP_ID=triage (default)`. */
export const describeConfig = (config: Pick<Config, 'settings'>): string =>
  config.settings
    .map(({ name, value, from }) => (from === name ? `${name}=${value}` : `${name}=${value} (${from})`))
    .join('\n');

function processEnvironment(): Env {
  const { error } = loadDotenv({ quiet: true });
  if (error !== undefined && error.code !== 'ENOENT') {
    const hint = 'Make it readable, or remove it and set the variables otherwise.';
    throw new ConfigError([problem('CONFIG_FILE', '.env', `cannot be read (${error.code}).`, hint)]);
  }
  return process.env;
}

function parseOne(name: VariableName, given: Given | undefined): unknown {
  const { parse, fallback } = VARIABLES[name];
  const text = given?.text ?? fallback;
  return text === '' ? null : parse(text, given?.name ?? name);
}

const MORE_CONNECTIONS = 9; // beside one for each partition: executors, timers, sweeper, checks

/** The values with those defaults that depend on other values. */
function completed(profile: Profile, values: Values, terminal: boolean) {
  return {
    ...values,
    DATABASE_POOL_SIZE: values.DATABASE_POOL_SIZE ?? values.CONCURRENCY + MORE_CONNECTIONS,
    GROUP_ID: values.GROUP_ID ?? values.WORKER_TYPE,
    HOST: values.HOST ?? (profile === 'worker' || profile === 'api' ? '0.0.0.0' : '127.0.0.1'),
    EGRESS_ALLOW: values.EGRESS_ALLOW ?? [],
    FILES_ROOT: values.FILES_ROOT ?? join(values.MILLRACE_HOME, 'files'),
    SECRETS_DIR: values.SECRETS_DIR ?? join(values.MILLRACE_HOME, 'secrets'),
    LOG_FORMAT: values.LOG_FORMAT ?? (terminal ? 'pretty' : 'json'),
  };
}

/** The values under the names that the code uses. What the profile needs was checked to be there. */
function grouped<P extends Profile>(values: ReturnType<typeof completed>): Omit<Config<P>, 'profile' | 'settings'> {
  return {
    database: {
      url: values.DATABASE_URL as Config<P>['database']['url'],
      poolSize: values.DATABASE_POOL_SIZE,
      migrateUrl: values.MIGRATE_DATABASE_URL,
      runtimePassword: values.MILLRACE_RUNTIME_PASSWORD,
    },
    kafka: {
      brokers: values.KAFKA_BOOTSTRAP_SERVERS,
      ssl: values.KAFKA_SSL,
      sasl: loginOf(values),
      sourceTopics: values.KAFKA_SOURCE_TOPICS,
      sessionTimeoutMs: values.SESSION_TIMEOUT_MS,
      heartbeatIntervalMs: values.HEARTBEAT_INTERVAL_MS,
    },
    topics: { partitions: values.PARTITIONS, epoch: values.STREAM_EPOCH },
    worker: {
      type: values.WORKER_TYPE as Config<P>['worker']['type'],
      groupId: values.GROUP_ID as Config<P>['worker']['groupId'],
      concurrency: values.CONCURRENCY,
      pools: {
        cpu: values.WORKER_CPU_POOL_SIZE,
        io: values.WORKER_IO_POOL_SIZE,
        gpu: values.WORKER_GPU_POOL_SIZE,
      },
    },
    http: { host: values.HOST, port: values.PORT },
    health: { host: values.HOST, port: values.HEALTH_PORT === 0 ? null : values.HEALTH_PORT },
    client: { url: values.MILLRACE_URL, apiKey: values.MILLRACE_API_KEY },
    home: values.MILLRACE_HOME,
    filesRoot: values.FILES_ROOT,
    secretsDir: values.SECRETS_DIR,
    egressAllow: values.EGRESS_ALLOW,
    shutdownTimeoutMs: values.SHUTDOWN_TIMEOUT_MS,
    deadLetterReplays: values.DEAD_LETTER_REPLAYS,
    packCacheSize: values.PACK_CACHE_SIZE,
    log: { level: values.LOG_LEVEL, format: values.LOG_FORMAT },
  };
}

function loginOf(values: Values): Config['kafka']['sasl'] {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = values;
  return mechanism && username && password ? { mechanism, username, password } : null;
}

const HIDDEN = '[redacted]';

/** A value as it may be shown: a password within a URL is left out, any other secret is left out whole. */
function shown(name: VariableName, value: Values[VariableName]): string {
  if (value === null) return '';
  if (!VARIABLES[name].secret) return String(value);
  if (!name.endsWith('_URL')) return HIDDEN;
  const url = new URL(String(value));
  if (url.password !== '') url.password = '***';
  for (const key of [...url.searchParams.keys()]) if (/pass/i.test(key)) url.searchParams.set(key, '***');
  return url.href;
}
