/** What the tests of blocks share: a call with defaults, and a real HTTP server on loopback. */
import { setMaxListeners } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BlockCall, BlockError, BlockOutcome } from '../blocks/port.js';

export const callOf = (input: unknown, more: Partial<BlockCall> = {}): BlockCall => ({
  tenantId: 'acme',
  caseId: 'case-1',
  executionId: 'execution-1',
  attempt: 1,
  idempotencyKey: 'key-1',
  input,
  connection: null,
  timeoutMs: 5_000,
  ...more,
});

export const never = new AbortController().signal;
setMaxListeners(0, never); // calls at once share it here; outside tests each has its own

export function resultOf(outcome: BlockOutcome): unknown {
  if (outcome.kind !== 'succeeded') throw new Error(`expected success, got ${JSON.stringify(outcome)}`);
  return outcome.result;
}

export function errorIn(outcome: BlockOutcome): BlockError {
  if (outcome.kind === 'succeeded') throw new Error(`expected an error, got ${JSON.stringify(outcome)}`);
  return outcome.error;
}

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface LocalServer {
  readonly url: string;
  readonly port: number;
  readonly host: string; // `127.0.0.1:43123`
  readonly received: readonly Received[]; // requests whose body has arrived
  close(): Promise<void>;
}

/** A real server on a free port of 127.0.0.1; `answer` is called when a request has arrived whole. */
export async function serve(
  answer: (request: Received, response: ServerResponse, count: number) => void,
): Promise<LocalServer> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      received.push({ method, url, headers, body: Buffer.concat(chunks).toString('utf8') });
      answer(received[received.length - 1] as Received, response, received.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    host: `127.0.0.1:${port}`,
    received,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export const json = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) =>
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
