import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VARIABLE_NAMES, VARIABLES } from './config/variables.js';
import { describeConfig, loadConfig } from './config.js';

const DATABASE_URL = 'postgres://millrace:s3cret-pw@db.internal:5432/millrace';
const WORKER = { DATABASE_URL, WORKER_TYPE: 'triage' };

type Env = Record<string, string | undefined>;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'));
  writeFileSync(join(folder, 'url'), `${DATABASE_URL}\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('defaults', () => {
  it('a worker needs a database and a type, and nothing else', () => {
    expect(loadConfig('worker', WORKER, false)).toMatchObject({
      profile: 'worker',
      database: { url: DATABASE_URL, poolSize: 10, migrateUrl: null, runtimePassword: null },
      kafka: {
        brokers: ['localhost:9092'],
        ssl: false,
        sasl: null,
        sourceTopics: null,
        sessionTimeoutMs: 6_000,
        heartbeatIntervalMs: 2_000,
      },
      topics: { partitions: 8, epoch: 1 },
      worker: { type: 'triage', groupId: 'triage', concurrency: 1, pools: { cpu: 8, io: 16, gpu: 2 } },
      health: { host: '0.0.0.0', port: 8081 },
      egressAllow: [],
      shutdownTimeoutMs: 25_000,
      log: { level: 'info', format: 'json' },
    });
  });

  it('the embedded mode needs nothing and listens on this machine only', () => {
    expect(loadConfig('embedded', {}, true)).toMatchObject({
      database: { url: null },
      http: { host: '127.0.0.1', port: 7070 },
      home: resolve('.millrace'),
      filesRoot: resolve('.millrace/files'),
      secretsDir: resolve('.millrace/secrets'),
      log: { format: 'pretty' },
    });
  });

  it('the API listens on every address', () => {
    expect(loadConfig('api', { DATABASE_URL }, false).http).toEqual({ host: '0.0.0.0', port: 7070 });
  });

  it('the command line needs nothing', () => {
    expect(loadConfig('cli', {}, false)).toMatchObject({
      client: { url: null, apiKey: null },
      worker: { groupId: null },
    });
  });
});

describe('given values', () => {
  it.each<[Env, object]>([
    [{ GROUP_ID: 'triage-workers' }, { worker: { groupId: 'triage-workers' } }],
    [{ CONCURRENCY: '8' }, { worker: { concurrency: 8 }, database: { poolSize: 17 } }],
    [{ DATABASE_URL: 'postgresql:///millrace?host=/run/postgresql' }, { database: { poolSize: 10 } }],
    [{ DATABASE_POOL_SIZE: '40' }, { database: { poolSize: 40 } }],
    [{ WORKER_TYPE: 'Tool' }, { worker: { type: 'tool', groupId: 'tool' } }],
    [
      { KAFKA_BOOTSTRAP_SERVERS: 'a:9092, b.c:9093 ,[::1]:9094' },
      { kafka: { brokers: ['a:9092', 'b.c:9093', '[::1]:9094'] } },
    ],
    [{ KAFKA_SSL: 'YES' }, { kafka: { ssl: true } }],
    [{ KAFKA__SSL: 'true' }, { kafka: { ssl: true } }],
    [{ WORKER__IO__POOL__SIZE: '4' }, { worker: { pools: { io: 4 } } }],
    [
      { KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512', KAFKA_SASL_USERNAME: 'u', KAFKA__SASL__PASSWORD: 'p' },
      { kafka: { sasl: { mechanism: 'scram-sha-512', username: 'u', password: 'p' } } },
    ],
    [{ HEALTH_PORT: '0' }, { health: { port: null } }],
    [{ SHUTDOWN_TIMEOUT_MS: '300000' }, { shutdownTimeoutMs: 300_000 }],
    [{ DEAD_LETTER_REPLAYS: '5' }, { deadLetterReplays: 5 }],
    [{ SESSION_TIMEOUT_MS: '9000', HEARTBEAT_INTERVAL_MS: '3000' }, { kafka: { sessionTimeoutMs: 9_000 } }],
    [
      { MILLRACE_HOME: '/data', FILES_ROOT: '/files' },
      { home: '/data', filesRoot: '/files', secretsDir: '/data/secrets' },
    ],
    [{ MILLRACE_URL: 'https://millrace.example/' }, { client: { url: 'https://millrace.example' } }],
    [
      { EGRESS_ALLOW: '127.0.0.1:7071,trades.internal:443' },
      { egressAllow: ['127.0.0.1:7071', 'trades.internal:443'] },
    ],
    [
      { KAFKA_SOURCE_TOPICS: 'settlement.*, {tenant}.alerts' },
      { kafka: { sourceTopics: ['settlement.*', '{tenant}.alerts'] } },
    ],
    [{ LOG_FORMAT: 'pretty', LOG_LEVEL: 'debug' }, { log: { format: 'pretty', level: 'debug' } }],
    [
      { CONCURRENCY: '', PORT: '  ' },
      { worker: { concurrency: 1 }, http: { port: 7070 } },
    ],
  ])('%j', (env, expected) => {
    expect(loadConfig('worker', { ...WORKER, ...env }, false)).toMatchObject(expected);
  });

  it('a secret may stand in a file', () => {
    const env = { WORKER_TYPE: 'tool', DATABASE_URL_FILE: join(folder, 'url') };
    expect(loadConfig('worker', env, false).database.url).toBe(DATABASE_URL);
  });

  it('what Kubernetes says of a service named millrace-api is no mistake', () => {
    const links = {
      MILLRACE_API_SERVICE_HOST: '10.0.0.7',
      MILLRACE_API_SERVICE_PORT: '7070',
      MILLRACE_API_SERVICE_PORT_HTTP: '7070',
      MILLRACE_API_PORT: 'tcp://10.0.0.7:7070',
      MILLRACE_API_PORT_7070_TCP: 'tcp://10.0.0.7:7070',
      MILLRACE_API_PORT_7070_TCP_ADDR: '10.0.0.7',
    };
    expect(loadConfig('worker', { ...WORKER, ...links }, false).worker.type).toBe('triage');
  });
});

describe('the effective configuration', () => {
  it('is printed with where each value is from, and without secrets', () => {
    const env = {
      ...WORKER,
      CONCURRENCY: '4',
      KAFKA__SSL: 'true',
      MIGRATE_DATABASE_URL: 'postgres://owner@db/millrace?password=s3cret-pw&sslmode=require',
      MILLRACE_API_KEY: 's3cret-key',
    };
    const lines = describeConfig(loadConfig('worker', env, false)).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'DATABASE_URL=postgres://millrace:***@db.internal:5432/millrace',
        'MIGRATE_DATABASE_URL=postgres://owner@db/millrace?password=***&sslmode=require',
        'MILLRACE_API_KEY=[redacted]',
        'MILLRACE_RUNTIME_PASSWORD= (default)',
        'CONCURRENCY=4',
        'DATABASE_POOL_SIZE=13 (default)',
        'KAFKA_SSL=true (KAFKA__SSL)',
        'GROUP_ID=triage (default)',
        'EGRESS_ALLOW= (default)',
      ]),
    );
    expect(lines).toHaveLength(VARIABLE_NAMES.length);
    expect(lines.join()).not.toContain('s3cret');
  });
});

describe('.env of the working directory', () => {
  const script = `import(${JSON.stringify(resolve('src/config.ts'))}).then(({ loadConfig, describeConfig }) => {
    try { process.stdout.write(describeConfig(loadConfig('cli'))); } catch (e) { process.stdout.write(e.message); }
  })`;
  const run = (cwd: string, env: Env): string =>
    execFileSync(process.execPath, ['--import', import.meta.resolve('tsx'), '-e', script], {
      cwd,
      env,
      encoding: 'utf8',
    });

  it('is read; the environment wins', () => {
    writeFileSync(join(folder, '.env'), 'PORT=7171\nCONCURRENCY=3 # a comment\n');
    const lines = run(folder, { CONCURRENCY: '5' }).split('\n');
    expect(lines).toEqual(expect.arrayContaining(['PORT=7171', 'CONCURRENCY=5']));
  });

  it('that cannot be read is told', () => {
    const other = join(folder, 'other');
    mkdirSync(join(other, '.env'), { recursive: true });
    expect(run(other, {})).toMatch(/^\.env: cannot be read \(EISDIR\)/);
  });
});

it('.env.example names every variable with its default and a line about it', async () => {
  const entries = VARIABLE_NAMES.map((name) => `# ${VARIABLES[name].about}\n# ${name}=${VARIABLES[name].fallback}\n`);
  const head = '# Copy to .env and change what you need: each line below is commented out and shows the default.\n';
  const files =
    '# A secret (passwords, keys, database URLs) may stand in a file: DATABASE_URL_FILE=/run/secrets/database-url\n';
  await expect([head + files, ...entries].join('\n')).toMatchFileSnapshot('../.env.example');
});
