import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Ingestion } from '../runtime/ingest.js';
import { StoreError, type StoreErrorKind } from '../store/errors.js';
import { createPostgresStore, type OpenStore } from '../store/open.js';
import { createTelemetry } from '../telemetry/catalogue.js';
import { type ServedApi, serveApi } from '../testing/api.js';
import { memoryStore } from '../testing/pglite.js';
import { refusalOf } from './problems.js';

/** A port of this machine on which nothing listens. */
async function deadPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

let memory: OpenStore;
beforeAll(async () => {
  memory = await memoryStore();
});
afterAll(() => memory?.close());

describe('while the database is down', () => {
  const open: (ServedApi | OpenStore)[] = [];
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });

  it('nothing is accepted or shown, and the answer says when to come again', async () => {
    const url = `postgres://nobody:nothing@127.0.0.1:${await deadPort()}/none`;
    const down = createPostgresStore({ url, connectTimeoutMs: 1_000 });
    const served = await serveApi({ memory, deps: { queries: down.queries } });
    open.push(served, down);
    for (const answer of [
      await served.post(`/exceptions/${served.tenantId}`, { type: 'A' }),
      await served.get(`/exceptions/${served.tenantId}`),
      await served.get('/pipeline'),
    ]) {
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toBe('5');
      expect(answer.json()).toMatchObject({ code: 'POSTGRES_DOWN' });
      expect(answer.text).not.toContain('nothing@');
    }
    expect((await served.get('/livez')).status).toBe(200);
  });

  it('what cannot be kept is not accepted', async () => {
    const url = `postgres://nobody:nothing@127.0.0.1:${await deadPort()}/none`;
    const down = createPostgresStore({ url, connectTimeoutMs: 1_000 });
    const other = await serveApi({ memory });
    const ingestion = new Ingestion(down.store, other.publisher, createTelemetry([]));
    const served = await serveApi({ memory, deps: { ingestion } });
    open.push(served, other, down);
    const answer = await served.post(`/exceptions/${served.tenantId}`, { type: 'A' });
    expect(answer.json()).toMatchObject({ status: 503, code: 'POSTGRES_DOWN' });
    expect((await served.get(`/exceptions/${served.tenantId}`)).json()).toEqual({ items: [], next: null });
  });
});

describe('what an error of the store becomes', () => {
  it.each<[StoreErrorKind, number, string]>([
    ['transient', 503, 'POSTGRES_DOWN'],
    ['conflict', 503, 'POSTGRES_BUSY'],
    ['fatal', 503, 'POSTGRES_UNUSABLE'],
    ['data', 500, 'INTERNAL_ERROR'],
    ['bug', 500, 'INTERNAL_ERROR'],
  ])('%s: %d %s', (kind, status, code) => {
    const refusal = refusalOf(new StoreError(kind, '00000', 'secret words', undefined));
    expect(refusal).toMatchObject({ status, problems: [{ code }] });
    expect(JSON.stringify(refusal)).not.toContain('secret words');
  });
});

describe('a fault of our own', () => {
  let served: ServedApi | undefined;
  afterAll(() => served?.close());

  it('is told to us with its error, to the caller only with an id', async () => {
    const broken = async (): Promise<never> => {
      throw new TypeError('x is not a function');
    };
    served = await serveApi({ memory, deps: { metrics: broken } });
    const answer = await served.get('/metrics');
    expect(answer.json()).toMatchObject({
      status: 500,
      code: 'INTERNAL_ERROR',
      requestId: answer.headers.get('x-request-id'),
    });
    expect(answer.text).not.toContain('function');
    expect(served.faults).toEqual([expect.any(TypeError)]);
  });
});

describe('health', () => {
  let served: ServedApi | undefined;
  afterAll(() => served?.close());

  it('is red while a check fails, and says which', async () => {
    let isUp = false;
    const checks = async () => [
      { name: 'postgres', ok: true, detail: '' },
      { name: 'kafka', ok: isUp, detail: 'no answer' },
    ];
    served = await serveApi({ memory, deps: { checks } });
    const red = await served.get('/readyz?verbose');
    expect(red.status).toBe(503);
    expect(red.text).toBe('[+]postgres ok\n[-]kafka failed: no answer\nreadyz check failed\n');
    expect((await served.get('/_health')).json()).toMatchObject({ status: 'unhealthy' });
    expect((await served.get('/livez')).status).toBe(200);
    isUp = true;
    expect((await served.get('/readyz')).status).toBe(200);
  });
});
