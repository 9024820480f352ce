/** Webhooks in a cluster: the sender's signature in place of a key, repeats, challenges, and what is no exception. */
import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, expectProblem, type ServedApi, serveApi } from '../testing/api.js';
import type { AcceptedMany, AcceptedOne } from './schemas.js';

const SECRET = 'c2VjcmV0LW9mLXRoZS1kZXNr';
const SECRETS: Readonly<Record<string, string>> = { hook: SECRET, hub: 'hub-secret', bearer: 'hello' };

let served: ServedApi;
let hooks: string;
beforeAll(async () => {
  const resolveSecret = (tenantId: string, name: string) =>
    tenantId === served.tenantId ? (SECRETS[name] ?? null) : null;
  served = await serveApi({
    mode: 'cluster',
    deps: { resolveSecret },
    files: {
      'pack.yaml': 'name: acme\n',
      'sources.yaml': `sources:
  trades: { kind: json, verify: { standardWebhooks: [secret://not-yet, secret://hook] } }
  hub: { kind: github, verify: { github: secret://hub } }
  alerts: { kind: alertmanager, verify: { token: secret://bearer } }
  events: { kind: cloudevents, verify: { token: { secret: secret://bearer, header: X-Token } } }
  broken: { kind: json, verify: { standardWebhooks: secret://gone } }
  open: { kind: json }
`,
      'policies.yaml': 'default: { effect: deny, reason: none }\n',
    },
  });
  hooks = `/hooks/${served.tenantId}`;
});
afterAll(() => served?.close());

const accepted = (answer: Answer): AcceptedOne => {
  expect(answer.status, answer.text).toBe(202);
  return answer.json<AcceptedOne>();
};
function signed(body: string, { id = 'm-1', at = Date.now(), secret = SECRET } = {}) {
  const signature = new Webhook(secret).sign(id, new Date(at), body);
  return { 'webhook-id': id, 'webhook-timestamp': String(Math.floor(at / 1_000)), 'webhook-signature': signature };
}
const hub = (body: string, event: string) => ({
  'x-github-event': event,
  'x-hub-signature-256': `sha256=${createHmac('sha256', 'hub-secret').update(body).digest('hex')}`,
});

describe('a source that verifies its sender', () => {
  it('takes what is signed, without a key, over the bytes as they came', async () => {
    const body = '{ "type":"FAIL" ,\n "entity": "é-1"}';
    expect(accepted(await served.post(`${hooks}/trades`, body, signed(body)))).toMatchObject({ outcome: 'created' });
  });

  it.each<readonly [string, string, Readonly<Record<string, string>>, string]>([
    ['nothing signed', '{"type":"A"}', {}, 'SIGNATURE_MISSING'],
    ['another body', '{"type":"A"}', signed('{"type":"B"}'), 'SIGNATURE_INVALID'],
    ['another secret', '{"type":"A"}', signed('{"type":"A"}', { secret: 'b3RoZXI=' }), 'SIGNATURE_INVALID'],
    ['six minutes ago', '{"type":"A"}', signed('{"type":"A"}', { at: Date.now() - 360_000 }), 'SIGNATURE_EXPIRED'],
    ['in six minutes', '{"type":"A"}', signed('{"type":"A"}', { at: Date.now() + 360_000 }), 'SIGNATURE_EXPIRED'],
    ['no JSON, and not signed', '{', {}, 'SIGNATURE_MISSING'],
  ])('refuses %s', async (_, body, headers, code) => {
    const { hint } = expectProblem(await served.post(`${hooks}/trades`, body, headers), 401, code);
    expect(hint).not.toBe('');
  });

  it('a key does not make up for a signature', async () => {
    const answer = await served.post(`${hooks}/trades`, { type: 'A' }, { authorization: 'Bearer mr.x.y.z' });
    expectProblem(answer, 401, 'SIGNATURE_MISSING');
  });

  it('no body is no way around', async () => {
    expectProblem(await served.request(`${hooks}/trades`, { method: 'POST' }), 401, 'SIGNATURE_MISSING');
    const empty = await served.request(`${hooks}/events`, { method: 'POST', headers: { 'ce-specversion': '1.0' } });
    expectProblem(empty, 401, 'SIGNATURE_MISSING');
  });

  it('a secret that cannot be read is a fault here, told to who runs it and not to who sends', async () => {
    const document = expectProblem(await served.post(`${hooks}/broken`, { type: 'A' }), 503, 'SECRET_UNAVAILABLE');
    expect(JSON.stringify(document)).not.toContain('gone');
    expect(served.faults.map(String).join()).toContain('gone');
  });

  it('a token is compared, nothing more', async () => {
    const body = { version: '4', alerts: [] };
    expectProblem(await served.post(`${hooks}/alerts`, body), 401, 'SIGNATURE_MISSING');
    expectProblem(await served.post(`${hooks}/alerts`, body, { authorization: 'Bearer no' }), 401, 'SIGNATURE_INVALID');
    expect((await served.post(`${hooks}/alerts`, body, { authorization: 'Bearer hello' })).status).toBe(202);
  });
});

