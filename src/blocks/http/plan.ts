/** From a call's input and connection to the request that goes out: everything checked before a byte is sent. */
import { z } from 'zod';
import type { CallEffect } from '../../core/work.js';
import { BlockFault, parseInput } from '../errors.js';
import type { BlockCall, HttpConnection, ResolveSecret } from '../port.js';
import { openSecret } from '../secrets.js';
import type { Reach } from './egress.js';
import type { WireRequest } from './exchange.js';

const Scalar = z.union([z.string(), z.number(), z.boolean()]);

export const HttpInput = z.strictObject({
  method: z
    .string()
    .toUpperCase()
    .pipe(z.enum(['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE']))
    .default('GET'),
  url: z.string().max(8192).optional(), // absolute
  path: z.string().max(8192).optional(), // appended to the connection's base
  query: z.record(z.string(), z.union([Scalar, z.array(Scalar), z.null()])).default({}),
  headers: z.record(z.string(), Scalar).default({}),
  body: z.unknown().optional(), // a string goes as it is, anything else as JSON
  timeout_ms: z.number().int().positive().optional(), // the call's own limit still holds
  redirects: z.number().int().min(0).max(3).default(0), // how many to follow
});
export type HttpInput = z.infer<typeof HttpInput>;

const Auth = z.union([
  z.strictObject({ bearer: z.string() }),
  z.strictObject({ basic: z.strictObject({ user: z.string(), password: z.string() }) }),
  z.strictObject({ header: z.strictObject({ name: z.string(), value: z.string() }) }),
]);

const ConnectionShape = z.looseObject({
  kind: z.literal('http'),
  base: z.string(),
  auth: Auth.optional(),
  allowHosts: z.array(z.string()).optional(),
  allowPorts: z.array(z.number().int().min(1).max(65535)).optional(),
});

export interface Plan {
  readonly request: WireRequest;
  readonly reach: Reach;
  readonly effect: CallEffect;
  readonly redirects: number;
  readonly timeoutMs: number;
  readonly authHeader: string | null; // dropped when a redirect leaves the origin
  readonly secrets: readonly string[];
}

/** Throws `PARAM_*`, `CONNECTION_INVALID`, `URL_*`, `HEADER_*` or `SECRET_*`. */
export async function planRequest(
  call: BlockCall,
  resolveSecret: ResolveSecret,
  aliases: Readonly<Record<string, string>>,
): Promise<Plan> {
  const input = parseInput(HttpInput, call.input);
  const connection = call.connection === null ? null : checkConnection(call.connection);
  const base = connection === null ? null : baseOf(aliases[connection.base] ?? connection.base);
  const url = targetOf(input, base);
  const headers = checkHeaders(input.headers);
  const body = bodyOf(input, headers);
  const secrets: string[] = [];
  let authHeader: string | null = null;
  if (connection?.auth && url.origin === base?.origin) {
    const auth = await openAuth(call.tenantId, connection.auth, resolveSecret);
    if (headers[auth.name] !== undefined) {
      throw new BlockFault('HEADER_FORBIDDEN', `header ${auth.name} is set by the connection`);
    }
    headers[auth.name] = auth.value;
    authHeader = auth.name;
    secrets.push(...auth.secrets);
  }
  addOwnHeaders(headers, input.method, call);
  return {
    request: { url, method: input.method, headers, body },
    reach: reachOf(connection, base),
    effect: call.effect ?? effectOf(input.method),
    redirects: input.redirects,
    timeoutMs: Math.min(call.timeoutMs, input.timeout_ms ?? call.timeoutMs),
    authHeader,
    secrets,
  };
}

/** By HTTP's own words: GET reads, PUT and DELETE may be repeated, POST and PATCH may not. */
const effectOf = (method: string): CallEffect =>
  method === 'POST' || method === 'PATCH'
    ? 'at_most_once'
    : method === 'PUT' || method === 'DELETE'
      ? 'idempotent'
      : 'read';

const checked = new WeakMap<HttpConnection, z.infer<typeof ConnectionShape>>();

/** Once for each connection of a pack version, not for each call. */
function checkConnection(connection: HttpConnection): z.infer<typeof ConnectionShape> {
  const known = checked.get(connection);
  if (known !== undefined) return known;
  const parsed = ConnectionShape.safeParse(connection);
  if (parsed.success) {
    checked.set(connection, parsed.data);
    return parsed.data;
  }
  const issue = parsed.error.issues[0];
  throw new BlockFault('CONNECTION_INVALID', `connection.${issue?.path.join('.')}: ${issue?.message}`);
}

let last: { readonly text: string; readonly url: URL } | undefined;

/** The last one is kept: most calls in a row are of one system. Nobody changes it. */
function baseOf(base: string): URL {
  if (last?.text !== base) last = { text: base, url: parseBase(base) };
  return last.url;
}

function parseBase(base: string): URL {
  const url = parseUrl(base, 'connection.base');
  if (url.search !== '' || url.hash !== '') {
    throw new BlockFault('CONNECTION_INVALID', 'connection.base must not have a query or a fragment');
  }
  return url;
}

function reachOf(connection: z.infer<typeof ConnectionShape> | null, base: URL | null): Reach {
  if (connection === null || base === null) return { hosts: null, ports: [] };
  return {
    hosts: [base.host, ...(connection.allowHosts ?? [])],
    ports: [...(connection.allowPorts ?? [])],
  };
}

