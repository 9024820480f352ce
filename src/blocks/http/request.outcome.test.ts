import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  callOf,
  errorIn,
  json,
  type LocalServer,
  never,
  type Received,
  resultOf,
  serve,
} from '../../testing/blocks.js';
import type { Block, BlockCall, BlockOutcome } from '../port.js';
import { createHttpRequest, type HttpOptions } from './request.js';

const open: { close?(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close?.();
});

type Answer = (request: Received, response: ServerResponse, count: number) => void;
const started = async (answer: Answer, options: Partial<HttpOptions> = {}) => {
  const server = await serve(answer);
  const block = createHttpRequest({ resolveSecret: () => null, allowPrivate: [server.host], ...options });
  open.push(server, block);
  return { server, block };
};

const perform = (block: Block, server: LocalServer, input: object = {}, more: Partial<BlockCall> = {}) =>
  block.perform(callOf({ url: `${server.url}/do?q=1`, ...input }, more), never);

describe('a status decides the outcome', () => {
  const at = (seconds: number) => new Date(Date.now() + seconds * 1000).toUTCString();
  const cases: [number, string, string, object, Record<string, string>?][] = [
    [400, 'POST', 'failed', { code: 'HTTP_CLIENT_ERROR', class: '4xx', retryable: false }],
    [404, 'GET', 'failed', { code: 'HTTP_CLIENT_ERROR', class: '4xx', retryable: false }],
    [409, 'POST', 'failed', { code: 'HTTP_CLIENT_ERROR', class: '4xx', retryable: false }],
    [
      429,
      'POST',
      'failed',
      { code: 'HTTP_RATE_LIMITED', class: '429', retryable: true, retryAfterMs: 2000 },
      { 'retry-after': '2' },
    ],
    [
      503,
      'POST',
      'failed',
      { code: 'HTTP_SERVER_ERROR', class: '5xx', retryable: true, retryAfterMs: 7000 },
      { 'retry-after': '7' },
    ],
    [503, 'GET', 'failed', { class: '5xx', retryAfterMs: 86_400_000 }, { 'retry-after': at(3_000_000) }],
    [500, 'GET', 'failed', { code: 'HTTP_SERVER_ERROR', class: '5xx', retryable: true }],
    [500, 'PUT', 'failed', { code: 'HTTP_SERVER_ERROR', class: '5xx', retryable: true }],
    [500, 'POST', 'unknown', { code: 'HTTP_SERVER_ERROR', class: '5xx', retryable: false }],
    [504, 'PATCH', 'unknown', { code: 'HTTP_SERVER_ERROR', class: '5xx', retryable: false }],
    [304, 'GET', 'failed', { code: 'HTTP_CLIENT_ERROR', retryable: false }],
  ];
  test.each(cases)('%i on %s: %s', async (status, method, kind, error, headers) => {
    const { server, block } = await started((_request, response) => json(response, status, { why: 'no' }, headers));
    const outcome = await perform(block, server, { method });
    expect(outcome).toMatchObject({ kind, error: { errorNumber: 3003, ...error } });
    expect(errorIn(outcome).message).toMatch(new RegExp(`^${method} ${server.url}/do answered ${status}`));
    expect(errorIn(outcome).message).not.toContain('q=1');
  });

  test('without Retry-After, or with one that is none, no time is asked for', async () => {
    const { server, block } = await started((_request, response, count) =>
      json(response, 429, {}, count === 1 ? {} : { 'retry-after': 'soon' }),
    );
    expect(errorIn(await perform(block, server))).not.toHaveProperty('retryAfterMs');
    expect(errorIn(await perform(block, server))).not.toHaveProperty('retryAfterMs');
  });

  test('the error keeps what the other side said, cut to a few kilobytes', async () => {
    const { server, block } = await started((_request, response, count) =>
      json(response, 422, count === 1 ? { field: 'fix' } : { long: 'x'.repeat(50_000) }),
    );
    expect(errorIn(await perform(block, server)).detail).toEqual({ status_code: 422, body: { field: 'fix' } });
    expect(JSON.stringify(errorIn(await perform(block, server))).length).toBeLessThan(4_000);
  });

  test('500, then 200: the same call made again succeeds with the same key', async () => {
    const { server, block } = await started((_request, response, count) =>
      json(response, count === 1 ? 500 : 200, { count }),
    );
    const call = { method: 'POST' };
    const first = await perform(block, server, call, { effect: 'idempotent' });
    expect(first).toMatchObject({ kind: 'failed', error: { retryable: true } });
    const second = await perform(block, server, call, { effect: 'idempotent', attempt: 2 });
    expect(resultOf(second)).toMatchObject({ status_code: 200, body: { count: 2 } });
    expect(new Set(server.received.map(({ headers }) => headers['idempotency-key']))).toEqual(new Set(['key-1']));
  });
});

