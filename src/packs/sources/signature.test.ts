/** Signatures as each sender makes them. Standard Webhooks is signed by that project's own library. */
import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { ProblemError } from '../../core/errors.js';
import { packOf, problemsOf } from '../../testing/packs.js';
import type { SignatureScheme } from '../types.js';
import { checkSignature, WINDOW_MS } from './signature.js';

const NOW = Date.parse('2026-06-01T10:00:00Z');
const BODY = Buffer.from('{"a": 1,  "b":"é"}'); // blanks as nobody would serialise them again
const SECRET = 'c2VjcmV0LW9mLXRoZS1kZXNr';
const hmac = (secret: string, ...parts: (string | Uint8Array)[]): string => {
  const made = createHmac('sha256', secret);
  for (const part of parts) made.update(part);
  return made.digest('hex');
};
type Headers = Readonly<Record<string, string>>;

function standard(secret = SECRET, at = NOW, id = 'msg_1', body = BODY): Headers {
  const signature = new Webhook(secret).sign(id, new Date(at), body.toString());
  return { 'webhook-id': id, 'webhook-timestamp': String(Math.floor(at / 1_000)), 'webhook-signature': signature };
}
function grafana(secret = SECRET, at: number | null = NOW): Headers {
  if (at === null) return { 'x-grafana-alerting-signature': hmac(secret, BODY) };
  const time = String(at / 1_000);
  const signature = hmac(secret, `${time}:`, BODY);
  return { 'x-grafana-alerting-signature': signature, 'x-grafana-alerting-timestamp': time };
}
const SIGN: Readonly<Record<SignatureScheme, (secret: string) => Headers>> = {
  standardWebhooks: (secret) => standard(secret),
  github: (secret) => ({ 'x-hub-signature-256': `sha256=${hmac(secret, BODY)}` }),
  sentry: (secret) => ({ 'sentry-hook-signature': hmac(secret, BODY) }),
  pagerduty: (secret) => ({ 'x-pagerduty-signature': `v1=${hmac('old', BODY)},v1=${hmac(secret, BODY)}` }),
  grafana: (secret) => grafana(secret),
  token: (secret) => ({ authorization: `Bearer ${secret}` }),
};
const SCHEMES = Object.keys(SIGN) as SignatureScheme[];

/** The identity of a delivery, or the code of what is wrong with it. */
function checked(
  scheme: SignatureScheme,
  headers: Headers,
  { secrets = [SECRET], body = BODY, now = NOW, header = null as string | null } = {},
): string | null {
  try {
    return checkSignature({ scheme, secrets: [], header }, secrets, { headers, body, now });
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    expect(error.status).toBe(401);
    expect(error.problem.hint).not.toBe('');
    expect(JSON.stringify(error.problem)).not.toContain(SECRET);
    return error.problem.code;
  }
}

describe.each(SCHEMES)('a delivery signed by %s', (scheme) => {
  const good = SIGN[scheme](SECRET);

  it('is taken, also while the secret is being changed', () => {
    expect(checked(scheme, good) ?? '').not.toMatch(/^SIGNATURE/);
    expect(checked(scheme, good, { secrets: ['bmV3', SECRET] }) ?? '').not.toMatch(/^SIGNATURE/);
  });
  it('is refused without its headers', () => {
    expect(checked(scheme, {})).toBe('SIGNATURE_MISSING');
    for (const name of Object.keys(good)) {
      if (scheme === 'grafana' && name.endsWith('timestamp')) continue; // then the body alone would be signed
      expect(checked(scheme, { ...good, [name]: '' })).toBe('SIGNATURE_MISSING');
    }
  });
  it('is refused with another secret, none, or an empty one', () => {
    expect(checked(scheme, SIGN[scheme]('b3RoZXI='))).toBe('SIGNATURE_INVALID');
    expect(checked(scheme, good, { secrets: [] })).toBe('SIGNATURE_INVALID');
  });
  it('is refused when the signature is cut, or no signature at all', () => {
    for (const name of Object.keys(good).filter((one) => /signature|authorization/.test(one))) {
      for (const value of [good[name]?.slice(0, -4), 'x', 'v1,', 'sha256=', 'v1=', 'Bearer', '=']) {
        expect(checked(scheme, { ...good, [name]: value as string }), value).toBe('SIGNATURE_INVALID');
      }
    }
  });
});

it.each(SCHEMES.filter((scheme) => scheme !== 'token'))(
  '%s: a delivery is refused when one byte of the body differs, or it was serialised again',
  (scheme) => {
    const again = Buffer.from(JSON.stringify(JSON.parse(BODY.toString())));
    for (const body of [again, Buffer.concat([BODY, Buffer.from(' ')]), Buffer.from('')]) {
      expect(checked(scheme, SIGN[scheme](SECRET), { body })).toBe('SIGNATURE_INVALID');
    }
  },
);

