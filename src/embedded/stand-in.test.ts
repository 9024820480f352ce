import { afterEach, describe, expect, test } from 'vitest';
import { createStandIn, type RunningStandIn, startStandIn } from './stand-in.js';

const post = (path: string, idempotencyKey?: string) => ({
  method: 'POST',
  path,
  body: null,
  ...(idempotencyKey !== undefined && { idempotencyKey }),
});
const get = (path: string) => ({ method: 'GET', path, body: null });

describe('the settlement desk', () => {
  test('settles a failed trade when it is resubmitted', () => {
    const desk = createStandIn();
    const before = desk.handle(get('/trades/T-1001'));
    expect(before).toMatchObject({ status: 200, body: { id: 'T-1001', status: 'FAILED', reason: expect.any(String) } });
    expect(desk.handle(post('/settlements/T-1001/resubmit'))).toEqual({
      status: 200,
      body: { id: 'T-1001', status: 'SETTLED', submissions: 1 },
    });
    expect(desk.handle(get('/trades/T-1001')).body).toMatchObject({ status: 'SETTLED', reason: null });
  });

  test('applies a key once and gives the same answer again', () => {
    const desk = createStandIn();
    const first = desk.handle(post('/settlements/T-1/resubmit', 'k1'));
    expect(desk.handle(post('/settlements/T-1/resubmit', 'k1'))).toEqual(first);
    expect(desk.handle(post('/settlements/T-1/resubmit', 'k2')).body).toMatchObject({ submissions: 2 });
    expect(desk.log.map(({ idempotencyKey }) => idempotencyKey)).toEqual(['k1', 'k2']);
  });

  test('refuses a key that belongs to another request', () => {
    const desk = createStandIn();
    desk.handle(post('/settlements/T-1/resubmit', 'k1'));
    expect(desk.handle(post('/settlements/T-2/resubmit', 'k1')).status).toBe(422);
    expect(desk.log).toHaveLength(1);
  });

  test('answers two desks alike', () => {
    const requests = [
      get('/trades/T-7'),
      post('/ssi/ALPINE/refresh', 'a'),
      post('/restart/pricing'),
      get('/trades/T-8'),
    ];
    const [one, two] = [createStandIn(), createStandIn()];
    expect(requests.map(one.handle)).toEqual(requests.map(two.handle));
  });

  test.each([
    [post('/ssi/ALPINE/refresh'), 200, { counterparty: 'ALPINE', status: 'REFRESHED', version: 2 }],
    [post('/restart/pricing'), 200, { service: 'pricing', status: 'RUNNING', restarts: 1 }],
    [post('/tickets/48101/reply'), 200, { id: '48101', action: 'reply', status: 'DONE', times: 1 }],
    [post('/settlements/T-9-STUCK/resubmit'), 409, { error: { code: 'SETTLEMENT_STUCK' } }],
    [get('/trades/UNKNOWN-1'), 404, { error: { code: 'NOT_FOUND' } }],
    [get('/trades/a%2'), 404, { error: { code: 'NOT_FOUND' } }],
    [get('/'), 404, {}],
    [post('/trades/T-1/explode'), 404, {}],
    [post('/a/b/c/d'), 404, {}],
    [{ method: 'DELETE', path: '/trades/T-1', body: null }, 405, {}],
  ])('$method $path', (request, status, body) => {
    expect(createStandIn().handle(request)).toMatchObject({ status, body });
  });
});

describe('served on loopback', () => {
  let running: RunningStandIn | undefined;
  afterEach(() => running?.close());

  test('it answers by HTTP and honours the key', async () => {
    running = await startStandIn();
    expect(running.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const call = (body: string) =>
      fetch(`${running?.url}/settlements/T-1/resubmit`, { method: 'POST', body, headers: { 'idempotency-key': 'k' } });
    for (let i = 0; i < 2; i++) expect(await (await call('{"a":1}')).json()).toMatchObject({ submissions: 1 });
    expect((await call('{')).status).toBe(400);
    expect(running.standIn.log).toHaveLength(1);
  });
});