describe('a server that applies and then resets the connection', () => {
  const effects: { effect?: BlockCall['effect']; method: string; kind: BlockOutcome['kind']; retryable: boolean }[] = [
    { method: 'POST', kind: 'unknown', retryable: false },
    { method: 'PATCH', kind: 'unknown', retryable: false },
    { method: 'PUT', kind: 'failed', retryable: true },
    { method: 'DELETE', kind: 'failed', retryable: true },
    { method: 'GET', kind: 'failed', retryable: true },
    { method: 'POST', effect: 'idempotent', kind: 'failed', retryable: true },
    { method: 'POST', effect: 'read', kind: 'failed', retryable: true },
    { method: 'GET', effect: 'at_most_once', kind: 'unknown', retryable: false },
  ];
  test.each(effects)('$method, declared $effect: $kind', async ({ method, effect, kind, retryable }) => {
    const { server, block } = await started((_request, response) => response.destroy());
    const outcome = await perform(block, server, { method }, effect === undefined ? {} : { effect });
    expect(outcome).toMatchObject({ kind, error: { code: 'CONNECTION_RESET', class: 'network', retryable } });
    expect(server.received).toHaveLength(1);
  });

  test('in the middle of its answer leaves an at-most-once call unknown', async () => {
    const { server, block } = await started((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"half":', () => response.destroy());
    });
    expect(await perform(block, server, { method: 'POST' })).toMatchObject({
      kind: 'unknown',
      error: { code: 'CONNECTION_RESET' },
    });
  });

  test('in the middle of a refusal is a refusal', async () => {
    const { server, block } = await started((_request, response) => {
      response.writeHead(400, { 'content-length': '100' });
      response.write('{"half":', () => response.destroy());
    });
    expect(await perform(block, server, { method: 'POST' })).toMatchObject({
      kind: 'failed',
      error: { code: 'HTTP_CLIENT_ERROR' },
    });
  });

  test('an at-most-once call never travels on a connection that was used before', async () => {
    const { server, block } = await started((_request, response) =>
      json(response, 200, { port: response.socket?.remotePort }),
    );
    const ports: string[] = [];
    for (const method of ['POST', 'POST', 'POST'])
      ports.push(JSON.stringify(resultOf(await perform(block, server, { method }))));
    expect(new Set(ports.map((text) => /"port":(\d+)/.exec(text)?.[1])).size).toBe(3);
    expect(server.received).toHaveLength(3);
  });
});

describe('what was never sent may be repeated, even at most once', () => {
  test('connection refused', async () => {
    const { server, block } = await started(() => undefined);
    await server.close();
    expect(await perform(block, server, { method: 'POST' })).toMatchObject({
      kind: 'failed',
      error: { code: 'CONNECT_FAILED', errorNumber: 3001, class: 'network', retryable: true },
    });
  });

  test.each([['ENOTFOUND'], ['EAI_AGAIN']])('the name does not resolve: %s', async (code) => {
    const block = createHttpRequest({
      resolveSecret: () => null,
      lookup: (_name, _options, callback) => callback(Object.assign(new Error(`getaddrinfo ${code}`), { code }), '', 0),
    });
    open.push(block);
    const outcome = await block.perform(callOf({ url: 'http://gone.example/', method: 'POST' }), never);
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'DNS_FAILED', class: 'network', retryable: true } });
  });

  test('the connection is not made in time', async () => {
    const block = createHttpRequest({ resolveSecret: () => null, connectTimeoutMs: 50, lookup: () => undefined });
    open.push(block);
    const outcome = await block.perform(callOf({ url: 'http://slow.example/', method: 'POST' }), never);
    expect(outcome).toMatchObject({
      kind: 'timeout',
      error: { code: 'CONNECT_TIMEOUT', errorNumber: 3002, retryable: true },
    });
  });

  test('the other side does not speak TLS', async () => {
    const { server, block } = await started((_request, response) => response.end());
    const outcome = await perform(block, server, { url: server.url.replace('http:', 'https:'), method: 'POST' });
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'TLS_INVALID', retryable: false } });
  });

  test('a call given up while it waits for its connection is not sent later', async () => {
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { server } = await started((_request, response) => json(response, 200, {}));
    const block = createHttpRequest({
      resolveSecret: () => null,
      allowPrivate: [`held.example:${server.port}`],
      lookup: async (_name, _options, callback) => {
        await released;
        callback(null, [{ address: '127.0.0.1', family: 4 }]);
      },
    });
    open.push(block);
    const url = `http://held.example:${server.port}/`;
    const outcome = await block.perform(callOf({ url, method: 'PUT', timeout_ms: 100 }), never);
    expect(outcome).toMatchObject({ kind: 'timeout', error: { code: 'TIMEOUT', retryable: true } });
    release();
    expect(resultOf(await block.perform(callOf({ url: `${url}second` }), never))).toMatchObject({ status_code: 200 });
    expect(server.received.map((request) => request.url)).toEqual(['/second']);
  });
});

