import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type ServedApi, serveApi } from '../testing/api.js';
import { keptHeaders } from './intake.js';
import type { AcceptedMany, AcceptedOne } from './schemas.js';

let served: ServedApi;
let exceptions: string;
let hooks: string;
beforeAll(async () => {
  served = await serveApi({
    files: {
      'pack.yaml': 'name: acme\n',
      'sources.yaml': `sources:
  alerts: { kind: alertmanager }
  events: { kind: cloudevents }
  breaks:
    kind: json
    split: "\${{ body.breaks }}"
    map: { type: "\${{ item.failType }}", entity: "\${{ item.tradeId }}", fields: { batch: "\${{ body.batch }}", from: "\${{ headers['x-from'] }}" } }
    fingerprint: [type, entity]
    resolve: item.status == 'SETTLED'
`,
      'policies.yaml': 'default: { effect: deny, reason: none }\n',
    },
  });
  exceptions = `/exceptions/${served.tenantId}`;
  hooks = `/hooks/${served.tenantId}`;
});
afterAll(() => served?.close());

const one = (answer: Answer): AcceptedOne => {
  expect(answer.status).toBe(202);
  return answer.json<AcceptedOne>();
};
const many = (answer: Answer): AcceptedMany => {
  expect(answer.status).toBe(202);
  return answer.json<AcceptedMany>();
};

/** The data of a case's first event: what was kept of the report. */
async function reported(id: string | null): Promise<Record<string, unknown>> {
  const { events } = (await served.get(`${exceptions}/${id}/timeline`)).json<{ events: { data: unknown }[] }>();
  return events[0]?.data as Record<string, unknown>;
}

describe('exceptions that are reported', () => {
  it('one is kept and answered with its id and where to find it', async () => {
    const { id, ...rest } = one(await served.post(exceptions, { type: 'FAIL', title: 'It failed', severity: 'high' }));
    const self = `${exceptions}/${id}`;
    expect(rest).toEqual({
      status: 'OPEN',
      outcome: 'created',
      replayed: false,
      links: { self, timeline: `${self}/timeline`, approvals: `${self}/approvals` },
    });
    expect((await served.get(self)).json()).toMatchObject({ id, status: 'OPEN', source: 'generic' });
    expect(await reported(id)).toMatchObject({ via: 'api', source: 'generic', item: { title: 'It failed' } });
  });

  it('a list is kept whole and answered in its order', async () => {
    const body = [
      { type: 'A', entity: 'list-1' },
      { type: 'A', entity: 'list-2' },
      { type: 'A', entity: 'list-1' },
    ];
    const { items, ...counts } = many(await served.post(exceptions, body));
    expect(counts).toEqual({ accepted: 3, created: 2, merged: 1, resolving: 0, ignored: 0, replayed: false });
    expect(items.map(({ outcome }) => outcome)).toEqual(['created', 'created', 'merged']);
    expect(items[2]?.id).toBe(items[0]?.id);
    expect(items[0]?.links).toEqual({ self: `${exceptions}/${items[0]?.id}` });
  });

  it('a list of one is answered as a list', async () => {
    expect(many(await served.post(exceptions, [{ type: 'A' }])).accepted).toBe(1);
  });

  it('an empty list is nothing', async () => {
    expect(many(await served.post(exceptions, []))).toMatchObject({ items: [], accepted: 0 });
  });

  it('a thousand lines are kept at once', async () => {
    const lines = Array.from({ length: 1_000 }, (_, i) => JSON.stringify({ type: 'LINE', entity: `line-${i}` }));
    const answer = await served.post(exceptions, `${lines.join('\r\n')}\n`, { 'content-type': 'application/x-ndjson' });
    const { items, created } = many(answer);
    expect(created).toBe(1_000);
    expect(new Set(items.map(({ id }) => id)).size).toBe(1_000);
  });

  it('a compressed body with a byte order mark is read', async () => {
    const body = new Uint8Array(gzipSync('\ufeff{"type":"ZIPPED"}'));
    const headers = { 'content-type': 'application/json; charset=utf-8', 'content-encoding': 'gzip' };
    const { id } = one(await served.request(exceptions, { method: 'POST', headers, body }));
    expect(await reported(id)).toMatchObject({ item: { type: 'ZIPPED' } });
  });

  it('the same fingerprint while it is open is the same exception', async () => {
    const body = { type: 'FAIL', fingerprint: 'same-thing' };
    const first = one(await served.post(exceptions, body));
    const second = one(await served.post(exceptions, { ...body, title: 'again' }));
    expect(second).toMatchObject({ id: first.id, outcome: 'merged' });
  });

  it('a trace goes on where it was begun', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const { id } = one(await served.post(exceptions, { type: 'TRACED' }, { traceparent }));
    const [event] = await served.memory.queries.timeline(served.tenantId, id as string);
    expect(event?.traceparent).toBe(traceparent);
    const other = one(await served.post(exceptions, { type: 'TRACED' }, { traceparent: 'nonsense' }));
    const [plain] = await served.memory.queries.timeline(served.tenantId, other.id as string);
    expect(plain?.traceparent).toBeNull();
  });

  it('a source of the pack may be named: then the body is that source’s', async () => {
    const body = {
      breaks: [
        { failType: 'SSI', tradeId: 'T-1' },
        { failType: 'SSI', tradeId: 'T-2' },
      ],
    };
    const { items } = many(await served.post(`${exceptions}?source=breaks`, body));
    expect(items).toHaveLength(2);
    expect(await reported(items[0]?.id ?? null)).toMatchObject({ via: 'api', source: 'breaks' });
  });

  it('requests that come together all get their own exception', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) => served.post(exceptions, { type: 'BURST', entity: i })),
    );
    expect(new Set(answers.map((answer) => one(answer).id)).size).toBe(40);
  });
});

