import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type HealthCheck, type HealthServer, startHealthServer } from './health.js';

const UP: readonly HealthCheck[] = [
  { name: 'postgres', ok: true, detail: '' },
  { name: 'kafka', ok: true, detail: '' },
];
const DOWN: readonly HealthCheck[] = [
  { name: 'postgres', ok: true, detail: '' },
  { name: 'kafka', ok: false, detail: 'no answer within 2000 ms' },
];

let server: HealthServer | undefined;
afterEach(() => server?.close());

async function open(checks: () => Promise<readonly HealthCheck[]>, metrics = async () => 'up 1\n'): Promise<string> {
  server = await startHealthServer({ port: 0, host: '127.0.0.1', checks, metrics });
  return `http://127.0.0.1:${server.port}`;
}

async function get(url: string, init?: RequestInit): Promise<{ status: number; type: string | null; body: string }> {
  const response = await fetch(url, init);
  return { status: response.status, type: response.headers.get('content-type'), body: await response.text() };
}

describe.each([
  ['ready', UP, 200, 'ok\n', '[+]postgres ok\n[+]kafka ok\nreadyz check passed\n', 'healthy'],
  [
    'not ready',
    DOWN,
    503,
    'readyz check failed\n',
    '[+]postgres ok\n[-]kafka failed: no answer within 2000 ms\nreadyz check failed\n',
    'unhealthy',
  ],
] as const)('a process that is %s', (_what, checks, status, short, verbose, word) => {
  it(`answers /readyz with ${status}`, async () => {
    expect(await get(`${await open(async () => checks)}/readyz`)).toMatchObject({ status, body: short });
  });

  it('names each check with ?verbose', async () => {
    expect(await get(`${await open(async () => checks)}/readyz?verbose`)).toMatchObject({ status, body: verbose });
  });

  it('answers /_health with status and timestamp', async () => {
    const before = Date.now();
    const answer = await get(`${await open(async () => checks)}/_health`);
    expect(answer).toMatchObject({ status, type: 'application/json' });
    const body = JSON.parse(answer.body);
    expect(Object.keys(body)).toEqual(['status', 'timestamp']);
    expect(body.status).toBe(word);
    expect(Date.parse(body.timestamp)).toBeGreaterThanOrEqual(before);
  });

  it('is alive: /livez asks no check', async () => {
    expect(await get(`${await open(async () => checks)}/livez`)).toMatchObject({ status: 200, body: 'ok\n' });
  });
});

it('checks that throw are a failed check', async () => {
  const url = await open(async () => {
    throw new Error('pool closed');
  });
  const answer = await get(`${url}/readyz?verbose=1`);
  expect(answer).toMatchObject({ status: 503, body: '[-]checks failed: pool closed\nreadyz check failed\n' });
});

it('metrics are served in the format of Prometheus', async () => {
  const answer = await get(`${await open(async () => UP)}/metrics`);
  expect(answer).toEqual({ status: 200, type: 'text/plain; version=0.0.4; charset=utf-8', body: 'up 1\n' });
});

it('metrics that fail are a 500, and the server goes on', async () => {
  const url = await open(
    async () => UP,
    async () => {
      throw new Error('no figures');
    },
  );
  expect(await get(`${url}/metrics`)).toMatchObject({ status: 500, body: 'no figures\n' });
  expect(await get(`${url}/livez`)).toMatchObject({ status: 200 });
});

it.each([
  ['GET', '/', 404],
  ['GET', '/readyz/x', 404],
  ['POST', '/readyz', 405],
  ['HEAD', '/readyz', 200],
])('%s %s: %i', async (method, path, status) => {
  expect((await get(`${await open(async () => UP)}${path}`, { method })).status).toBe(status);
});

it('a port in use is told, not swallowed', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => other.once('listening', resolve));
  const { port } = other.address() as AddressInfo;
  const options = { port, host: '127.0.0.1', checks: async () => UP, metrics: async () => '' };
  await expect(startHealthServer(options)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  other.close();
});

it('without a port nothing is served', async () => {
  server = await startHealthServer({ port: null, host: '127.0.0.1', checks: async () => UP, metrics: async () => '' });
  expect(server.port).toBeNull();
});

it('closing ends connections that are kept alive', async () => {
  const url = await open(async () => UP);
  await get(`${url}/livez`, { headers: { connection: 'keep-alive' } });
  await server?.close();
  await expect(fetch(`${url}/livez`)).rejects.toThrow();
  server = undefined;
});
