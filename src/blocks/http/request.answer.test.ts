import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
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
import type { Block, BlockCall } from '../port.js';
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

const MB = 1_048_576;

/** Writes for as long as the other side reads; `done` gets how much that was. */
function pour(response: ServerResponse, limit: number, done: (written: number) => void): void {
  const chunk = Buffer.alloc(65_536, 'a');
  let written = 0;
  response.on('close', () => done(written));
  const more = () => {
    while (written < limit) {
      written += chunk.length;
      if (!response.write(chunk)) {
        response.once('drain', more);
        return;
      }
    }
    response.end();
  };
  more();
}

describe('an answer without end', () => {
  test.each([
    ['POST', 'unknown'],
    ['GET', 'timeout'],
    ['PUT', 'timeout'],
  ])('dripping byte by byte is cut at the timeout: %s → %s', async (method, kind) => {
    const { server, block } = await started((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      const drip = setInterval(() => response.write('.'), 20);
      response.on('close', () => clearInterval(drip));
    });
    const outcome = await perform(block, server, { method, timeout_ms: 250 });
    expect(outcome).toMatchObject({ kind, error: { code: 'TIMEOUT', errorNumber: 5002, class: 'timeout' } });
  });

  test("the call's own limit holds though the input asks for more", async () => {
    const { server, block } = await started(() => undefined);
    const outcome = await perform(block, server, { timeout_ms: 600_000 }, { timeoutMs: 100 });
    expect(outcome).toMatchObject({ kind: 'timeout', error: { message: 'no complete answer within 100 ms' } });
  });

  test.each([
    ['with its length announced', { 'content-length': String(1024 * MB) }],
    ['without a length', {}],
  ])('of 1 GB %s is stopped early', async (_what, headers) => {
    const written: number[] = [];
    const { server, block } = await started((_request, response) => {
      response.writeHead(200, headers);
      pour(response, 1024 * MB, (bytes) => written.push(bytes));
    });
    const outcome = await perform(block, server);
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'RESPONSE_TOO_LARGE', retryable: false } });
    expect(await perform(block, server, { method: 'POST' })).toMatchObject({ kind: 'unknown' });
    await expect.poll(() => written.length).toBe(2);
    expect(Math.max(...written)).toBeLessThan(64 * MB);
  });

  test('exactly 1 MB passes, one byte more does not', async () => {
    const { server, block } = await started((_request, response, count) => response.end('a'.repeat(MB + count - 1)));
    expect(resultOf(await perform(block, server))).toMatchObject({ body: 'a'.repeat(MB) });
    expect(errorIn(await perform(block, server)).code).toBe('RESPONSE_TOO_LARGE');
  });
});

describe('a compressed answer', () => {
  const encoded =
    (body: Buffer, encoding: string): Answer =>
    (_request, response) =>
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': encoding }).end(body);

  test('is decompressed', async () => {
    const { server, block } = await started(encoded(gzipSync('{"a":1}'), 'gzip'));
    expect(resultOf(await perform(block, server))).toMatchObject({ body: { a: 1 } });
  });

  test.each([
    ['a gzip bomb', gzipSync(Buffer.alloc(200 * MB)), 'gzip', 'DECOMPRESSED_TOO_LARGE'],
    ['no gzip at all', Buffer.from('{"a":1}'), 'gzip', 'RESPONSE_INVALID'],
    ['an encoding nobody asked for', Buffer.from('x'), 'zstd', 'RESPONSE_INVALID'],
    ['gzip in gzip', gzipSync(gzipSync('x')), 'gzip, gzip', 'RESPONSE_INVALID'],
  ])('%s: %s', async (_what, body, encoding, code) => {
    const { server, block } = await started(encoded(body, encoding));
    expect(await perform(block, server)).toMatchObject({ kind: 'failed', error: { code, retryable: false } });
    expect(await perform(block, server, { method: 'POST' })).toMatchObject({ kind: 'unknown', error: { code } });
  });
});

describe('the result of a success', () => {
  const bodies: [string, string | Buffer, string | undefined, object][] = [
    ['JSON', '{"a":[1,2]}', 'application/json; charset=utf-8', { body: { a: [1, 2] } }],
    ['problem+json', '{"a":1}', 'application/problem+json', { body: { a: 1 } }],
    ['JSON null', 'null', 'application/json', { body: null }],
    ['what only says that it is JSON', '<html>', 'application/json', { body: '<html>' }],
    [
      'JSON nested too deep',
      `${'['.repeat(40)}${']'.repeat(40)}`,
      'application/json',
      { body: expect.stringMatching(/^\[{40}/) },
    ],
    ['text', 'hällo', 'text/plain', { body: 'hällo' }],
    ['text without a type', 'hello', undefined, { body: 'hello' }],
    ['nothing', '', 'application/json', { body: null }],
    ['bytes', Buffer.from([0, 255]), 'application/octet-stream', { body: 'AP8=', body_encoding: 'base64' }],
    ['what Postgres cannot keep', '{"a":"x\\u0000y\\ud800z"}', 'application/json', { body: { a: 'x\uFFFDy\uFFFDz' } }],
  ];
  test.each(bodies)('%s', async (_what, body, type, expected) => {
    const { server, block } = await started((_request, response) =>
      response.writeHead(200, type === undefined ? {} : { 'content-type': type }).end(body),
    );
    expect(resultOf(await perform(block, server))).toMatchObject({ status_code: 200, ...expected });
  });

  test('has the status, headers without cookies, and the latency', async () => {
    const { server, block } = await started((_request, response) => {
      response.setHeader('set-cookie', ['session=1', 'b=2']);
      response.setHeader('x-many', ['a', 'b']);
      json(response, 201, { id: 7, __proto__: null });
    });
    const result = resultOf(await perform(block, server, { method: 'POST' }));
    expect(result).toEqual({
      status_code: 201,
      headers: expect.objectContaining({ 'content-type': 'application/json', 'x-many': 'a, b' }),
      body: { id: 7 },
      latency_ms: expect.any(Number),
    });
    expect(JSON.stringify(result)).not.toContain('session=1');
  });

  test('keys that would poison an object are dropped', async () => {
    const { server, block } = await started((_request, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"__proto__":{"admin":true},"a":1}'),
    );
    const { body } = resultOf(await perform(block, server)) as { body: object };
    expect(Object.getOwnPropertyNames(body)).toEqual(['a']);
  });
});
