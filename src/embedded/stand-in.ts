/**
 * A small settlement desk in memory: the outside systems that the demo tenant's tools talk to, so that the demo needs no
 * network. Every answer follows from the requests before it alone; nothing depends on the clock or on chance.
 *
 * `GET /trades/{id}` · `POST /settlements/{id}/resubmit` · `POST /ssi/{counterparty}/refresh` · `POST /restart/{service}`,
 * and what the other packs ask for (`PLAIN`): it is noted and answered with `DONE`.
 *
 * An id that begins with `UNKNOWN` is not found (404). A settlement whose id ends in `-STUCK` cannot be resubmitted (409).
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface StandInRequest {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly idempotencyKey?: string;
}

export interface StandInAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** One effect that was applied. */
export interface StandInEntry {
  readonly action: string; // `resubmit`, `refresh`, `restart`, or the last word of a plain route
  readonly target: string;
  readonly idempotencyKey: string | null;
}

export interface StandIn {
  /** Answers one request. The same idempotency key gives the same answer and is applied once. */
  handle(request: StandInRequest): StandInAnswer;
  readonly log: readonly StandInEntry[]; // the latest effects, oldest first
}

const MAX_KEPT = 10_000; // keys and log entries; the demo runs for days without growing

/** Routes without a rule of their own. */
const PLAIN: ReadonlySet<string> = new Set([
  'trades/chase',
  'trades/borrow',
  'deployments/rollback',
  'issues/open',
  'tickets/reply',
  'tickets/assign',
  'payments/refund',
]);

const COUNTERPARTIES = ['ALPINE', 'BALTIC', 'CORVUS', 'DELTA'] as const;
const REASONS = ['SSI_MISMATCH', 'INSUFFICIENT_SECURITIES', 'LATE_MATCHING'] as const;
const CURRENCIES = ['CHF', 'EUR', 'USD'] as const;

/** A stand-in with nothing settled yet. */
export function createStandIn(): StandIn {
  const desk = new Map<string, number>(); // `action target` → how often it was applied
  const answered = new Map<string, { readonly route: string; readonly answer: StandInAnswer }>();
  const log: StandInEntry[] = [];

  const apply = (entry: StandInEntry): number => {
    const times = (desk.get(`${entry.action} ${entry.target}`) ?? 0) + 1;
    desk.set(`${entry.action} ${entry.target}`, times);
    log.push(entry);
    if (log.length > MAX_KEPT) log.shift();
    return times;
  };

  const plain = (action: string, target: string, key: string | null): StandInAnswer => {
    const times = apply({ action, target, idempotencyKey: key });
    return { status: 200, body: { id: target, action, status: 'DONE', times } };
  };

  const post = (kind: string, target: string, key: string | null): StandInAnswer => {
    switch (kind) {
      case 'settlements/resubmit': {
        if (target.endsWith('-STUCK')) return problem(409, 'SETTLEMENT_STUCK', `settlement ${target} needs the desk`);
        const submissions = apply({ action: 'resubmit', target, idempotencyKey: key });
        return { status: 200, body: { id: target, status: 'SETTLED', submissions } };
      }
      case 'ssi/refresh': {
        const version = 1 + apply({ action: 'refresh', target, idempotencyKey: key });
        return { status: 200, body: { counterparty: target, status: 'REFRESHED', version } };
      }
      case 'restart/': {
        const restarts = apply({ action: 'restart', target, idempotencyKey: key });
        return { status: 200, body: { service: target, status: 'RUNNING', restarts } };
      }
      default:
        return PLAIN.has(kind)
          ? plain(kind.split('/')[1] as string, target, key)
          : problem(404, 'NOT_FOUND', 'no such route');
    }
  };

  const handle = ({ method, path, idempotencyKey }: StandInRequest): StandInAnswer => {
    const [collection = '', target = '', action = '', ...rest] = segmentsOf(path);
    if (target === '' || rest.length > 0) return problem(404, 'NOT_FOUND', 'no such route');
    if (target.startsWith('UNKNOWN')) return problem(404, 'NOT_FOUND', `${target} is not known`);
    if (method === 'GET' && collection === 'trades' && action === '') {
      return { status: 200, body: tradeOf(target, desk.has(`resubmit ${target}`)) };
    }
    if (method !== 'POST') return problem(405, 'METHOD_NOT_ALLOWED', `${method} is not offered here`);
    const route = `${collection}/${action} ${target}`;
    const before = idempotencyKey === undefined ? undefined : answered.get(idempotencyKey);
    if (before) {
      return before.route === route ? before.answer : problem(422, 'KEY_REUSED', 'the key belongs to another request');
    }
    const answer = post(`${collection}/${action}`, target, idempotencyKey ?? null);
    if (idempotencyKey !== undefined) remember(answered, idempotencyKey, { route, answer });
    return answer;
  };
  return { handle, log };
}

const problem = (status: number, code: string, message: string): StandInAnswer => ({
  status,
  body: { error: { code, message } },
});

function segmentsOf(path: string): string[] {
  try {
    return (path.split('?')[0] ?? '').split('/').filter(Boolean).map(decodeURIComponent);
  } catch {
    return [];
  }
}

function remember<V>(kept: Map<string, V>, key: string, value: V): void {
  kept.set(key, value);
  const oldest = kept.keys().next().value;
  if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
}

function tradeOf(id: string, settled: boolean) {
  const number = [...id].reduce((hash, letter) => (hash * 31 + (letter.codePointAt(0) ?? 0)) % 1_000_003, 7);
  const pick = <T>(list: readonly [T, ...T[]]): T => list[number % list.length] ?? list[0];
  return {
    id,
    status: settled ? 'SETTLED' : 'FAILED',
    reason: settled ? null : pick(REASONS),
    counterparty: pick(COUNTERPARTIES),
    currency: pick(CURRENCIES),
    notional: 10_000 + (number % 5_000) * 1_000,
  };
}

export interface RunningStandIn {
  readonly url: string; // `http://127.0.0.1:43123`
  readonly standIn: StandIn;
  close(): Promise<void>;
}

/** Serves a stand-in, on loopback and a free port if nothing else is asked for. */
export async function startStandIn(port = 0, host = '127.0.0.1'): Promise<RunningStandIn> {
  const standIn = createStandIn();
  const server = createServer((request, response) => {
    answerHttp(standIn, request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${host}:${taken}`,
    standIn,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const MAX_BODY_BYTES = 262_144;

async function answerHttp(standIn: StandIn, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, body } = await readBody(request).then(
    (parsed) => {
      const key = request.headers['idempotency-key'];
      return standIn.handle({
        method: request.method ?? 'GET',
        path: request.url ?? '/',
        body: parsed,
        ...(typeof key === 'string' && { idempotencyKey: key }),
      });
    },
    () => problem(400, 'BODY_INVALID', 'the body is not JSON, or too large'),
  );
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new RangeError('body too large');
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? null : JSON.parse(text);
}