describe('what is not verified still needs a key', () => {
  it.each([
    ['a source that asks for no signature', () => `${hooks}/open`],
    ['a source that is not there', () => `${hooks}/nothing`],
    ['a tenant that is not there', () => '/hooks/nobody/trades'],
    ['the same source by the other route', () => `/exceptions/${served.tenantId}?source=trades`],
  ])('%s', async (_, path) => {
    const body = '{"type":"A"}';
    expectProblem(await served.post(path(), body, signed(body)), 401, 'AUTH_MISSING');
  });
});

describe('the same delivery again', () => {
  it('gets the same answer, and no second exception', async () => {
    const body = '{"type":"ONCE"}';
    const first = accepted(await served.post(`${hooks}/trades`, body, signed(body, { id: 'once' })));
    const again = accepted(
      await served.post(`${hooks}/trades`, body, signed(body, { id: 'once', at: Date.now() + 5_000 })),
    );
    expect(again).toEqual({ ...first, replayed: true });
    const other = accepted(await served.post(`${hooks}/trades`, body, signed(body, { id: 'another' })));
    expect(other.id).not.toBe(first.id);
  });

  it('is known by its body where the sender signs nothing else', async () => {
    const issue = { number: 7, title: 'It is broken' };
    const body = JSON.stringify({ action: 'opened', issue, repository: { full_name: 'acme/shop' } });
    const first = accepted(
      await served.post(`${hooks}/hub`, body, { ...hub(body, 'issues'), 'x-github-delivery': '1' }),
    );
    const again = accepted(
      await served.post(`${hooks}/hub`, body, { ...hub(body, 'issues'), 'x-github-delivery': '2' }),
    );
    expect(first).toMatchObject({ outcome: 'created', replayed: false });
    expect(again).toEqual({ ...first, replayed: true });
  });

  it('an id with another body is refused', async () => {
    const [one, two] = ['{"type":"ONE"}', '{"type":"TWO"}'];
    accepted(await served.post(`${hooks}/trades`, one, signed(one, { id: 'reused' })));
    expectProblem(
      await served.post(`${hooks}/trades`, two, signed(two, { id: 'reused' })),
      409,
      'IDEMPOTENCY_CONFLICT',
    );
  });
});

describe('what senders ask first', () => {
  it("GitHub's ping is answered, and said to be no exception", async () => {
    const body = '{"zen":"Keep it logically awesome.","hook_id":1}';
    const answer = await served.post(`${hooks}/hub`, body, hub(body, 'ping'));
    expect(answer.status).toBe(202);
    const skipped = [{ path: '(the document)', reason: 'the event `ping` tells of no exception' }];
    expect(answer.json<AcceptedMany>()).toMatchObject({ items: [], accepted: 0, skipped });
  });

  const ask = (path: string, origin: string) =>
    served.request(path, { method: 'OPTIONS', headers: { 'webhook-request-origin': origin } });

  it('a sender of CloudEvents may ask whether it may deliver', async () => {
    const answer = await ask(`${hooks}/events`, 'events.example');
    expect(answer.status).toBe(204);
    expect(answer.headers.get('webhook-allowed-origin')).toBe('events.example');
    expect(answer.headers.get('webhook-allowed-rate')).toBe('*');
    expect(answer.headers.get('allow')).toBe('POST, OPTIONS');
  });

  it.each([
    ['a source of another kind', () => `${hooks}/trades`, 'events.example'],
    ['a source that is not there', () => `${hooks}/nothing`, 'events.example'],
    ['a tenant that is not there', () => '/hooks/nobody/events', 'events.example'],
    ['a name that is none', () => `${hooks}/events`, 'a b'],
  ])('%s permits nothing', async (_, path, origin) => {
    const answer = await ask(path(), origin);
    expect(answer.status).toBe(204);
    expect(answer.headers.get('webhook-allowed-origin')).toBeNull();
  });
});

describe('a CloudEvent in binary mode', () => {
  const EVENT = { 'ce-specversion': '1.0', 'ce-source': '/s', 'ce-type': 't', 'x-token': 'hello' };
  const post = (id: string, init: RequestInit, extra: Readonly<Record<string, string>> = {}) =>
    served.request(`${hooks}/events`, { method: 'POST', ...init, headers: { ...EVENT, 'ce-id': id, ...extra } });

  it('may have no data, or data of any text', async () => {
    expect(accepted(await post('1', {}))).toMatchObject({ outcome: 'created' });
    expect(accepted(await post('2', { body: '<a/>' }, { 'content-type': 'application/xml' }))).toMatchObject({
      outcome: 'created',
    });
  });
  it('a NUL in its data or in an attribute is refused', async () => {
    expectProblem(await post('3', { body: 'a\u0000b' }, { 'content-type': 'text/plain' }), 400, 'TEXT_NUL');
    expectProblem(await post('4', {}, { 'ce-subject': 'a%00b' }), 400, 'CLOUDEVENT_INVALID', 'subject');
  });
});

it('a form is refused with what to choose at the sender', async () => {
  const headers = { 'content-type': 'application/x-www-form-urlencoded', ...hub('payload=%7B%7D', 'push') };
  const { hint } = expectProblem(await served.post(`${hooks}/hub`, 'payload=%7B%7D', headers), 415, 'CONTENT_TYPE');
  expect(hint).toContain('application/json');
});
