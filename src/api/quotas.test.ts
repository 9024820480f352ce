import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PackLimits } from '../packs/index.js';
import { expectProblem, makeTenant, type ServedApi, serveApi } from '../testing/api.js';
import { Quotas } from './quotas.js';

const NO_LIMITS: PackLimits = {
  itemsPerRequest: 1_000,
  stepsPerRun: 1_000,
  exceptionsPerMinute: null,
  openCases: null,
};

/** Quotas with a clock to turn, and a count of open cases to set. */
function quotas() {
  const world = { now: 0, open: 0, counts: 0 };
  const count = async (_: string, most: number) => {
    world.counts++;
    return Math.min(world.open, most);
  };
  return { world, quotas: new Quotas(count, () => world.now) };
}

describe('exceptions a minute', () => {
  const limits = { ...NO_LIMITS, exceptionsPerMinute: 60 };
  it('are refilled evenly, and a request is refused whole with the time to wait', async () => {
    const { world, quotas: own } = quotas();
    await own.admit('a', limits, 50);
    await expect(own.admit('a', limits, 20)).rejects.toMatchObject({
      status: 429,
      retryAfterS: 10,
      problem: { code: 'RATE_LIMITED', hint: expect.stringContaining('after 10 s') },
    });
    await own.admit('a', limits, 10);
    await own.admit('b', limits, 60); // another tenant has its own
    world.now = 9_000;
    await expect(own.admit('a', limits, 10)).rejects.toMatchObject({ retryAfterS: 1 });
    world.now = 10_000;
    await own.admit('a', limits, 10);
  });

  it('let a request that is larger than a minute in when nothing was used, and the next ones wait for it', async () => {
    const { world, quotas: own } = quotas();
    await own.admit('a', limits, 90);
    await expect(own.admit('a', limits, 1)).rejects.toMatchObject({ retryAfterS: 31 });
    await own.admit('a', limits, 0);
    world.now = 3_600_000;
    await own.admit('a', limits, 60); // no more than a minute's worth is saved up
    await expect(own.admit('a', limits, 1)).rejects.toMatchObject({ retryAfterS: 1 });
  });

  it('are not used by a request that was not kept', async () => {
    const { quotas: own } = quotas();
    const admission = await own.admit('a', limits, 60);
    admission.giveBack();
    await own.admit('a', limits, 60);
  });
});

describe('open cases', () => {
  const limits = { ...NO_LIMITS, openCases: 3 };
  it('are counted at most every two seconds; what this process opens in between counts', async () => {
    const { world, quotas: own } = quotas();
    (await own.admit('a', limits, 1)).opened(2);
    (await own.admit('a', limits, 5)).opened(1);
    await expect(own.admit('a', limits, 1)).rejects.toMatchObject({ status: 429, problem: { code: 'QUOTA_EXCEEDED' } });
    await own.admit('a', limits, 0);
    expect(world.counts).toBe(1);
    world.now = 2_000;
    world.open = 2;
    (await own.admit('a', limits, 1)).giveBack();
    expect(world.counts).toBe(2);
  });

  it('a count that fails is asked for again', async () => {
    let fails = true;
    const own = new Quotas(
      async () => (fails ? Promise.reject(new Error('down')) : 0),
      () => 0,
    );
    await expect(own.admit('a', limits, 1)).rejects.toThrow('down');
    fails = false;
    await own.admit('a', limits, 1);
  });

  it('without limits nothing is counted', async () => {
    const { world, quotas: own } = quotas();
    (await own.admit('a', NO_LIMITS, 1_000_000)).opened(1_000_000);
    expect(world.counts).toBe(0);
  });
});

describe('a tenant with limits', () => {
  let served: ServedApi;
  beforeAll(async () => {
    served = await serveApi();
  });
  afterAll(() => served?.close());

  const tenantOf = (limits: string) =>
    makeTenant(served.memory, {
      'pack.yaml': `name: acme\nlimits: ${limits}\n`,
      'sources.yaml': `sources:
  breaks: { kind: json, map: { type: "\${{ item.type }}" }, fingerprint: [type], resolve: item.over == true }
`,
      'policies.yaml': 'default: { effect: deny }\n',
    });
  const open = async (tenantId: string) => served.memory.queries.countOpen(tenantId, 100);

  it('gets 429 with Retry-After above its rate, by either way in, and nothing of the request is kept', async () => {
    const tenantId = await tenantOf('{ exceptionsPerMinute: 3 }');
    const reports = (...types: string[]) => types.map((type) => ({ type }));
    expect((await served.post(`/exceptions/${tenantId}`, reports('A', 'B'))).status).toBe(202);
    const refused = await served.post(`/exceptions/${tenantId}`, reports('C', 'D'));
    expectProblem(refused, 429, 'RATE_LIMITED');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expectProblem(await served.post(`/hooks/${tenantId}/breaks`, reports('C', 'D')), 429, 'RATE_LIMITED');
    expect(await open(tenantId)).toBe(2);
    expect((await served.post(`/hooks/${tenantId}/breaks`, reports('C'))).status).toBe(202);
    expect((await served.post(`/hooks/${tenantId}/breaks`, { type: 'C', over: true })).status).toBe(202);
  });

  it('a request that is answered from its Idempotency-Key uses nothing of the rate', async () => {
    const tenantId = await tenantOf('{ exceptionsPerMinute: 2 }');
    const send = () => served.post(`/exceptions/${tenantId}`, { type: 'A' }, { 'idempotency-key': 'one' });
    for (let i = 0; i < 5; i++) expect((await send()).status).toBe(202);
  });

  it('gets 429 while too many of its exceptions are open; that one is over is still taken', async () => {
    const tenantId = await tenantOf('{ openCases: 2 }');
    const hook = `/hooks/${tenantId}/breaks`;
    expect((await served.post(hook, [{ type: 'A' }, { type: 'B' }])).status).toBe(202);
    const refused = await served.post(hook, { type: 'C' });
    expect(expectProblem(refused, 429, 'QUOTA_EXCEEDED').hint).toContain('limits.openCases');
    expect(refused.headers.get('retry-after')).toBe('30');
    expectProblem(await served.post(hook, [{ type: 'A', over: true }, { type: 'C' }]), 429, 'QUOTA_EXCEEDED');
    expect(await open(tenantId)).toBe(2);
    const over = (await served.post(hook, { type: 'A', over: true })).json();
    expect(over).toMatchObject({ outcome: 'resolving' });
  });
});
