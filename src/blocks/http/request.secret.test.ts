import type { ServerResponse } from 'node:http';
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
import type { HttpAuth, ResolveSecret } from '../port.js';
import { createHttpRequest } from './request.js';

const TOKEN = 'tok/en+"1==?';
const SECRETS: Readonly<Record<string, string>> = { 'acme/token': TOKEN, 'other/theirs': 'x', 'acme/broken': 'a\r\nb' };
const resolveSecret: ResolveSecret = (tenantId, name) => SECRETS[`${tenantId}/${name}`] ?? null;

const open: { close?(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close?.();
});
const listen = async (answer: (request: Received, response: ServerResponse) => void): Promise<LocalServer> => {
  const server = await serve(answer);
  open.push(server);
  return server;
};
const blockFor = (servers: LocalServer[], resolve = resolveSecret) => {
  const block = createHttpRequest({ resolveSecret: resolve, allowPrivate: servers.map(({ host }) => host) });
  open.push(block);
  return block;
};
const connectionTo = (server: LocalServer, auth: HttpAuth, allowHosts: string[] = []) =>
  ({ kind: 'http', base: server.url, auth, allowHosts }) as const;
const bearer: HttpAuth = { bearer: 'secret://token' };

/** Every form in which the token could be read back. */
const forms = [
  TOKEN,
  JSON.stringify(TOKEN).slice(1, -1),
  encodeURIComponent(TOKEN),
  Buffer.from(TOKEN).toString('base64'),
  Buffer.from(TOKEN).toString('base64url'),
];
const pair = Buffer.from(`joe:${TOKEN}`).toString('base64');