describe('redirects', () => {
  const loop: Answer = ({ url }, response) => response.writeHead(301, { location: url }).end();

  test('are off unless asked for', async () => {
    const { server, block } = await started(loop);
    expect(await perform(block, server)).toMatchObject({
      kind: 'failed',
      error: { code: 'REDIRECT_LIMIT', message: expect.stringContaining('redirects are off') },
    });
    expect(server.received).toHaveLength(1);
  });

  test('in a circle end after the number that was asked for', async () => {
    const { server, block } = await started(loop);
    expect(errorIn(await perform(block, server, { redirects: 3 })).code).toBe('REDIRECT_LIMIT');
    expect(server.received).toHaveLength(4);
  });

  test.each([
    [301, 'POST', 'GET', ''],
    [302, 'POST', 'GET', ''],
    [303, 'PUT', 'GET', ''],
    [307, 'POST', 'POST', '{"a":1}'],
    [308, 'PUT', 'PUT', '{"a":1}'],
    [302, 'PUT', 'PUT', '{"a":1}'],
  ])('%i turns %s into %s', async (status, method, next, body) => {
    const { server, block } = await started(({ url }, response) =>
      url === '/end' ? json(response, 200, {}) : response.writeHead(status, { location: '/end' }).end(),
    );
    expect(resultOf(await perform(block, server, { method, body: { a: 1 }, redirects: 1 }))).toMatchObject({
      status_code: 200,
    });
    expect(server.received[1]).toMatchObject({ method: next, body, url: '/end' });
  });

  test.each([
    [303, 'unknown'],
    [307, 'failed'],
  ])('%i that is not followed leaves an at-most-once call %s', async (status, kind) => {
    const { server, block } = await started((_request, response) =>
      response.writeHead(status, { location: '/x' }).end(),
    );
    expect((await perform(block, server, { method: 'POST' })).kind).toBe(kind);
  });

  test('a failure after a redirect that followed an effect is unknown', async () => {
    const { server, block } = await started(({ url }, response) =>
      url === '/end' ? json(response, 404, {}) : response.writeHead(303, { location: '/end' }).end(),
    );
    expect((await perform(block, server, { method: 'POST', redirects: 1 })).kind).toBe('unknown');
  });

  test('to something that is no URL is an invalid answer', async () => {
    const { server, block } = await started((_request, response) =>
      response.writeHead(302, { location: 'http://[' }).end(),
    );
    expect(errorIn(await perform(block, server, { redirects: 1 })).code).toBe('RESPONSE_INVALID');
  });
});

describe('a call that its caller cancels', () => {
  let controller: AbortController;
  beforeEach(() => {
    controller = new AbortController();
  });

  test.each([
    ['POST', 'unknown', false],
    ['GET', 'failed', true],
  ])('after it was sent: %s → %s', async (method, kind, retryable) => {
    const { server, block } = await started(() => controller.abort());
    const outcome = await block.perform(callOf({ url: server.url, method }), controller.signal);
    expect(outcome).toMatchObject({
      kind,
      error: { code: 'CANCELED', errorNumber: 5001, class: 'canceled', retryable },
    });
  });

  test('before it began is not sent', async () => {
    const { server, block } = await started((_request, response) => response.end());
    controller.abort();
    const outcome = await block.perform(callOf({ url: server.url, method: 'POST' }), controller.signal);
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'CANCELED', retryable: true } });
    expect(server.received).toHaveLength(0);
  });
});
