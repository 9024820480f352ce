/** Deterministic ids: a repeated decision makes the same ids, so that its events and calls are recognised. */
import { hash } from 'node:crypto';

/** A UUID (version 8) made from `parts`; equal parts give an equal id, on every machine. */
export function deterministicId(...parts: readonly (string | number)[]): string {
  const hex = hash('sha1', parts.join('\u001f'));
  const variant = '89ab'.charAt(Number.parseInt(hex.charAt(16), 16) & 0x3);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
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
