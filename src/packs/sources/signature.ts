/** Checks who sent a webhook: over the bytes as they came, in constant time, with any of the secrets. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { ProblemError } from '../../core/errors.js';
import type { Verification } from '../types.js';

export interface SignedRequest {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>; // names in lower case
  readonly body: Uint8Array; // before anything parsed it
  readonly now: number; // epoch ms
}

/** A signature older or newer than this is not taken, where its time is signed. */
export const WINDOW_MS = 300_000;

/**
 * What identifies the delivery, by what is signed: the same again is a repeat, whatever its other headers say. Null for
 * a token, which signs nothing. Throws ProblemError 401: SIGNATURE_MISSING, SIGNATURE_INVALID, SIGNATURE_EXPIRED.
 */
export function checkSignature(
  verification: Verification,
  secrets: readonly string[],
  request: SignedRequest,
): string | null {
  const { scheme } = verification;
  const header = (name: string): string | undefined => {
    const value = request.headers[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  if (scheme === 'token') return checkToken(verification, secrets, header);
  const { names, read, advice } = SCHEMES[scheme];
  const missing = names.find((name) => header(name) === undefined);
  if (missing !== undefined) throw refused('MISSING', `There is no header \`${missing}\`.`, advice);
  const { given, signed, key, sentAt, identity } = read((name) => header(name) ?? '', request.body);
  const isRight = secrets.map((secret) => matches(given, signed, key(secret))).includes(true);
  if (!isRight) throw refused('INVALID', 'The signature does not fit the body and the secret.', advice);
  if (sentAt !== null && !(Math.abs(request.now - sentAt) <= WINDOW_MS)) {
    const message = `The signature is from another time than the last ${WINDOW_MS / 60_000} minutes.`;
    throw refused('EXPIRED', message, 'Check the clocks; do not send an old request again as it was.');
  }
  return identity;
}

interface Read {
  readonly given: readonly Buffer[]; // signatures; a sender that changes its secret sends two
  readonly signed: readonly (string | Uint8Array)[];
  readonly key: (secret: string) => Buffer;
  readonly sentAt: number | null; // only where it is signed
  readonly identity: string;
}
interface Scheme {
  readonly names: readonly string[]; // of headers without which there is no signature
  readonly advice: string;
  readonly read: (header: (name: string) => string, body: Uint8Array) => Read;
}

const utf8 = (secret: string): Buffer => Buffer.from(secret, 'utf8');
const hex = (text: string): Buffer => Buffer.from(text.trim(), 'hex');
const hashOf = (body: Uint8Array): string => createHash('sha256').update(body).digest('hex');

/** Signatures of a list such as `v1=abc,v1=def` or `v1,abc v1,def`; other versions are left out. */
const versioned = (text: string, between: string, mark: string): string[] =>
  text
    .split(between)
    .map((one) => one.trim())
    .filter((one) => one.startsWith(mark))
    .map((one) => one.slice(mark.length));

/** The body is signed, and nothing else: no time, so the body is also what a repeat is known by. */
const bodyAlone = (given: readonly Buffer[], body: Uint8Array): Read => ({
  given,
  signed: [body],
  key: utf8,
  sentAt: null,
  identity: hashOf(body),
});

const SCHEMES: Readonly<Record<Exclude<Verification['scheme'], 'token'>, Scheme>> = {
  standardWebhooks: {
    names: ['webhook-signature', 'webhook-id', 'webhook-timestamp'],
    advice:
      'Sign `id.timestamp.body` as standardwebhooks.com says; the secret is base64, with `whsec_` before it or not.',
    read: (header, body) => {
      const [id, time] = [header('webhook-id'), header('webhook-timestamp')];
      return {
        given: versioned(header('webhook-signature'), ' ', 'v1,').map((text) => Buffer.from(text, 'base64')),
        signed: [`${id}.${time}.`, body],
        key: (secret) => Buffer.from(secret.replace(/^whsec_/, ''), 'base64'),
        sentAt: Number(time) * 1_000,
        identity: id,
      };
    },
  },
  github: {
    names: ['x-hub-signature-256'],
    advice: "Set the same secret in the webhook's settings at GitHub.",
    read: (header, body) => bodyAlone(versioned(header('x-hub-signature-256'), ',', 'sha256=').map(hex), body),
  },
  sentry: {
    names: ['sentry-hook-signature'],
    advice: "The secret is the Client Secret of Sentry's integration.",
    read: (header, body) => bodyAlone([hex(header('sentry-hook-signature'))], body),
  },
  pagerduty: {
    names: ['x-pagerduty-signature'],
    advice: 'The secret is the one that PagerDuty showed when the webhook subscription was made.',
    read: (header, body) => bodyAlone(versioned(header('x-pagerduty-signature'), ',', 'v1=').map(hex), body),
  },
  grafana: {
    names: ['x-grafana-alerting-signature'],
    advice:
      'Set the secret under HMAC Signature of the contact point, and X-Grafana-Alerting-Timestamp as timestamp header.',
    read: (header, body) => {
      const time = header('x-grafana-alerting-timestamp');
      const given = [hex(header('x-grafana-alerting-signature'))];
      if (time === '') return bodyAlone(given, body);
      const signed = [`${time}:`, body];
      return { given, signed, key: utf8, sentAt: Number(time) * 1_000, identity: `${time}:${hashOf(body)}` };
    },
  },
};

function matches(given: readonly Buffer[], signed: readonly (string | Uint8Array)[], key: Buffer): boolean {
  if (key.length === 0) return false; // anybody could sign with nothing
  const hmac = createHmac('sha256', key);
  for (const part of signed) hmac.update(part);
  const expected = hmac.digest();
  return given.map((one) => one.length === expected.length && timingSafeEqual(one, expected)).includes(true);
}

function checkToken(
  { header: name }: Verification,
  secrets: readonly string[],
  header: (name: string) => string | undefined,
): null {
  const where = name === null ? '`Authorization: Bearer …`' : `\`${name}\``;
  const advice = `Send the secret of this source in the header ${where}.`;
  const value = header(name ?? 'authorization');
  if (value === undefined) throw refused('MISSING', `There is no header ${where}.`, advice);
  const given = digest(name === null ? value.replace(/^Bearer +/i, '') : value);
  const isRight = secrets.map((secret) => timingSafeEqual(digest(secret), given)).includes(true);
  if (!isRight) throw refused('INVALID', `The header ${where} does not hold the secret.`, advice);
  return null;
}

/** Of the same length for every text, so that the comparison says nothing about it. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

const refused = (code: 'MISSING' | 'INVALID' | 'EXPIRED', message: string, hint: string): ProblemError =>
  new ProblemError({ code: `SIGNATURE_${code}`, message, hint }, 401);
