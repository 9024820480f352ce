/** The health server of a process without an API: for probes, people (`?verbose`) and Prometheus. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One thing that must hold for the process to be ready. `detail` says why it does not, or what else is worth saying. */
export interface HealthCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

export interface HealthOptions {
  readonly port: number | null; // 0: any free one; null: nothing is served
  readonly host: string;
  readonly checks: () => Promise<readonly HealthCheck[]>;
  readonly metrics: () => Promise<string>;
}

export interface HealthServer {
  readonly port: number | null;
  close(): Promise<void>;
}

export interface HealthAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const TEXT = 'text/plain; charset=utf-8';
const METRICS = 'text/plain; version=0.0.4; charset=utf-8';

/** The answer of `/readyz`: 200 when every check holds, else 503; with `verbose` a line for each check. */
export function readyAnswer(checks: readonly HealthCheck[], verbose: boolean): HealthAnswer {
  const ready = checks.every(({ ok }) => ok);
  const verdict = ready ? 'readyz check passed' : 'readyz check failed';
  const lines = checks.map(({ name, ok, detail }) =>
    ok ? `[+]${name} ok${detail && `: ${detail}`}` : `[-]${name} failed: ${detail}`,
  );
  const body = verbose ? `${[...lines, verdict].join('\n')}\n` : ready ? 'ok\n' : `${verdict}\n`;
  return { status: ready ? 200 : 503, type: TEXT, body };
}

/** The answer of `/_health`: `{status, timestamp}`. */
export function healthAnswer(checks: readonly HealthCheck[]): HealthAnswer {
  const healthy = checks.every(({ ok }) => ok);
  const body = { status: healthy ? 'healthy' : 'unhealthy', timestamp: new Date().toISOString() };
  return { status: healthy ? 200 : 503, type: 'application/json', body: `${JSON.stringify(body)}\n` };
}

/** Checks that fail as a whole are one failed check: a probe always gets an answer. */
async function safely(checks: HealthOptions['checks']): Promise<readonly HealthCheck[]> {
  try {
    return await checks();
  } catch (error) {
    return [{ name: 'checks', ok: false, detail: (error as Error).message }];
  }
}

/** Serves `/livez`, `/readyz`, `/_health` and `/metrics`. Rejects if the port cannot be had (EADDRINUSE). */
export async function startHealthServer(options: HealthOptions): Promise<HealthServer> {
  const { port, host, checks, metrics } = options;
  if (port === null) return { port, close: async () => undefined };
  const routes = new Map<string, (query: URLSearchParams) => Promise<HealthAnswer>>([
    ['/livez', async () => ({ status: 200, type: TEXT, body: 'ok\n' })],
    ['/readyz', async (query) => readyAnswer(await safely(checks), query.has('verbose'))],
    ['/_health', async () => healthAnswer(await safely(checks))],
    ['/metrics', async () => ({ status: 200, type: METRICS, body: await metrics() })],
  ]);
  const answer = async (method = '', target = '/'): Promise<HealthAnswer> => {
    const [path = '', query] = target.split('?', 2);
    const route = routes.get(path);
    if (route === undefined) return { status: 404, type: TEXT, body: `Try ${[...routes.keys()].join(', ')}.\n` };
    if (method !== 'GET' && method !== 'HEAD') return { status: 405, type: TEXT, body: 'GET only.\n' };
    return route(new URLSearchParams(query));
  };
  const server = createServer((request, response) => {
    request.resume();
    const failed = (error: Error): HealthAnswer => ({ status: 500, type: TEXT, body: `${error.message}\n` });
    void answer(request.method, request.url)
      .catch(failed)
      .then((given) => send(response, given));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { port: (server.address() as AddressInfo).port, close };
}

function send(response: ServerResponse, { status, type, body }: HealthAnswer): void {
  const headers = { 'content-type': type, 'cache-control': 'no-store', 'content-length': Buffer.byteLength(body) };
  response.writeHead(status, headers).end(body);
}
