/**
 * API keys: `mr.<tenant>.<keyId>.<secret>`. Only the SHA-256 of the secret is stored: it has 256 random bits, so nothing
 * slower is needed.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { isTenantId } from '../core/ids.js';

/**
 * What a key may be good for. `admin` is good for everything of its tenant; `system` beside it for what belongs to no
 * tenant: dead letters that name none, which may hold anybody's data.
 */
export const SCOPES = [
  'exceptions:write',
  'exceptions:read',
  'approvals:decide',
  'dead-letters:write',
  'packs:write',
  'pipeline:read',
  'admin',
  'system',
] as const;
export type Scope = (typeof SCOPES)[number];

export interface KeyParts {
  readonly tenantId: string;
  readonly keyId: string;
  readonly secret: string;
}

export interface MadeKey {
  readonly key: string; // shown once, never stored
  readonly keyId: string;
  readonly secretHash: string;
}

const ID_BYTES = 9;
const SECRET_BYTES = 32;
const ID = /^[A-Za-z0-9_-]{12}$/;
const SECRET = /^[A-Za-z0-9_-]{43}$/;

/** Makes a key for a tenant; `random` gives that many random bytes. Throws TypeError for what is no tenant id. */
export function makeKey(tenantId: string, random: (bytes: number) => Buffer = randomBytes): MadeKey {
  if (!isTenantId(tenantId)) throw new TypeError('A key needs a tenant id.');
  const keyId = random(ID_BYTES).toString('base64url');
  const secret = random(SECRET_BYTES).toString('base64url');
  return { key: `mr.${tenantId}.${keyId}.${secret}`, keyId, secretHash: hashSecret(secret) };
}

/** The parts of a key, or null for text that cannot be one. */
export function parseKey(text: string): KeyParts | null {
  const [prefix, tenantId = '', keyId = '', secret = '', ...rest] = text.split('.');
  if (prefix !== 'mr' || rest.length > 0) return null;
  return isTenantId(tenantId) && ID.test(keyId) && SECRET.test(secret) ? { tenantId, keyId, secret } : null;
}

/** What is stored of a secret: SHA-256 in hex. */
export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');

const NO_HASH = hashSecret('');

/** Whether `secret` is the one behind `hash`; takes as long for no hash (null) as for a wrong one. */
export function secretMatches(secret: string, hash: string | null): boolean {
  const given = Buffer.from(hashSecret(secret), 'hex');
  const stored = Buffer.from(hash ?? NO_HASH, 'hex');
  return stored.length === given.length && timingSafeEqual(given, stored) && hash !== null;
}