describe('the same request again', () => {
  const KEY = { 'idempotency-key': 'a3c1' };

  it('gets the same answer, and another body under its key is refused', async () => {
    const body = [{ type: 'ONCE' }, { type: 'ONCE' }];
    const first = many(await served.post(exceptions, body, KEY));
    const again = many(await served.post(exceptions, body, KEY));
    expect(again).toEqual({ ...first, replayed: true });
    const other = await served.post(exceptions, [{ type: 'OTHER' }], KEY);
    expect(other.status).toBe(409);
    expect(other.json()).toMatchObject({ code: 'IDEMPOTENCY_CONFLICT', path: 'Idempotency-Key' });
    expect(many(await served.post(exceptions, body, KEY)).replayed).toBe(true);
  });

  it('is another request for another source', async () => {
    const body = { breaks: [{ failType: 'X', tradeId: 'K-1' }] };
    const headers = { 'idempotency-key': 'k-source' };
    expect((await served.post(`${exceptions}?source=breaks`, body, headers)).status).toBe(202);
    expect((await served.post(`${hooks}/breaks`, body, headers)).status).toBe(409);
  });

  it('at the same moment is kept once', async () => {
    const headers = { 'idempotency-key': 'k-at-once' };
    const answers = await Promise.all([1, 2, 3, 4].map(() => served.post(exceptions, { type: 'RACE' }, headers)));
    const ids = answers.filter(({ status }) => status === 202).map((answer) => answer.json<AcceptedOne>().id);
    const refused = answers.filter(({ status }) => status !== 202).map((answer) => answer.json().code);
    expect(new Set(ids).size).toBe(1);
    expect(refused.every((code) => code === 'IDEMPOTENCY_IN_PROGRESS')).toBe(true);
    expect(one(await served.post(exceptions, { type: 'RACE' }, headers))).toMatchObject({ id: ids[0], replayed: true });
  });

  it.each(['with space', 'x'.repeat(201)])('under the key %j is refused', async (key) => {
    const answer = await served.post(exceptions, { type: 'A' }, { 'idempotency-key': key });
    expect(answer.json()).toMatchObject({ status: 400, code: 'IDEMPOTENCY_KEY_INVALID' });
  });
});

describe('webhooks', () => {
  const alert = (name: string, status = 'firing') => ({
    status,
    labels: { alertname: name, instance: 'a' },
    annotations: {},
    startsAt: '2026-11-20T10:00:00Z',
    fingerprint: name,
  });

  it('each alert is an exception; one that is over and not open is ignored', async () => {
    const body = { version: '4', status: 'firing', alerts: [alert('Down'), alert('Slow'), alert('Gone', 'resolved')] };
    const { items, ignored } = many(await served.post(`${hooks}/alerts`, body));
    expect(items.map(({ outcome }) => outcome)).toEqual(['created', 'created', 'ignored']);
    expect(items[2]).toEqual({ id: null, status: null, outcome: 'ignored', links: {} });
    expect(ignored).toBe(1);
    const over = await served.post(`${hooks}/alerts`, { version: '4', alerts: [alert('Down', 'resolved')] });
    expect(one(over)).toMatchObject({ id: items[0]?.id, outcome: 'resolving' });
    const nothing = await served.post(`${hooks}/alerts`, { version: '4', alerts: [alert('Gone', 'resolved')] });
    expect(one(nothing)).toMatchObject({ id: null, links: {} });
  });

  it('a CloudEvent is read from its headers, and in its own content type', async () => {
    const headers = { 'ce-specversion': '1.0', 'ce-id': 'e-1', 'ce-source': '/x', 'ce-type': 'com.x.failed' };
    const binary = one(await served.post(`${hooks}/events`, { message: 'boom' }, headers));
    expect(await reported(binary.id)).toMatchObject({ item: { type: 'com.x.failed', data: { message: 'boom' } } });
    const event = { specversion: '1.0', id: 'e-2', source: '/x', type: 'com.x.failed' };
    const structured = { 'content-type': 'application/cloudevents+json' };
    expect(one(await served.post(`${hooks}/events`, event, structured)).outcome).toBe('created');
  });

  it('what the source reads of the request is kept with each exception, and no more', async () => {
    const body = {
      batch: 'B-7',
      secretNote: 'x',
      breaks: [
        { failType: 'SSI', tradeId: 'H-1' },
        { failType: 'SSI', tradeId: 'H-2' },
      ],
    };
    const headers = { 'x-from': 'desk', authorization: 'Bearer x', 'x-api-key': 'hidden' };
    const { items } = many(await served.post(`${hooks}/breaks`, body, headers));
    expect(await reported(items[0]?.id ?? null)).toMatchObject({
      via: 'hook',
      body: { batch: 'B-7' },
      headers: { 'x-from': 'desk' },
    });
  });

  it('no header that could be a secret is kept', () => {
    const headers = {
      'content-type': 'application/json',
      'ce-id': '1',
      'x-github-event': 'issues',
      'x-hub-signature-256': 's',
      'x-api-key': 'k',
      'x-auth-token': 't',
      'x-forwarded-for': '10.0.0.1',
      authorization: 'Bearer k',
      cookie: 'c',
    };
    expect(Object.keys(keptHeaders(headers))).toEqual(['content-type', 'ce-id', 'x-github-event']);
  });
});

it('every answer carries the id of its request, and each request is told', async () => {
  const answer = await served.get('/livez');
  expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  const told = served.told.filter(({ name }) => name === 'http.request').map(({ fields }) => fields);
  expect(told).toContainEqual(expect.objectContaining({ method: 'POST', route: '/exceptions/:tenantId', status: 202 }));
  expect(served.faults).toEqual([]);
});
