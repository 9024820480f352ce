/**
 * The outside world: an HTTP server that notes every request in a file before it answers. `/honours/tenant/entity`
 * applies an Idempotency-Key once; `/blind/tenant/entity` applies whatever comes. By the seed some requests go wrong.
 */
import { appendFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomOf } from './random.js';

export const MISHAPS = ['500', 'applied-500', 'applied-silent', 'reset', 'applied-reset', 'drip'] as const;
type Mishap = (typeof MISHAPS)[number];

/** One line of the sink's file. */
export interface SinkEntry {
  readonly at: number; // epoch ms
  readonly mode: string; // honours, blind
  readonly tenant: string;
  readonly entity: string;
  readonly key: string; // Idempotency-Key
  readonly nth: number; // request with this key
  readonly applied: boolean;
  readonly mishap: Mishap | null;
  readonly authorized: boolean;
}

export interface SinkOptions {
  readonly file: string;
  readonly seed: number;
  readonly mishaps: number; // share of first and second requests that go wrong, 0 to 1
  readonly token: string; // the bearer token that requests must carry
}

/** Starts the server on a free port of loopback; answers the port. */
export async function startSink(options: SinkOptions): Promise<number> {
  const applied = new Set<string>();
  const seen = new Map<string, number>();
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      const { mishap, ...entry } = judge(request, options, seen);
      const applies = mishap === null || mishap.startsWith('applied') || mishap === 'drip';
      const again = entry.mode === 'honours' && applied.has(entry.key);
      if (applies) applied.add(entry.key);
      const line: SinkEntry = { ...entry, applied: applies && !again, mishap };
      appendFileSync(options.file, `${JSON.stringify(line)}\n`); // the note is there before anything is answered
      answer(response, mishap, again);
    });
  });
  server.keepAliveTimeout = 30_000;
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}

function judge(request: IncomingMessage, { seed, mishaps, token }: SinkOptions, seen: Map<string, number>) {
  const [mode = '', tenant = '', entity = ''] = (request.url ?? '').slice(1).split('/');
  const key = String(request.headers['idempotency-key'] ?? '');
  const nth = (seen.get(key) ?? 0) + 1;
  seen.set(key, nth);
  const random = randomOf(seed, `${tenant}/${entity}/${nth}`);
  const mishap = nth <= 2 && random.chance(mishaps) ? random.pick(MISHAPS) : null;
  const authorized = request.headers.authorization === `Bearer ${token}`;
  return { at: Date.now(), mode, tenant, entity, key, nth, mishap, authorized };
}

const DRIP_MS = 150;

function answer(response: ServerResponse, mishap: Mishap | null, again: boolean): void {
  const body = JSON.stringify({ ok: true, again });
  switch (mishap) {
    case null:
      response.writeHead(200, { 'content-type': 'application/json' }).end(body);
      return;
    case '500':
    case 'applied-500':
      response.writeHead(500, { 'content-type': 'text/plain' }).end('something broke');
      return;
    case 'applied-silent':
      setTimeout(() => response.destroy(), 30_000).unref();
      return;
    case 'reset':
    case 'applied-reset':
      response.socket?.resetAndDestroy();
      return;
    case 'drip':
      drip(response, body);
  }
}

function drip(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  let at = 0;
  const timer = setInterval(() => {
    response.write(body.slice(at, at + 2));
    at += 2;
    if (at < body.length && !response.destroyed) return;
    clearInterval(timer);
    response.end();
  }, DRIP_MS);
}
