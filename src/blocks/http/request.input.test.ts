import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callOf, json, type LocalServer, never, resultOf, serve } from '../../testing/blocks.js';
import type { Block, BlockCall } from '../port.js';
import { createHttpRequest } from './request.js';

let server: LocalServer;
let block: Block;
beforeAll(async () => {
  server = await serve((request, response) => json(response, 200, { ...request }));
  block = createHttpRequest({
    resolveSecret: () => null,
    allowPrivate: [server.host],
    aliases: { 'http://desk.demo': server.url },
  });
});
afterAll(async () => {
  await block.close?.();
  await server.close();
});

const seen = async (input: object, more: Partial<BlockCall> = {}) => {
  resultOf(await block.perform(callOf(input, more), never));
  return server.received.at(-1);
};

describe('bad input is refused with its code, and nothing is sent', () => {
  const to = 'https://api.example/x';
  const connection = { kind: 'http', base: 'https://api.example/v1' } as const;
  const cases: [string, unknown, string, number, Partial<BlockCall>?][] = [
    ['a file', { url: 'file:///etc/passwd' }, 'URL_SCHEME', 1003],
    ['ftp', { url: 'ftp://api.example/x' }, 'URL_SCHEME', 1003],
    ['javascript', { url: 'javascript:alert(1)' }, 'URL_SCHEME', 1003],
    ['credentials in the URL', { url: 'http://u:p@h.example/' }, 'URL_CREDENTIALS', 1001],
    ['a user in the URL', { url: 'http://u@h.example/' }, 'URL_CREDENTIALS', 1001],
    ['a relative URL', { url: '/x' }, 'URL_INVALID', 1003],
    ['an empty URL', { url: '' }, 'URL_INVALID', 1003],
    ['a backslash', { url: 'http://evil.example\\@127.0.0.1/' }, 'URL_INVALID', 1003],
    ['a line break in the URL', { url: 'http://api.example/a\r\nHost: b' }, 'URL_INVALID', 1003],
    ['no url and no path', {}, 'PARAM_MISSING', 1002],
    ['url and path', { url: to, path: '/x' }, 'PARAM_MISSING', 1002, { connection }],
    ['a path without a connection', { path: '/x' }, 'PARAM_INVALID', 1003],
    ['a path that does not begin with /', { path: '@evil.example/' }, 'URL_INVALID', 1003, { connection }],
    ['a path with ..', { path: '/trades/../admin' }, 'URL_INVALID', 1003, { connection }],
    ['a path with %2e%2e', { path: '/trades/%2E%2e/admin' }, 'URL_INVALID', 1003, { connection }],
    ['a path with a backslash', { path: '/..\\admin' }, 'URL_INVALID', 1003, { connection }],
    ['an unknown parameter', { url: to, verb: 'GET' }, 'PARAM_UNKNOWN', 1001],
    ['an unknown method', { url: to, method: 'CONNECT' }, 'PARAM_INVALID', 1003],
    ['a URL that is a number', { url: 5 }, 'PARAM_INVALID', 1003],
    ['no input', undefined, 'PARAM_MISSING', 1002],
    ['a text as input', 'GET /', 'PARAM_INVALID', 1003],
    ['four redirects', { url: to, redirects: 4 }, 'PARAM_INVALID', 1003],
    ['a timeout of 0', { url: to, timeout_ms: 0 }, 'PARAM_INVALID', 1003],
    ['a body for GET', { url: to, body: { a: 1 } }, 'PARAM_INVALID', 1003],
    ['a header value with CR LF', { url: to, headers: { 'x-a': 'b\r\nx-evil: 1' } }, 'HEADER_INVALID', 1003],
    ['a header value with NUL', { url: to, headers: { 'x-a': 'b\u0000' } }, 'HEADER_INVALID', 1003],
    ['a header value beyond Latin-1', { url: to, headers: { 'x-a': '日本' } }, 'HEADER_INVALID', 1003],
    ['a header name with a space', { url: to, headers: { 'x a': 'b' } }, 'HEADER_INVALID', 1003],
    ['a header name with CR LF', { url: to, headers: { 'x\r\ny': 'b' } }, 'HEADER_INVALID', 1003],
    ['Host', { url: to, headers: { Host: 'evil.example' } }, 'HEADER_FORBIDDEN', 1001],
    ['Content-Length', { url: to, headers: { 'Content-Length': 5 } }, 'HEADER_FORBIDDEN', 1001],
    ['Transfer-Encoding', { url: to, headers: { 'transfer-encoding': 'chunked' } }, 'HEADER_FORBIDDEN', 1001],
    ['Connection', { url: to, headers: { connection: 'close' } }, 'HEADER_FORBIDDEN', 1001],
    ['Idempotency-Key', { url: to, headers: { 'Idempotency-Key': 'x' } }, 'HEADER_FORBIDDEN', 1001],
    ['a base that is no URL', { path: '/x' }, 'URL_INVALID', 1003, { connection: { kind: 'http', base: 'trades' } }],
    [
      'a base with a query',
      { path: '/x' },
      'CONNECTION_INVALID',
      1001,
      { connection: { kind: 'http', base: 'https://api.example?a=1' } },
    ],
    [
      'a port that is none',
      { path: '/x' },
      'CONNECTION_INVALID',
      1001,
      { connection: { kind: 'http', base: 'https://api.example', allowPorts: [0] } },
    ],
  ];
  test.each(cases)('%s', async (_what, input, code, errorNumber, more) => {
    const before = server.received.length;
    const outcome = await block.perform(callOf(input, more), never);
    expect(outcome).toMatchObject({ kind: 'failed', error: { code, errorNumber, retryable: false } });
    expect(server.received).toHaveLength(before);
  });

  test('after all of them the next good call works', async () => {
    expect(resultOf(await block.perform(callOf({ url: server.url }), never))).toMatchObject({ status_code: 200 });
  });
});

