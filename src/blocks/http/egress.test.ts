import type { LookupFunction } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { errorIn, json, type LocalServer, callOf as make, never, resultOf, serve } from '../../testing/blocks.js';
import { isPublicAddress, openEgress } from './egress.js';
import { exchange } from './exchange.js';
import { createHttpRequest } from './request.js';

let server: LocalServer;
let other: LocalServer;
beforeAll(async () => {
  server = await serve(({ url }, response) => {
    const to = new URL(url, 'http://x').searchParams.get('to');
    if (to === null) json(response, 200, { here: url });
    else response.writeHead(302, { location: to }).end();
  });
  other = await serve((_request, response) => json(response, 200, { secret: 'metadata' }));
});
afterAll(async () => {
  await Promise.all([server.close(), other.close()]);
});

const answering =
  (...addresses: string[]): LookupFunction =>
  (_name, _options, callback) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );

describe('an address is public', () => {
  test.each(['93.184.216.34', '8.8.8.8', '2606:4700:4700::1111'])('%s', (address) =>
    expect(isPublicAddress(address)).toBe(true),
  );
});

describe('an address is not public', () => {
  test.each([
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '100.64.0.1',
    '100.100.100.200',
    '127.0.0.1',
    '127.1.2.3',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.1',
    '192.168.1.1',
    '198.18.0.1',
    '198.19.255.255',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::127.0.0.1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::7f00:1',
    '64:ff9b:1::1',
    '2001::1',
    '2002:7f00:1::',
    '100::1',
    'fc00::1',
    'fd12::1',
    'fe80::1',
    'fec0::1',
    'ff02::1',
    'not an address',
    '',
  ])('%j', (address) => expect(isPublicAddress(address)).toBe(false));
});

describe('a private target is refused before anything is sent', () => {
  const block = createHttpRequest({ resolveSecret: () => null });
  test.each([
    'http://169.254.169.254/latest/meta-data',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://0177.0.0.1/',
    'http://127.1/',
    'http://①②⑦.⓪.⓪.①/',
    'http://[::ffff:7f00:1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[::1]/',
    'http://[::]/',
    'http://localhost/',
    'http://localhost./',
    'http://api.localhost/',
    'http://10.1.2.3/',
    'https://192.168.0.1/',
    'http://93.184.216.34:8080/',
    'http://93.184.216.34:22/',
  ])('%s', async (url) => {
    const outcome = await block.perform(make({ url, method: 'POST' }), never);
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: { code: 'EGRESS_BLOCKED', errorNumber: 2003, class: 'denied', retryable: false },
    });
  });
});

describe('a public name', () => {
  test.each([
    ['resolves to a private address', ['10.0.0.1']],
    ['resolves to loopback', ['127.0.0.1']],
    ['has one private address among public ones', ['93.184.216.34', '127.0.0.1']],
    ['resolves to an IPv6 that maps a private one', ['::ffff:10.0.0.1']],
    ['resolves to nothing', []],
  ])('that %s is refused after DNS', async (_what, addresses) => {
    const block = createHttpRequest({ resolveSecret: () => null, lookup: answering(...addresses) });
    const outcome = await block.perform(make({ url: 'http://rebind.example/', method: 'POST' }), never);
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'EGRESS_BLOCKED' } });
  });
});

test('the connector itself refuses a private address, whatever was checked before', async () => {
  const egress = openEgress({ allowPrivate: new Set(), connectTimeoutMs: 1_000 });
  const request = { url: new URL(other.url), method: 'GET', headers: {}, body: null };
  for (const wire of [egress.pooled, egress.fresh]) {
    const { fault } = await exchange(wire, request, 1_000, never);
    expect(fault?.error).toMatchObject({
      code: 'EGRESS_BLOCKED',
      message: expect.stringContaining('not a public address'),
    });
  }
  expect(other.received).toHaveLength(0);
  await egress.close();
});

describe('the exemption of one host and port', () => {
  const block = () => createHttpRequest({ resolveSecret: () => null, allowPrivate: [server.host] });

  test('lets that target through and no other port of the host', async () => {
    expect(resultOf(await block().perform(make({ url: `${server.url}/a` }), never))).toMatchObject({
      status_code: 200,
    });
    expect(errorIn(await block().perform(make({ url: `${other.url}/a` }), never)).code).toBe('EGRESS_BLOCKED');
    expect(other.received).toHaveLength(0);
  });

  test.each([
    ['another private port', () => other.url],
    ['loopback on port 80', () => 'http://127.0.0.1/'],
    ['the metadata service', () => 'http://169.254.169.254/latest'],
  ])('does not cover a redirect to %s', async (_what, to) => {
    const url = `${server.url}/hop?to=${encodeURIComponent(to())}`;
    const outcome = await block().perform(make({ url, redirects: 3 }), never);
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'EGRESS_BLOCKED' } });
    expect(other.received).toHaveLength(0);
  });

  test('does not cover a redirect to a file', async () => {
    const url = `${server.url}/hop?to=${encodeURIComponent('file:///etc/passwd')}`;
    const outcome = await block().perform(make({ url, redirects: 3 }), never);
    expect(errorIn(outcome).code).toBe('URL_SCHEME');
  });

  test('does not exempt from the allowed hosts of a connection', async () => {
    const connection = { kind: 'http', base: 'https://trades.example' } as const;
    const outcome = await block().perform(make({ url: server.url }, { connection }), never);
    expect(errorIn(outcome).code).toBe('EGRESS_BLOCKED');
  });
});

describe('allowed hosts of a connection', () => {
  // The address is refused after the hosts were checked, so the message tells which of the two refused.
  const block = createHttpRequest({ resolveSecret: () => null, lookup: answering('10.0.0.1') });
  test.each([
    ['https://trades.example/x', [], 'does not resolve to public'],
    ['https://TRADES.example./x', [], 'allowed hosts'],
    ['https://api.partner.example/x', ['*.partner.example'], 'does not resolve to public'],
    ['https://partner.example/x', ['*.partner.example'], 'allowed hosts'],
    ['https://evilpartner.example/x', ['*.partner.example'], 'allowed hosts'],
    ['https://trades.example.evil.example/x', [], 'allowed hosts'],
    ['https://partner.example:8443/x', ['partner.example:8443'], 'does not resolve to public'],
    ['https://partner.example:8443/x', ['partner.example'], 'port 8443'],
    ['https://trades.example:9443/x', [], 'does not resolve to public', [9443]],
    ['https://[2606:4700::1]/x', [], 'allowed hosts'],
  ])('%s with %j: %s', async (url, allowHosts, message, allowPorts: number[] = []) => {
    const connection = { kind: 'http', base: 'https://trades.example/v1', allowHosts, allowPorts } as const;
    const outcome = await block.perform(make({ url }, { connection }), never);
    expect(errorIn(outcome)).toMatchObject({ code: 'EGRESS_BLOCKED', message: expect.stringContaining(message) });
  });

  test("base's own port is allowed without a list", async () => {
    const connection = { kind: 'http', base: 'https://trades.example:8443' } as const;
    const outcome = await block.perform(make({ path: '/x' }, { connection }), never);
    expect(errorIn(outcome).message).toContain('does not resolve to public');
  });
});
