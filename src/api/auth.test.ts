import { randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTenant, type ServedApi, serveApi } from '../testing/api.js';
import { until } from '../testing/until.js';
import { makeKey, type Scope } from './keys.js';

interface Status {
  readonly status: number;
  readonly code: string;
}

describe('in a cluster', () => {
  let served: ServedApi;
  let other: string; // a tenant that is not the key's
  beforeAll(async () => {
    served = await serveApi({ mode: 'cluster' });
    other = await makeTenant(served.memory);
  });
  afterAll(() => served?.close());

  interface KeyOptions {
    readonly tenantId?: string;
    readonly expiresAt?: number;
    readonly name?: string;
  }
  async function keyWith(scopes: readonly Scope[], { tenantId, expiresAt, name = 'ann' }: KeyOptions = {}) {
    const owner = tenantId ?? served.tenantId;
    const { key, keyId, secretHash } = makeKey(owner);
    const row = { tenantId: owner, keyId, name, secretHash, scopes: [...scopes] };
    await served.memory.queries.createApiKey({ ...row, ...(expiresAt !== undefined && { expiresAt }) });
    return { key, keyId, headers: { authorization: `Bearer ${key}` } };
  }
  const codeOf = async (path: string, headers: Readonly<Record<string, string>> = {}): Promise<string> => {
    const answer = await served.get(path, headers);
    const { status, code } = answer.json<Status>();
    return `${status} ${code}`;
  };
  const exceptions = () => `/exceptions/${served.tenantId}`;

  it('without a key nothing is answered, and the answer says how to send one', async () => {
    const answer = await served.get(exceptions());
    expect(answer.json()).toMatchObject({ status: 401, code: 'AUTH_MISSING' });
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  });

  it('a malformed, an unknown and a wrong key get the same answer', async () => {
    const { key } = await keyWith(['admin']);
    const wrong = `${key.slice(0, key.lastIndexOf('.'))}.${randomBytes(32).toString('base64url')}`;
    const answers = await Promise.all(
      ['nonsense', makeKey(served.tenantId).key, makeKey('nobody').key, wrong].map((text) =>
        served.get(exceptions(), { authorization: `Bearer ${text}` }),
      ),
    );
    const told = answers.map((answer) => ({ ...answer.json(), requestId: '' }));
    expect(told[0]).toMatchObject({ status: 401, code: 'AUTH_INVALID' });
    expect(new Set(told.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(await codeOf(exceptions(), { authorization: `Basic ${key}` })).toBe('401 AUTH_INVALID');
  });

  it('a revoked and an expired key are refused', async () => {
    const revoked = await keyWith(['admin']);
    await served.memory.queries.revokeApiKey(served.tenantId, revoked.keyId);
    expect(await codeOf(exceptions(), revoked.headers)).toBe('401 AUTH_EXPIRED');
    const expired = await keyWith(['admin'], { expiresAt: Date.now() - 1_000 });
    expect(await codeOf(exceptions(), expired.headers)).toBe('401 AUTH_EXPIRED');
    const valid = await keyWith(['admin'], { expiresAt: Date.now() + 60_000 });
    expect((await served.get(exceptions(), valid.headers)).status).toBe(200);
  });

  it('a key that is revoked while it is used stops working', async () => {
    const { keyId, headers } = await keyWith(['exceptions:read']);
    expect((await served.get(exceptions(), headers)).status).toBe(200);
    await served.memory.queries.revokeApiKey(served.tenantId, keyId);
    const isRefused = async () => ((await served.get(exceptions(), headers)).status === 401 ? true : undefined);
    expect(await until(isRefused, 'the key to be refused')).toBe(true);
  });

  it('the use of a key is noted', async () => {
    const { keyId, headers } = await keyWith(['exceptions:read']);
    await served.get(exceptions(), headers);
    const noted = async () => (await served.memory.queries.findApiKey(served.tenantId, keyId))?.lastUsedAt ?? undefined;
    expect(await until(noted, 'the use of the key')).toBeGreaterThan(Date.now() - 60_000);
  });

  it.each<[string, string, Scope]>([
    ['GET', '', 'exceptions:read'],
    ['POST', '', 'exceptions:write'],
    ['GET', '/x', 'exceptions:read'],
    ['GET', '/x/timeline', 'exceptions:read'],
    ['GET', '/x/approvals', 'exceptions:read'],
    ['POST', '/x/approvals/y', 'approvals:decide'],
    ['POST', '/x/reingest', 'exceptions:write'],
    ['POST', '/reingest', 'exceptions:write'],
  ])('%s /exceptions/{tenantId}%s needs the scope %3$s', async (method, path, scope) => {
    const others = (['exceptions:write', 'exceptions:read', 'approvals:decide', 'pipeline:read'] as const).filter(
      (one) => one !== scope,
    );
    const ask = async (scopes: readonly Scope[]): Promise<Status> => {
      const { headers } = await keyWith(scopes);
      const answer = await served.request(exceptions() + path, { method, headers });
      return answer.json<Status>();
    };
    expect(await ask(others)).toMatchObject({
      status: 403,
      code: 'SCOPE_MISSING',
      hint: expect.stringContaining(scope),
    });
    expect((await ask([scope])).status).not.toBe(403);
    expect((await ask(['admin'])).status).not.toBe(403);
  });

  it('the pipeline of a key is that of its tenant', async () => {
    const { headers } = await keyWith(['pipeline:read']);
    expect((await served.get('/pipeline', headers)).json()).toMatchObject({ tenant: served.tenantId });
    expect(await codeOf(`/pipeline/${other}`, headers)).toBe('404 TENANT_UNKNOWN');
    expect(await codeOf('/pipeline', (await keyWith(['exceptions:read'])).headers)).toBe('403 SCOPE_MISSING');
  });

  it.each(['api_key', 'token', 'Authorization', 'q'])('a key in the URL as %s is refused', async (name) => {
    const { key, headers } = await keyWith(['admin']);
    const answer = await served.get(`${exceptions()}?${name}=${key}`, headers);
    expect(answer.json()).toMatchObject({ status: 400, code: 'KEY_IN_URL' });
    expect(answer.text).not.toContain(key);
  });

  it('another tenant looks as if it did not exist, and so do its exceptions', async () => {
    const theirs = await keyWith(['admin'], { tenantId: other });
    const headers = { ...theirs.headers, 'content-type': 'application/json' };
    const { id } = (await served.post(`/exceptions/${other}`, { type: 'THEIRS' }, headers)).json<{ id: string }>();
    const own = (await keyWith(['admin'])).headers;
    const paths = [
      `/exceptions/${other}`,
      `/exceptions/${other}/${id}`,
      `/exceptions/${other}/${id}/timeline`,
      `/packs/${other}`,
    ];
    for (const path of paths) expect(await codeOf(path, own)).toBe('404 TENANT_UNKNOWN');
    const told = (await served.get(`/exceptions/${other}`, own)).json();
    const unknown = (await served.get('/exceptions/nobody', own)).json();
    expect(Object.keys(told)).toEqual(Object.keys(unknown));
    for (const path of ['', '/timeline', '/approvals']) {
      expect(await codeOf(`${exceptions()}/${id}${path}`, own)).toBe('404 CASE_NOT_FOUND');
    }
    const write = await served.post(`${exceptions()}/${id}/reingest`, {}, own);
    expect(write.json()).toMatchObject({ status: 404, code: 'CASE_NOT_FOUND' });
    expect((await served.post(`/exceptions/${other}`, { type: 'A' }, own)).status).toBe(404);
    expect((await served.get(`/exceptions/${other}/${id}`, theirs.headers)).status).toBe(200);
  });

  it.each([
    '/v1/exceptions',
    '/exceptions/configs',
    '//exceptions/demo',
    '/x/../exceptions/demo',
    '/exceptions/demo/',
    '/exceptions/demo;a=b',
    '/exceptions/%2e%2e/packs',
    '/docs/../pipeline',
    '/docsx',
    '/livez/../pipeline',
    '/pipeline',
    '/nowhere',
  ])('%s is not answered without a key', async (path) => {
    expect((await raw(served.port, path)).status).toBe(401);
  });

  it.each(['/', '/livez', '/readyz', '/_health', '/metrics', '/openapi.json', '/docs'])(
    '%s is public',
    async (path) => {
      expect((await served.get(path)).status).toBe(200);
    },
  );

  it('an approval is decided by the key’s own name, never by another', async () => {
    const { headers } = await keyWith(['admin'], { name: 'ann' });
    const { id } = (await served.post(exceptions(), { type: 'A' }, headers)).json<{ id: string }>();
    const path = `${exceptions()}/${id}/approvals/01890000-0000-7000-8000-000000000000`;
    const asBob = await served.post(path, { decision: 'approved', by: 'bob' }, headers);
    expect(asBob.json()).toMatchObject({ status: 403, code: 'DECIDER_MISMATCH', path: 'by' });
    for (const body of [{ decision: 'approved', by: 'ann' }, { decision: 'approved' }]) {
      expect((await served.post(path, body, headers)).json()).toMatchObject({ code: 'WAIT_NOT_FOUND' });
    }
  });

  it('a tenant that is disabled is refused', async () => {
    const tenantId = await makeTenant(served.memory);
    const { headers } = await keyWith(['admin'], { tenantId });
    await served.memory.queries.setTenantDisabled(tenantId, true);
    expect(await codeOf(`/exceptions/${tenantId}`, headers)).toBe('403 TENANT_DISABLED');
  });
});

/** Sends a path as it is: `fetch` would tidy it up first. */
function raw(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest({ host: '127.0.0.1', port, path, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    asked.on('error', reject).end();
  });
}

describe('on one’s own machine', () => {
  let served: ServedApi;
  beforeAll(async () => {
    served = await serveApi();
  });
  afterAll(() => served?.close());

  it.each(['localhost', 'localhost:7070', '127.0.0.1', '[::1]:7070', 'LOCALHOST:1'])(
    'the host %s is served',
    async (host) => {
      expect((await raw(served.port, `/exceptions/${served.tenantId}`, { host })).status).toBe(200);
    },
  );

  it.each(['evil.example', 'localhost.evil.example', '127.0.0.1.nip.io:7070', '10.0.0.1', 'localhost:7070@evil'])(
    'the host %j is refused, even for health',
    async (host) => {
      const answer = await raw(served.port, '/livez', { host });
      expect(answer.status).toBe(403);
      expect(answer.body).toContain('"code":"HOST_FORBIDDEN"');
    },
  );

  it.each([
    ['http://localhost:7070', 200],
    ['http://evil.example', 403],
    ['http://localhost:7071', 403],
    ['https://localhost:7070', 403],
    ['null', 403],
  ])('a page of %s gets %d', async (origin, status) => {
    const answer = await raw(served.port, '/livez', { host: 'localhost:7070', origin });
    expect(answer.status).toBe(status);
    expect(answer.body.includes('ORIGIN_FORBIDDEN')).toBe(status === 403);
  });

  it('no key is asked for, and one in the URL is refused all the same', async () => {
    expect((await served.get('/pipeline')).status).toBe(200);
    expect((await served.get('/pipeline?api_key=x')).json()).toMatchObject({ code: 'KEY_IN_URL' });
  });
});
