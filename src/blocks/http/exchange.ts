import type { Dispatcher } from 'undici';
import type { StopSignal } from '../../core/stop.js';
import { type BlockCode, BlockFault } from '../errors.js';

/** One request as it goes on the wire. */
export interface WireRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

export interface Head {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>; // lower-case names
}

/** `sent: false` guarantees that no byte of the request was written. */
export type Exchange =
  | { readonly sent: true; readonly head: Head; readonly body: Buffer; readonly fault: null }
  | { readonly sent: true; readonly head: Head; readonly body: null; readonly fault: BlockFault } // broke off after the head
  | { readonly sent: boolean; readonly head: null; readonly body: null; readonly fault: BlockFault };

/** How messages name a request: without the query, which may carry personal data. */
export const named = ({ method, url }: WireRequest): string => `${method} ${url.origin}${url.pathname}`;

/** What sends requests: of undici's agents only what is loaded of them (see `egress.ts`). */
export type Wire = Pick<Dispatcher, 'dispatch'>;

/** Sends one request and collects at most `maxBytes` of the answer as it came (not decompressed). Never rejects. */
export function exchange(wire: Wire, request: WireRequest, maxBytes: number, signal: StopSignal): Promise<Exchange> {
  return new Promise((resolve) => {
    const handler = new Collector(named(request), maxBytes, signal, resolve);
    if (signal.aborted) return handler.giveUp();
    wire.dispatch(
      {
        origin: request.url.origin,
        path: request.url.pathname + request.url.search,
        method: request.method,
        headers: { ...request.headers },
        body: request.body,
        headersTimeout: 0, // the signal ends the whole call
        bodyTimeout: 0,
      },
      handler,
    );
  });
}

class Collector implements Dispatcher.DispatchHandler {
  private controller: Dispatcher.DispatchController | null = null;
  private head: Head | null = null;
  private chunks: Buffer[] = [];
  private size = 0;
  private done = false;
  private readonly name: string;
  private readonly maxBytes: number;
  private readonly signal: StopSignal;
  private readonly resolve: (exchange: Exchange) => void;

  constructor(name: string, maxBytes: number, signal: StopSignal, resolve: (exchange: Exchange) => void) {
    this.name = name;
    this.maxBytes = maxBytes;
    this.signal = signal;
    this.resolve = resolve;
    signal.addEventListener('abort', this.giveUp);
  }

  readonly giveUp = (): void => this.fail(this.signal.reason);

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Given up while it waited for a connection: it must not be written any more.
    if (this.done) controller.abort(new BlockFault('CANCELED', 'given up before it was sent'));
    else this.controller = controller;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: RawHeaders): void {
    if (status < 200) return; // informational
    this.head = { status, headers: plainHeaders(headers) };
    if (Number(this.head.headers['content-length']) > this.maxBytes) this.tooLarge();
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.size += chunk.length;
    if (this.size > this.maxBytes) this.tooLarge();
    else this.chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (this.done || this.head === null) return;
    this.settle({ sent: true, head: this.head, body: Buffer.concat(this.chunks), fault: null });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: unknown): void {
    this.fail(error);
  }

  private tooLarge(): void {
    this.fail(new BlockFault('RESPONSE_TOO_LARGE', `the answer is larger than ${this.maxBytes} bytes`));
  }

  private fail(reason: unknown): void {
    if (this.done) return;
    const sent = this.controller !== null;
    const fault = reason instanceof BlockFault ? reason : networkFault(this.name, reason, sent);
    if (this.head !== null) this.settle({ sent: true, head: this.head, body: null, fault });
    else this.settle({ sent, head: null, body: null, fault });
    this.controller?.abort(fault);
  }

  private settle(exchange: Exchange): void {
    this.done = true;
    this.chunks = [];
    this.signal.removeEventListener('abort', this.giveUp);
    this.resolve(exchange);
  }
}

type RawHeaders = Readonly<Record<string, string | string[] | undefined>>;

function plainHeaders(headers: RawHeaders): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) plain[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return plain;
}

function networkFault(name: string, reason: unknown, sent: boolean): BlockFault {
  const code = reason instanceof Error && 'code' in reason ? String(reason.code) : '';
  const text = reason instanceof Error && reason.message !== '' ? reason.message : 'connection failed';
  return new BlockFault(
    networkCode(code, sent),
    `${name}: ${text}${code === '' || text.includes(code) ? '' : ` (${code})`}`,
  );
}

function networkCode(code: string, sent: boolean): BlockCode {
  if (code === 'UND_ERR_INVALID_ARG') return 'INTERNAL';
  if (/^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|EPROTO)/.test(code)) return 'TLS_INVALID';
  if (/^(HPE_|UND_ERR_HEADERS_OVERFLOW)/.test(code)) return 'RESPONSE_INVALID';
  if (sent) return 'CONNECTION_RESET';
  if (/^(ENOTFOUND|EAI_)/.test(code)) return 'DNS_FAILED';
  if (/^(UND_ERR_CONNECT_TIMEOUT|ETIMEDOUT)$/.test(code)) return 'CONNECT_TIMEOUT';
  return 'CONNECT_FAILED';
}