describe('the auth of a connection is sent', () => {
  const cases: [string, HttpAuth, string, string][] = [
    ['bearer', bearer, 'authorization', `Bearer ${TOKEN}`],
    ['basic', { basic: { user: 'joe', password: 'secret://token' } }, 'authorization', `Basic ${pair}`],
    ['a header', { header: { name: 'X-Api-Key', value: 'secret://token' } }, 'x-api-key', TOKEN],
  ];
  test.each(cases)('as %s, and redacted wherever it comes back', async (_what, auth, name, value) => {
    const server = await listen(({ url, headers }, response) => {
      const echo = { headers, forms, [TOKEN]: 1, text: `is ${TOKEN}!` };
      json(response, url.startsWith('/fail') ? 500 : 200, echo, { 'x-echo': encodeURIComponent(TOKEN) });
    });
    const block = blockFor([server]);
    const connection = connectionTo(server, auth);
    const success = await block.perform(callOf({ path: '/x' }, { connection }), never);
    expect(server.received[0]?.headers[name]).toBe(value);
    const failed = await block.perform(callOf({ path: '/fail' }, { connection }), never);
    expect(resultOf(success)).toMatchObject({ body: { text: 'is [redacted]!' } });
    expect(errorIn(failed).detail).toBeDefined();
    for (const form of forms) {
      for (const outcome of [success, failed]) expect(JSON.stringify(outcome)).not.toContain(form);
    }
    expect(JSON.stringify(success)).not.toContain(pair);
  });

  test('and no half of it is left where an answer is cut', async () => {
    const server = await listen((_request, response) => json(response, 500, `${'x'.repeat(195)}${TOKEN}`));
    const connection = connectionTo(server, bearer);
    const outcome = await blockFor([server]).perform(callOf({ path: '/' }, { connection }), never);
    expect(errorIn(outcome).message).toMatch(/x{195}\[reda$/);
  });

  test('and an answer of bytes that contains it is not kept', async () => {
    const server = await listen((_request, response) =>
      response.writeHead(200, { 'content-type': 'image/png' }).end(`\u0001${TOKEN}`),
    );
    const connection = connectionTo(server, bearer);
    const outcome = await blockFor([server]).perform(callOf({ path: '/' }, { connection }), never);
    expect(resultOf(outcome)).toMatchObject({ body: '[redacted]' });
  });
});

describe('the auth of a connection is not sent', () => {
  test('to another host that the connection allows', async () => {
    const [home, other] = [
      await listen((_r, response) => json(response, 200, {})),
      await listen((_r, response) => json(response, 200, {})),
    ];
    const connection = connectionTo(home, bearer, [other.host]);
    resultOf(await blockFor([home, other]).perform(callOf({ url: other.url }, { connection }), never));
    expect(other.received[0]?.headers).not.toHaveProperty('authorization');
  });

  test.each([
    ['bearer', bearer, 'authorization'],
    ['a header', { header: { name: 'X-Api-Key', value: 'secret://token' } }, 'x-api-key'],
  ] as const)('after a redirect to another origin: %s', async (_what, auth, name) => {
    const other = await listen((_request, response) => json(response, 200, {}));
    const home = await listen(({ url }, response) =>
      response.writeHead(307, { location: url === '/a' ? '/b' : `${other.url}/c` }).end(),
    );
    const connection = connectionTo(home, auth, [other.host]);
    const input = { path: '/a', redirects: 2, headers: { cookie: 'a=b', 'x-kept': 'yes' } };
    resultOf(await blockFor([home, other]).perform(callOf(input, { connection }), never));
    expect(home.received.map(({ headers }) => headers[name])).toEqual([
      expect.stringContaining(TOKEN),
      expect.stringContaining(TOKEN),
    ]);
    expect(other.received[0]?.headers).toMatchObject({ 'x-kept': 'yes' });
    expect(other.received[0]?.headers).not.toHaveProperty(name);
    expect(other.received[0]?.headers).not.toHaveProperty('cookie');
  });
});

describe('a secret that cannot be had ends the call before anything is sent', () => {
  const unavailable: ResolveSecret = () => Promise.reject(new Error(`vault says ${TOKEN}`));
  const cases: [string, HttpAuth, string, boolean, ResolveSecret?][] = [
    ['missing', { bearer: 'secret://nothing' }, 'SECRET_NOT_FOUND', false],
    ["another tenant's", { bearer: 'secret://theirs' }, 'SECRET_NOT_FOUND', false],
    ['given literally', { bearer: 'sk_live_1234' }, 'SECRET_INLINE', false],
    ['not readable now', bearer, 'SECRET_UNAVAILABLE', true, unavailable],
    ['one that would break the header', { bearer: 'secret://broken' }, 'HEADER_INVALID', false],
  ];
  test.each(cases)('%s', async (_what, auth, code, retryable, resolve) => {
    const server = await listen((_request, response) => json(response, 200, {}));
    const connection = connectionTo(server, auth);
    const outcome = await blockFor([server], resolve).perform(callOf({ path: '/' }, { connection }), never);
    expect(outcome).toMatchObject({ kind: 'failed', error: { code, retryable } });
    expect(JSON.stringify(outcome)).not.toContain(TOKEN);
    expect(JSON.stringify(outcome)).not.toContain('sk_live');
    expect(server.received).toHaveLength(0);
  });

  test('and missing and foreign secrets read the same', async () => {
    const server = await listen((_request, response) => json(response, 200, {}));
    const block = blockFor([server]);
    const messages: string[] = [];
    for (const name of ['nothing', 'theirs']) {
      const connection = connectionTo(server, { bearer: `secret://${name}` });
      messages.push(
        errorIn(await block.perform(callOf({ path: '/' }, { connection }), never)).message.replace(name, ''),
      );
    }
    expect(messages[0]).toBe(messages[1]);
  });

  test('a header of the input does not replace it', async () => {
    const server = await listen((_request, response) => json(response, 200, {}));
    const input = { path: '/', headers: { Authorization: 'Bearer mine' } };
    const outcome = await blockFor([server]).perform(
      callOf(input, { connection: connectionTo(server, bearer) }),
      never,
    );
    expect(errorIn(outcome).code).toBe('HEADER_FORBIDDEN');
  });
});
