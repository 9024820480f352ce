/** Who may ask: on this machine whoever reaches loopback, but no web page; in a cluster the holder of a key. */
import type { FastifyRequest } from 'fastify';
import { type Problem, ProblemError } from '../core/errors.js';
import { type Directory, unknownTenant } from './directory.js';
import { parseKey, SCOPES, type Scope, secretMatches } from './keys.js';
import type { Principal } from './ports.js';

const LOCAL: Principal = { name: 'local', tenantId: null, scopes: new Set(SCOPES) };

/** Embedded: only this machine, and no page of another site in a browser on it (DNS rebinding, forms). */
export function admitLocal({ headers }: FastifyRequest): Principal {
  const { host = '', origin } = headers;
  if (!isLoopback(host)) {
    const hint = 'Use http://localhost, http://127.0.0.1 or http://[::1]; to serve others, run a cluster.';
    throw refused('HOST_FORBIDDEN', 'This address is not served: Host must be loopback.', hint, 403, 'host');
  }
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`) {
    const hint = 'Call from a program, or from a page of this server.';
    throw refused('ORIGIN_FORBIDDEN', 'Pages of other sites may not call this API.', hint, 403, 'origin');
  }
  return LOCAL;
}

const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;
const isLoopback = (host: string): boolean => LOOPBACK.test(host);

const BEARER = /^Bearer +([^\s]+)$/i;
const SEND = 'Send `Authorization: Bearer mr.…`; `millrace keys create` makes a key.';

/** Cluster: the principal of the request's key. Throws 401 AUTH_MISSING, AUTH_INVALID or AUTH_EXPIRED. */
export async function admitByKey({ headers }: FastifyRequest, directory: Directory, now: number): Promise<Principal> {
  if (headers.authorization === undefined) throw refused('AUTH_MISSING', 'There is no key.', SEND, 401);
  const key = parseKey(BEARER.exec(headers.authorization)?.[1] ?? '');
  const stored = key && (await directory.findKey(key.tenantId, key.keyId));
  const isRight = secretMatches(key?.secret ?? '', stored?.secretHash ?? null);
  if (!stored || !isRight) throw refused('AUTH_INVALID', 'This key is not known.', SEND, 401);
  if (stored.revokedAt !== null || (stored.expiresAt !== null && stored.expiresAt <= now)) {
    throw refused('AUTH_EXPIRED', 'This key is revoked or expired.', 'Make a new one: `millrace keys create`.', 401);
  }
  directory.noteUse(stored);
  const scopes = new Set(SCOPES.filter((scope) => stored.scopes.includes(scope)));
  return { name: stored.name, tenantId: stored.tenantId, scopes };
}

/** Throws 403 SCOPE_MISSING. */
export function requireScope({ scopes }: Principal, scope: Scope): void {
  if (scopes.has(scope) || scopes.has('admin')) return;
  const hint = `Make a key with it: \`millrace keys create --scope ${scope}\`.`;
  throw refused('SCOPE_MISSING', `This key needs the scope ${scope}.`, hint, 403);
}

/** What belongs to no tenant may hold anybody's data. Throws 403 SCOPE_MISSING. */
export function requireSystem({ scopes }: Principal): void {
  if (scopes.has('system') && scopes.has('admin')) return;
  const hint = 'Make a key with both: `millrace keys create --scope admin system`.';
  throw refused('SCOPE_MISSING', 'This key needs the scopes admin and system.', hint, 403);
}

/** Another tenant's routes look as if that tenant did not exist. Throws 404 TENANT_UNKNOWN. */
export function requireOwnTenant(principal: Principal, tenantId: string): void {
  if (principal.tenantId !== null && principal.tenantId !== tenantId) throw unknownTenant(tenantId, []);
}

const KEY_NAMES = new Set(['key', 'apikey', 'api_key', 'api-key', 'token', 'access_token', 'authorization', 'auth']);

/** Keys in URLs end in the logs of proxies. Throws 400 KEY_IN_URL, without repeating the key. */
export function refuseKeyInUrl(url: string): void {
  const query = url.indexOf('?');
  if (query === -1) return;
  for (const [name, value] of new URLSearchParams(url.slice(query + 1))) {
    if (!KEY_NAMES.has(name.toLowerCase()) && !value.startsWith('mr.')) continue;
    const hint = 'Revoke that key, URLs are logged on the way; send the new one as `Authorization: Bearer …`.';
    throw refused('KEY_IN_URL', 'There is a key in the URL.', hint, 400, 'Authorization');
  }
}

function refused(code: string, message: string, hint: string, status: number, path?: string): ProblemError {
  const problem: Problem = { code, message, hint, ...(path !== undefined && { path }) };
  return new ProblemError(problem, status);
}
