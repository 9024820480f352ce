import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from './config.js';

const WORKER = { DATABASE_URL: 'postgres://millrace@db.internal:5432/millrace', WORKER_TYPE: 'triage' };

type Env = Record<string, string | undefined>;
type Profile = Parameters<typeof loadConfig>[0];

function problemsOf(env: Env, profile: Profile = 'worker'): ConfigError {
  try {
    loadConfig(profile, env, false);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-refused-'));
  writeFileSync(join(folder, 'key'), 'k-1\n');
  writeFileSync(join(folder, 'empty'), '\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a bad variable is told with its code, its name and what to do', () => {
  it.each<[string, Env, string, string, RegExp]>([
    ['no database', { DATABASE_URL: undefined }, 'CONFIG_REQUIRED', 'DATABASE_URL', /must be postgres:\/\//],
    [
      'another database',
      { DATABASE_URL: 'mysql://u:hunter22@h/d' },
      'CONFIG_INVALID',
      'DATABASE_URL',
      /must be postgres:\/\//,
    ],
    ['no URL', { DATABASE_URL: 'hunter22@localhost' }, 'CONFIG_INVALID', 'DATABASE_URL', /not a URL/],
    ['no worker type', { WORKER_TYPE: '' }, 'CONFIG_REQUIRED', 'WORKER_TYPE', /intake, triage, policy/],
    ['a slip in the type', { WORKER_TYPE: 'triag' }, 'CONFIG_INVALID', 'WORKER_TYPE', /Did you mean triage\?/],
    ['an unknown type', { WORKER_TYPE: 'scheduler' }, 'CONFIG_INVALID', 'WORKER_TYPE', /one of intake, .*feedback\.$/],
    [
      'a broker without port',
      { KAFKA_BOOTSTRAP_SERVERS: 'a:1,b' },
      'CONFIG_INVALID',
      'KAFKA_BOOTSTRAP_SERVERS[1]',
      /port is missing/,
    ],
    [
      'port 99999',
      { KAFKA_BOOTSTRAP_SERVERS: 'a:1,b:99999' },
      'CONFIG_RANGE',
      'KAFKA_BOOTSTRAP_SERVERS[1]',
      /1 to 65535/,
    ],
    ['port 0', { KAFKA_BOOTSTRAP_SERVERS: 'a:0' }, 'CONFIG_RANGE', 'KAFKA_BOOTSTRAP_SERVERS[0]', /1 to 65535/],
    [
      'a URL as broker',
      { KAFKA_BOOTSTRAP_SERVERS: 'kafka://a:9092' },
      'CONFIG_INVALID',
      'KAFKA_BOOTSTRAP_SERVERS[0]',
      /not a host/,
    ],
    ['a bad egress target', { EGRESS_ALLOW: 'trades.internal' }, 'CONFIG_INVALID', 'EGRESS_ALLOW[0]', /host:port/],
    [
      'a topic that cannot be',
      { KAFKA_SOURCE_TOPICS: 'settlement.*,^desk$' },
      'CONFIG_INVALID',
      'KAFKA_SOURCE_TOPICS[1]',
      /\{tenant\}/,
    ],
    [
      'half a log-in',
      { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'u' },
      'CONFIG_REQUIRED',
      'KAFKA_SASL_PASSWORD',
      /or none/,
    ],
    [
      'an unknown mechanism',
      { KAFKA_SASL_MECHANISM: 'gssapi', KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD: 'p' },
      'CONFIG_INVALID',
      'KAFKA_SASL_MECHANISM',
      /plain, scram/,
    ],
    ['a slow heartbeat', { HEARTBEAT_INTERVAL_MS: '2001' }, 'CONFIG_RANGE', 'HEARTBEAT_INTERVAL_MS', /third.*2000/],
    ['a word as port', { PORT: 'abc' }, 'CONFIG_RANGE', 'PORT', /whole number from 0 to 65535/],
    ['a port too high', { HEALTH_PORT: '65536' }, 'CONFIG_RANGE', 'HEALTH_PORT', /65535/],
    ['a negative pool', { DATABASE_POOL_SIZE: '-1' }, 'CONFIG_RANGE', 'DATABASE_POOL_SIZE', /2 to 500/],
    ['a pool of 1e9', { DATABASE_POOL_SIZE: '1e9' }, 'CONFIG_RANGE', 'DATABASE_POOL_SIZE', /2 to 500/],
    [
      'a pool below the concurrency',
      { CONCURRENCY: '8', DATABASE_POOL_SIZE: '9' },
      'CONFIG_CONFLICT',
      'DATABASE_POOL_SIZE',
      /at least 10/,
    ],
    ['concurrency 0', { CONCURRENCY: '0' }, 'CONFIG_RANGE', 'CONCURRENCY', /1 to 64/],
    ['concurrency 1.5', { CONCURRENCY: '1.5' }, 'CONFIG_RANGE', 'CONCURRENCY', /1 to 64/],
    ['no shutdown time', { SHUTDOWN_TIMEOUT_MS: '0' }, 'CONFIG_RANGE', 'SHUTDOWN_TIMEOUT_MS', /1000/],
    ['maybe', { KAFKA_SSL: 'maybe' }, 'CONFIG_INVALID', 'KAFKA_SSL', /true or false/],
    ['a group with blanks', { GROUP_ID: 'my group' }, 'CONFIG_INVALID', 'GROUP_ID', /letters/],
    ['a URL as address', { HOST: 'http://0.0.0.0' }, 'CONFIG_INVALID', 'HOST', /alone/],
    ['an address with port', { HOST: '0.0.0.0:80' }, 'CONFIG_INVALID', 'HOST', /alone/],
    ['ftp', { MILLRACE_URL: 'ftp://x' }, 'CONFIG_INVALID', 'MILLRACE_URL', /http:\/\/host:7070/],
    ['a slip in a name', { MILLRACE_HOEM: '/x' }, 'CONFIG_UNKNOWN', 'MILLRACE_HOEM', /Did you mean MILLRACE_HOME\?/],
    [
      'a prefix too much',
      { MILLRACE_KAFKA_SSL: '1' },
      'CONFIG_UNKNOWN',
      'MILLRACE_KAFKA_SSL',
      /Did you mean KAFKA_SSL\?/,
    ],
    [
      'an unknown name',
      { MILLRACE__TURBO_BOOSTER: '1' },
      'CONFIG_UNKNOWN',
      'MILLRACE__TURBO_BOOSTER',
      /\.env\.example/,
    ],
    ['a name like a service link', { MILLRACE_API_PORT: '1' }, 'CONFIG_UNKNOWN', 'MILLRACE_API_PORT', /Did you mean/],
    ['two spellings', { KAFKA_SSL: 'true', KAFKA__SSL: 'false' }, 'CONFIG_CONFLICT', 'KAFKA__SSL', /both set/],
    [
      'a secret twice',
      { MILLRACE_API_KEY: 'a', MILLRACE_API_KEY_FILE: '{folder}/key' },
      'CONFIG_CONFLICT',
      'MILLRACE_API_KEY_FILE',
      /both set/,
    ],
    [
      'a file that is absent',
      { MILLRACE_API_KEY_FILE: '{folder}/none' },
      'CONFIG_FILE',
      'MILLRACE_API_KEY_FILE',
      /ENOENT/,
    ],
    ['an empty file', { MILLRACE_API_KEY_FILE: '{folder}/empty' }, 'CONFIG_FILE', 'MILLRACE_API_KEY_FILE', /empty/],
    ['log level verbose', { LOG_LEVEL: 'verbose' }, 'CONFIG_INVALID', 'LOG_LEVEL', /trace, debug/],
  ])('%s', (_what, change, code, path, words) => {
    const env = Object.fromEntries(
      Object.entries({ ...WORKER, ...change }).map(([k, v]) => [k, v?.replace('{folder}', folder)]),
    );
    const error = problemsOf(env);
    expect(error.problems.map((one) => [one.code, one.path])).toEqual([[code, path]]);
    expect(error.message).toMatch(words);
    expect(error.message.startsWith(`${path}: `)).toBe(true);
    expect(error.message).not.toContain('hunter22');
  });

  it('the embedded mode does not listen to others', () => {
    expect(problemsOf({ HOST: '0.0.0.0' }, 'embedded').problems).toMatchObject([
      { code: 'CONFIG_CONFLICT', path: 'HOST' },
    ]);
    expect(loadConfig('embedded', { HOST: '::1' }, false).http.host).toBe('::1');
  });

  it('all of them are told at once', () => {
    const env = {
      DATABASE_URL: 'mysql://x',
      KAFKA_BOOTSTRAP_SERVERS: ',,',
      CONCURRENCY: 'many',
      HEARTBEAT_INTERVAL_MS: '20000',
      MILLRACE_HOEM: '/x',
    };
    expect(problemsOf(env).problems.map(({ path }) => path)).toEqual([
      'MILLRACE_HOEM',
      'DATABASE_URL',
      'KAFKA_BOOTSTRAP_SERVERS[0]',
      'KAFKA_BOOTSTRAP_SERVERS[1]',
      'KAFKA_BOOTSTRAP_SERVERS[2]',
      'CONCURRENCY',
      'WORKER_TYPE',
      'HEARTBEAT_INTERVAL_MS',
    ]);
    expect(problemsOf(env).message.split('\n')).toHaveLength(8);
  });
});