describe('the time of a signature', () => {
  it.each(['standardWebhooks', 'grafana'] as const)('%s: within five minutes, before and after', (scheme) => {
    for (const shift of [-WINDOW_MS, 0, WINDOW_MS]) {
      expect(checked(scheme, SIGN[scheme](SECRET), { now: NOW + shift })).not.toMatch(/^SIGNATURE/);
    }
    for (const shift of [-WINDOW_MS - 1_000, WINDOW_MS + 1_000]) {
      expect(checked(scheme, SIGN[scheme](SECRET), { now: NOW + shift })).toBe('SIGNATURE_EXPIRED');
    }
  });
  it('cannot be changed or taken away', () => {
    const later = String(NOW / 1_000 + 60);
    expect(checked('standardWebhooks', { ...standard(), 'webhook-timestamp': later })).toBe('SIGNATURE_INVALID');
    expect(checked('grafana', { ...grafana(), 'x-grafana-alerting-timestamp': later })).toBe('SIGNATURE_INVALID');
    expect(checked('grafana', { ...grafana(), 'x-grafana-alerting-timestamp': '' })).toBe('SIGNATURE_INVALID');
  });
  it('that is no number is refused, though it was signed', () => {
    const signature = hmac(SECRET, 'soon:', BODY);
    const headers = { 'x-grafana-alerting-signature': signature, 'x-grafana-alerting-timestamp': 'soon' };
    expect(checked('grafana', headers)).toBe('SIGNATURE_EXPIRED');
  });
  it('may be missing where Grafana was not told to send it', () => {
    expect(checked('grafana', grafana(SECRET, null))).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('what a repeat is known by', () => {
  it('the id of Standard Webhooks, which is signed', () => {
    expect(checked('standardWebhooks', standard())).toBe('msg_1');
    expect(checked('standardWebhooks', { ...standard(), 'webhook-id': 'msg_2' })).toBe('SIGNATURE_INVALID');
  });
  it.each(['github', 'sentry', 'pagerduty'] as const)('%s: the body, whatever the other headers say', (scheme) => {
    const first = checked(scheme, { ...SIGN[scheme](SECRET), 'x-github-delivery': '1' });
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(checked(scheme, { ...SIGN[scheme](SECRET), 'x-github-delivery': '2' })).toBe(first);
  });
  it('nothing where a token says who sends, but not what', () => {
    expect(checked('token', SIGN.token(SECRET))).toBeNull();
  });
});

describe('Standard Webhooks', () => {
  it('a secret with its prefix is the same secret; one that decodes to nothing never fits', () => {
    expect(checked('standardWebhooks', standard(`whsec_${SECRET}`), { secrets: [`whsec_${SECRET}`] })).toBe('msg_1');
    expect(checked('standardWebhooks', standard(), { secrets: ['whsec_'] })).toBe('SIGNATURE_INVALID');
  });
  it('of several signatures one of version 1 is enough; other versions are left out', () => {
    const { 'webhook-signature': right, ...rest } = standard();
    const other = standard('b3RoZXI=')['webhook-signature'];
    expect(checked('standardWebhooks', { ...rest, 'webhook-signature': `v1a,xyz ${other} ${right}` })).toBe('msg_1');
    const wrong = String(right).replace('v1,', 'v2,');
    expect(checked('standardWebhooks', { ...rest, 'webhook-signature': wrong })).toBe('SIGNATURE_INVALID');
  });
});

describe('a token', () => {
  it('may stand in a header of its own', () => {
    const header = 'x-hook-token';
    expect(checked('token', { 'x-hook-token': SECRET }, { header })).toBeNull();
    expect(checked('token', { authorization: `Bearer ${SECRET}` }, { header })).toBe('SIGNATURE_MISSING');
    expect(checked('token', { 'x-hook-token': `Bearer ${SECRET}` }, { header })).toBe('SIGNATURE_INVALID');
  });
});

describe('`verify` in a pack', () => {
  const pack = (verify: string, kind = 'json') => ({
    'sources.yaml': `sources: { s: { kind: ${kind}, verify: ${verify} } }`,
  });

  it.each([
    [
      '{ standardWebhooks: secret://hook }',
      'json',
      { scheme: 'standardWebhooks', secrets: ['secret://hook'], header: null },
    ],
    [
      '{ github: [secret://new, secret://old] }',
      'github',
      { scheme: 'github', secrets: ['secret://new', 'secret://old'] },
    ],
    ['{ token: secret://t }', 'alertmanager', { scheme: 'token', header: null }],
    [
      '{ token: { secret: [secret://t], header: X-Hook-Token } }',
      'grafana',
      { scheme: 'token', header: 'x-hook-token' },
    ],
  ])('%s', (verify, kind, expected) => {
    expect(packOf(pack(verify, kind)).sources.get('s')?.verify).toMatchObject(expected);
  });
  it('a source without it verifies nobody', () => {
    expect(packOf({ 'sources.yaml': 'sources: { s: { kind: json } }' }).sources.get('s')?.verify).toBeNull();
  });
  it.each([
    ['true', 'VALUE_TYPE'],
    ['{}', 'VALUE_TYPE'],
    ['{ github: secret://a, token: secret://b }', 'VALUE_TYPE'],
    ['{ gihtub: secret://a }', 'VALUE_UNKNOWN'],
    ['{ sentry: secret://a }', 'VALUE_INVALID'],
    ['{ standardWebhooks: plain }', 'SECRET_INLINE'],
    ['{ standardWebhooks: [secret://a, 5] }', 'SECRET_INLINE'],
    ['{ standardWebhooks: { secret: secret://a } }', 'SECRET_INLINE'],
    ['{ standardWebhooks: [] }', 'VALUE_TYPE'],
    ['{ token: { secret: secret://a, extra: 1 } }', 'VALUE_TYPE'],
    ['{ token: { secret: secret://a, header: "two words" } }', 'VALUE_INVALID'],
    ['{ token: { header: X-A } }', 'SECRET_INLINE'],
  ])('%s is refused with %s', (verify, code) => {
    expect(problemsOf(pack(verify)).map((problem) => problem.code)).toEqual([code]);
    expect(problemsOf(pack(verify))[0]?.hint).toBeTruthy();
  });
});