function targetOf(input: HttpInput, base: URL | null): URL {
  if ((input.url === undefined) === (input.path === undefined)) {
    throw new BlockFault('PARAM_MISSING', 'exactly one of url and path is required');
  }
  const url = input.url !== undefined ? parseUrl(input.url, 'url') : join(base, input.path ?? '');
  for (const [name, value] of Object.entries(input.query)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== null) url.searchParams.append(name, String(item));
    }
  }
  url.hash = '';
  return url;
}

function join(base: URL | null, path: string): URL {
  if (base === null) throw new BlockFault('PARAM_INVALID', 'path needs a connection; give url without one');
  if (!path.startsWith('/')) throw new BlockFault('URL_INVALID', 'path must begin with /');
  // Data interpolated into a path must not climb out of it.
  const segments = (path.split(/[?#]/)[0] ?? '').split('/');
  if (segments.some((segment) => /^(\.|%2e){1,2}$/i.test(segment))) {
    throw new BlockFault('URL_INVALID', 'path must not have . or .. segments');
  }
  return parseUrl(base.href.replace(/\/$/, '') + path, 'path');
}

function parseUrl(text: string, what: string): URL {
  // The URL parser drops tabs and newlines and reads \ as /: what is called would not be what was written.
  const strange = text.includes('\\') || hasControl(text);
  const url = strange ? undefined : absolute(text);
  if (url === undefined) throw new BlockFault('URL_INVALID', `${what} is not a valid absolute URL`);
  return url;
}

/** Parsed once: `canParse` would do it, too, for nothing. */
function absolute(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const hasControl = (text: string): boolean => /\p{Cc}/u.test(text);
const isHeaderValue = (text: string): boolean =>
  !hasControl(text.replaceAll('\t', ' ')) && /^[\t -\u00ff]*$/.test(text);
const FORBIDDEN = new Set([
  ...['host', 'content-length', 'transfer-encoding', 'connection', 'keep-alive', 'upgrade', 'te', 'trailer', 'expect'],
  ...['proxy-authorization', 'proxy-connection', 'accept-encoding', 'idempotency-key', 'traceparent', 'tracestate'],
]);

function checkHeaders(given: HttpInput['headers']): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    const lower = name.toLowerCase();
    if (!TOKEN.test(name)) throw new BlockFault('HEADER_INVALID', `${JSON.stringify(name)} is not a header name`);
    if (FORBIDDEN.has(lower)) throw new BlockFault('HEADER_FORBIDDEN', `header ${name} is set by the block itself`);
    if (!isHeaderValue(String(value))) {
      throw new BlockFault(
        'HEADER_INVALID',
        `the value of header ${name} has a line break or another illegal character`,
      );
    }
    headers[lower] = String(value);
  }
  return headers;
}

function bodyOf(input: HttpInput, headers: Record<string, string>): string | null {
  if (input.body === undefined || input.body === null) return null;
  if (input.method === 'GET' || input.method === 'HEAD') {
    throw new BlockFault('PARAM_INVALID', `body: ${input.method} has none`);
  }
  const text = typeof input.body === 'string' ? input.body : JSON.stringify(input.body);
  headers['content-type'] ??= typeof input.body === 'string' ? 'text/plain; charset=utf-8' : 'application/json';
  return text;
}

function addOwnHeaders(headers: Record<string, string>, method: string, call: BlockCall): void {
  headers['accept-encoding'] = 'gzip, deflate, br';
  headers['user-agent'] ??= 'millrace';
  if (method !== 'GET' && method !== 'HEAD') {
    headers['idempotency-key'] = /^[\x21-\x7e]+$/.test(call.idempotencyKey)
      ? call.idempotencyKey
      : encodeURIComponent(call.idempotencyKey);
  }
  if (call.traceparent !== undefined && /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(call.traceparent)) {
    headers.traceparent = call.traceparent;
  }
}

interface OpenedAuth {
  readonly name: string;
  readonly value: string;
  readonly secrets: readonly string[];
}

async function openAuth(tenantId: string, auth: z.infer<typeof Auth>, resolve: ResolveSecret): Promise<OpenedAuth> {
  const opened = await readAuth(tenantId, auth, resolve);
  if (!TOKEN.test(opened.name) || !isHeaderValue(opened.value)) {
    throw new BlockFault('HEADER_INVALID', "the connection's auth does not make a valid header");
  }
  return opened;
}

async function readAuth(tenantId: string, auth: z.infer<typeof Auth>, resolve: ResolveSecret): Promise<OpenedAuth> {
  if ('bearer' in auth) {
    const token = await openSecret(tenantId, auth.bearer, resolve);
    return { name: 'authorization', value: `Bearer ${token}`, secrets: [token] };
  }
  if ('basic' in auth) {
    const password = await openSecret(tenantId, auth.basic.password, resolve);
    const pair = `${auth.basic.user}:${password}`;
    return { name: 'authorization', value: `Basic ${Buffer.from(pair).toString('base64')}`, secrets: [password, pair] };
  }
  const value = await openSecret(tenantId, auth.header.value, resolve);
  return { name: auth.header.name.toLowerCase(), value, secrets: [value] };
}
