import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { until } from '../testing/until.js';

const NOWHERE = {
  DATABASE_URL: 'postgres://nobody:x@127.0.0.1:1/nothing',
  KAFKA_BOOTSTRAP_SERVERS: '127.0.0.1:1',
  HEALTH_PORT: '0',
  PORT: '0',
};

it.each([
  ['a worker', './index.ts', { WORKER_TYPE: 'triage' }],
  ['the API', '../api/main.ts', {}],
])(
  '%s that is stopped while it waits for its database ends well, with nothing to complain about',
  async (_, path, env) => {
    const program = fileURLToPath(new URL(path, import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', program], {
      env: { ...NOWHERE, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let told = '';
    let complaint = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      told += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint += text;
    });
    const closed = once(child, 'close');
    await until(() => told.includes('postgres does not answer') || undefined, 'the database to be missed');
    child.kill('SIGTERM');
    const [code] = await closed;
    expect(complaint).toBe('');
    expect(code).toBe(0);
  },
);