describe('what is sent', () => {
  test('JSON for a value, with its content type, key and trace', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const input = { method: 'post', url: `${server.url}/trades?x=1#frag`, body: { fix: 'swap SSI' } };
    const request = await seen(input, { traceparent, idempotencyKey: 'run-1/step-2' });
    expect(request).toMatchObject({
      method: 'POST',
      url: '/trades?x=1',
      body: '{"fix":"swap SSI"}',
      headers: {
        'content-type': 'application/json',
        'content-length': '18',
        'idempotency-key': 'run-1/step-2',
        traceparent,
        host: server.host,
      },
    });
  });

  test.each([
    [
      'a text as it is',
      { body: '{"input":"test"}', headers: { 'Content-Type': 'application/json' } },
      '{"input":"test"}',
      'application/json',
    ],
    ['a text without a type', { body: 'hello' }, 'hello', 'text/plain; charset=utf-8'],
    ['a list', { body: [1, 'ü'] }, '[1,"ü"]', 'application/json'],
    ['false', { body: false }, 'false', 'application/json'],
    ['nothing', {}, '', undefined],
    ['null as nothing', { body: null }, '', undefined],
  ])('%s', async (_what, input, body, type) => {
    const request = await seen({ method: 'PUT', url: server.url, ...input });
    expect(request?.body).toBe(body);
    expect(request?.headers['content-type']).toBe(type);
  });

  test.each([
    ['GET', undefined],
    ['HEAD', undefined],
    ['POST', 'key-1'],
    ['PUT', 'key-1'],
    ['PATCH', 'key-1'],
    ['DELETE', 'key-1'],
  ])('%s has the idempotency key %s', async (method, key) => {
    expect((await seen({ method, url: server.url }))?.headers['idempotency-key']).toBe(key);
  });

  test('a key or trace that would break the header is encoded or left out', async () => {
    const more = { idempotencyKey: 'a b\r\nx: y', traceparent: 'x\r\ny: z' };
    const request = await seen({ method: 'POST', url: server.url }, more);
    expect(request?.headers).toMatchObject({ 'idempotency-key': 'a%20b%0D%0Ax%3A%20y' });
    expect(request?.headers).not.toHaveProperty('traceparent');
  });

  test('query parameters are added and encoded', async () => {
    const query = { q: 'a&b=c', n: 5, on: true, list: ['x', 'y'], none: null };
    expect((await seen({ url: `${server.url}/s?k=1`, query }))?.url).toBe(
      '/s?k=1&q=a%26b%3Dc&n=5&on=true&list=x&list=y',
    );
  });

  test("a connection's base comes before the path, and an alias in its place", async () => {
    const to = (base: string) => ({ connection: { kind: 'http', base } as const });
    expect((await seen({ path: '/trades/T 1' }, to(`${server.url}/v1/`)))?.url).toBe('/v1/trades/T%201');
    expect((await seen({ path: '//evil.example/x' }, to(server.url)))?.headers.host).toBe(server.host);
    expect((await seen({ path: '/trades/2' }, to('http://desk.demo')))?.url).toBe('/trades/2');
  });
});
