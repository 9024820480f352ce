import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { cleanse, decodeContent } from '../content.js';
import { type BlockCode, BlockFault } from '../errors.js';
import type { Head } from './exchange.js';

const DECODERS = new Map([
  ['gzip', promisify(gunzip)],
  ['x-gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
  ['br', promisify(brotliDecompress)],
]);

/** What steps see of an answer: `steps.<id>.result`. */
export interface HttpResult {
  readonly status_code: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly body_encoding?: 'base64'; // the body is neither JSON nor text
  readonly latency_ms: number;
}

// Session secrets of the other side do not belong on the ledger.
const NOT_KEPT = new Set(['set-cookie', 'authorization', 'proxy-authenticate', 'www-authenticate']);

export interface Reading {
  readonly maxBytes: number; // when decompressed
  readonly latencyMs: number;
  readonly redact: (text: string) => string; // before anything is cut, so that no half of a secret is left
}

/** Throws `DECOMPRESSED_TOO_LARGE` or `RESPONSE_INVALID`. */
export async function readAnswer(head: Head, raw: Buffer, reading: Reading): Promise<HttpResult> {
  const { maxBytes, latencyMs, redact } = reading;
  const bytes = await decompress(raw, head.headers['content-encoding'], maxBytes);
  const { value, encoding } = decodeContent(bytes, head.headers['content-type']);
  const kept = Object.entries(head.headers).filter(([name]) => !NOT_KEPT.has(name));
  return {
    status_code: head.status,
    headers: Object.fromEntries(kept.map(([name, text]) => [redact(name), redact(text)])),
    body: encoding ? redactBytes(bytes, String(value), redact) : cleanse(value, redact),
    ...(encoding && { body_encoding: encoding }),
    latency_ms: latencyMs,
  };
}

function redactBytes(bytes: Buffer, base64: string, redact: Reading['redact']): string {
  const plain = bytes.toString('latin1');
  return redact(plain) === plain ? base64 : '[redacted]';
}

async function decompress(raw: Buffer, encoding: string | undefined, maxBytes: number): Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? 'identity';
  if (name === 'identity' || name === '' || raw.length === 0) return raw;
  const decode = DECODERS.get(name);
  if (!decode) throw new BlockFault('RESPONSE_INVALID', `content-encoding ${name} was not asked for`);
  try {
    return await decode(raw, { maxOutputLength: maxBytes });
  } catch (error) {
    if (error instanceof RangeError) {
      throw new BlockFault('DECOMPRESSED_TOO_LARGE', `the answer is larger than ${maxBytes} bytes when decompressed`);
    }
    throw new BlockFault('RESPONSE_INVALID', `the answer is not valid ${name}`);
  }
}

const EXCERPT = 2048; // characters of the other side's answer that an error keeps

/** The error of a status that is not a success, with what the other side said. */
export function statusFault(what: string, head: Head, result: HttpResult | null): BlockFault {
  const body = typeof result?.body === 'string' ? result.body.slice(0, EXCERPT) : (result?.body ?? null);
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const retryAfterMs = parseRetryAfter(head.headers['retry-after'], Date.now());
  const detail = { status_code: head.status, body: text.length > EXCERPT ? text.slice(0, EXCERPT) : body };
  const said = result === null || result.body === null ? '' : `: ${text.slice(0, 200)}`;
  return new BlockFault(statusCode(head.status), `${what} answered ${head.status}${said}`, {
    detail,
    ...(retryAfterMs !== undefined && (head.status === 429 || head.status === 503) && { retryAfterMs }),
  });
}

const statusCode = (status: number): BlockCode =>
  status === 429 ? 'HTTP_RATE_LIMITED' : status >= 500 ? 'HTTP_SERVER_ERROR' : 'HTTP_CLIENT_ERROR';

const MAX_RETRY_AFTER_MS = 24 * 3600 * 1000; // a longer wish is cut: a day later is somebody else's decision

/** Seconds or an HTTP date, as milliseconds from `now`; undefined for anything else. */
export function parseRetryAfter(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const at = /^\d+$/.test(value) ? now + Number(value) * 1000 : Date.parse(value);
  return Number.isNaN(at) ? undefined : Math.min(Math.max(0, at - now), MAX_RETRY_AFTER_MS);
}
