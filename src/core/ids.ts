/** Deterministic ids: a repeated decision makes the same ids, so that its events and calls are recognised. */
import { hash } from 'node:crypto';

// An id is made of its characters: a text that is put together of slices is a tree of them, six times as large.
const DASH = '-'.charCodeAt(0);
let digits = 0;
/** Of each character in the hash; -1 for a dash. */
const PLACES = Array.from('xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx', (char) => (char === '-' ? -1 : digits++));
const VERSION_AT = 14;
const VARIANT_AT = 19;
const CHARS = PLACES.map(() => DASH);

/** A UUID (version 8) made from `parts`; equal parts give an equal id, on every machine. */
export function deterministicId(...parts: readonly (string | number)[]): string {
  const hex = hash('sha1', parts.join('\u001f'));
  for (let i = 0; i < CHARS.length; i++) {
    const place = PLACES[i] as number;
    CHARS[i] = place < 0 ? DASH : hex.charCodeAt(place);
  }
  CHARS[VERSION_AT] = '8'.charCodeAt(0);
  CHARS[VARIANT_AT] = '89ab'.charCodeAt(Number.parseInt(hex.charAt(16), 16) & 0x3);
  return String.fromCharCode(...CHARS);
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
export const isUuid = (text: string): boolean => UUID.test(text);

const TENANT = /^[a-z0-9][a-z0-9_-]{0,62}$/i;
/** A tenant id: a letter or digit, then letters, digits, `_` and `-`, at most 63 characters; a UUID fits. */
export const isTenantId = (text: string): boolean => TENANT.test(text);

/** The Kafka record key of a case. */
export const caseKey = (tenantId: string, caseId: string): string => `${tenantId}:${caseId}`;

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
/** A trace context as W3C writes it, when that is what came; what is not is left out. */
export const traceparentOf = (text: unknown): string | null =>
  typeof text === 'string' && TRACEPARENT.test(text) ? text : null;
