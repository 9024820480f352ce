import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Packs } from '../runtime/packs.js';
import type { OpenStore } from '../store/open.js';
import { expectProblem, makeTenant, type ServedApi, serveApi } from '../testing/api.js';
import { memoryStore } from '../testing/pglite.js';
import { makeKey } from './keys.js';

let served: ServedApi;
let tenant: string;
beforeAll(async () => {
  served = await serveApi();
  tenant = served.tenantId;
});
afterAll(() => served?.close());

const filesWith = (reason: string) => ({
  'pack.yaml': 'name: acme\n',
  'policies.yaml': `default: { effect: deny, reason: ${reason} }\n`,
});
const send = (method: string, path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  served.request(path, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
const push = (files: Readonly<Record<string, string>>, to = tenant) => send('PUT', `/packs/${to}`, { files });

describe('pushing a pack', () => {
  it('keeps it as a version that decides nothing yet; equal files are the version that they were', async () => {
    const first = await push(filesWith('one'));
    expect([first.status, first.json()]).toMatchObject([201, { tenant, version: 1, name: 'acme', created: true }]);
    const same = await push(filesWith('one'));
    expect([same.status, same.json()]).toMatchObject([200, { version: 1, created: false }]);
    expect((await served.get(`/packs/${tenant}`)).json()).toMatchObject({
      version: 0,
      versions: [{ version: 1, active: false, createdBy: 'local' }],
      activations: [],
    });
  });

  it('on this machine the first pack of a tenant makes the tenant; one that is refused makes none', async () => {
    const name = `${tenant}-new`;
    expectProblem(await push({ 'pack.yaml': 'name: Acme\n' }, name), 422, 'VALUE_INVALID');
    expectProblem(await served.get(`/packs/${name}`), 404, 'TENANT_UNKNOWN');
    expect((await push(filesWith('one'), name)).status).toBe(201);
    expect((await served.get(`/packs/${name}`)).json()).toMatchObject({ versions: [{ version: 1 }] });
    expectProblem(await push(filesWith('one'), '~nobody'), 400, 'TENANT_INVALID');
  });

  it('with problems it is not kept, and all of them are told with their places', async () => {
    const files = {
      'pack.yaml': 'name: Acme\n',
      'triage.yaml': 'triage:\n  - name: a\n    when: exception.typ == 1\n',
    };
    for (const [method, path] of [
      ['PUT', ''],
      ['POST', '/validate'],
    ] as const) {
      const { problems } = expectProblem(
        await send(method, `/packs/${tenant}${path}`, { files }),
        422,
        'VALUE_INVALID',
      );
      expect(problems).toMatchObject([
        { code: 'VALUE_INVALID', file: 'pack.yaml', line: 1, column: 7 },
        { code: 'POLICY_NO_DEFAULT', file: 'policies.yaml' },
        { code: 'FIELD_MISSING', file: 'triage.yaml', line: 2 },
        { code: 'EXPR_UNKNOWN', path: 'triage.yaml:3:11', hint: expect.stringContaining('type') },
      ]);
    }
    expect((await served.get(`/packs/${tenant}`)).json<{ versions: unknown[] }>().versions).toHaveLength(1);
  });

  it('it can be checked without being kept', async () => {
    const checked = await send('POST', `/packs/${tenant}/validate`, { files: filesWith('two') });
    expect(checked.json()).toMatchObject({ valid: true, name: 'acme', rules: 0, sources: ['generic'] });
    expect((await served.get(`/packs/${tenant}`)).json<{ versions: unknown[] }>().versions).toHaveLength(1);
  });

  it.each([
    ['a body without files', {}, 400, 'FIELD_MISSING'],
    ['files that are no text', { files: { 'pack.yaml': 1 } }, 400, 'FIELD_TYPE'],
    ['an unknown word', { files: {}, activate: true }, 400, 'FIELD_UNKNOWN'],
    ['no files', { files: {} }, 422, 'PACK_MISSING'],
    ['more than 10 MB', { files: { 'samples/a.json': 'x'.repeat(11_000_000) } }, 413, 'BODY_TOO_LARGE'],
    [
      '9 MB of text',
      { files: { ...filesWith('x'), 'triage.yaml': `# ${'x'.repeat(9_000_000)}` } },
      422,
      'PACK_TOO_LARGE',
    ],
    ['a file outside', { files: { ...filesWith('x'), 'samples/../../x.json': '' } }, 422, 'FILE_NAME'],
    ['the character U+0000', { files: { ...filesWith('x'), 'samples/x.json': 'a\0b' } }, 400, 'TEXT_NUL'],
  ])('%s is refused', async (_, body, status, code) => {
    expectProblem(await send('PUT', `/packs/${tenant}`, body), status, code);
  });
});

describe('activating', () => {
  it('is told with who, why and what was before, and can be taken back', async () => {
    const own = await makeTenant(served.memory);
    await push(filesWith('one'), own);
    await push(filesWith('two'), own);
    const activate = (body: object, headers = {}) => send('POST', `/packs/${own}/activate`, body, headers);
    expect((await activate({ version: 1, by: 'ann' })).json()).toEqual({
      ...{ tenant: own, version: 1, previous: null, changed: true },
    });
    const second = await activate({ version: 2, by: 'bob', reason: 'month end' }, { 'if-match': '"1"' });
    expect(second.headers.get('etag')).toBe('"2"');
    const shown = await served.get(`/packs/${own}`);
    expect(shown.headers.get('etag')).toBe('"2"');
    expect(shown.json()).toMatchObject({
      version: 2,
      versions: [{ version: 2, active: true }, { version: 1 }],
      activations: [
        { number: 2, kind: 'activate', version: 2, previous: 1, by: 'bob', reason: 'month end' },
        { number: 1, kind: 'activate', version: 1, previous: null, by: 'ann', reason: null },
      ],
    });
    expectProblem(await activate({ version: 1, expected: 1 }), 409, 'PACK_ACTIVE_CHANGED', 'expected');
    expectProblem(await activate({ version: 1, expected: 0 }), 409, 'PACK_ACTIVE_CHANGED');
    expectProblem(await activate({ version: 1 }, { 'if-match': '"x"' }), 400, 'VERSION_INVALID', 'If-Match');
    expectProblem(await activate({ version: 9 }), 404, 'PACK_VERSION_UNKNOWN', 'version');
    const rollback = (body: object = {}) => send('POST', `/packs/${own}/rollback`, body);
    expectProblem(await rollback({ expected: 1 }), 409, 'PACK_ACTIVE_CHANGED');
    expect((await rollback({ by: 'ann' })).json()).toMatchObject({ version: 1, previous: 2, changed: true });
    expectProblem(await rollback(), 409, 'ROLLBACK_IMPOSSIBLE');
    expect(served.told.filter(({ name }) => name === 'pack.activated').at(-1)?.fields).toEqual({
      ...{ tenantId: own, version: 1, previous: 2, by: 'ann' },
    });
  });

  it('two who expect the same version at once: one activates, the other is told, and reports go on', async () => {
    const own = await makeTenant(served.memory, filesWith('one'));
    await push(filesWith('two'), own);
    await push(filesWith('three'), own);
    const activate = (version: number) => send('POST', `/packs/${own}/activate`, { version, expected: 1 });
    const answers = await Promise.all([activate(2), activate(3)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    const refused = answers.find(({ status }) => status === 409);
    if (refused) expect(expectProblem(refused, 409, 'PACK_ACTIVE_CHANGED', 'expected').hint).toContain('Somebody else');
    expect((await served.post(`/exceptions/${own}`, { type: 'GOOD' })).status).toBe(202);
  });

  it('decides in this process at once', async () => {
    const own = await makeTenant(served.memory, filesWith('one'));
    expect((await served.get(`/packs/${own}`)).json()).toMatchObject({ name: 'acme', sources: ['generic'] });
    await push({ ...filesWith('one'), 'sources.yaml': 'sources: { alerts: { kind: alertmanager } }\n' }, own);
    await send('POST', `/packs/${own}/activate`, { version: 2 });
    expect((await served.get(`/packs/${own}`)).json()).toMatchObject({ sources: ['alerts', 'generic'] });
  });

  it('a version that this Millrace cannot use is refused with its problems', async () => {
    const own = await makeTenant(served.memory, filesWith('one'));
    const files = { ...filesWith('two'), 'tomorrow.yaml': 'x: 1\n' };
    await served.memory.queries.savePack(own, { name: 'acme', files, createdBy: 'a newer one' });
    const refused = await send('POST', `/packs/${own}/activate`, { version: 2 });
    expect(expectProblem(refused, 422, 'FILE_UNKNOWN')).toMatchObject({ file: 'tomorrow.yaml', line: 1 });
  });
});

describe('trying', () => {
  it.each([
    ['an unknown name', 'exeption.type == "x"', 'EXPR_UNKNOWN'],
    ['1/0', '1/0 == 1', 'EXPR_DIV_ZERO'],
    ['a pattern that runs for hours', 'exception.title.matches("(a+)+$")', 'EXPR_MATCHES'],
  ])('a pack with %s is neither simulated nor tried on the past, and reports go on', async (_, when, code) => {
    const own = await makeTenant(served.memory, filesWith('one'));
    const rule = `triage:\n  - name: a\n    when: ${when}\n    set: { category: x }\n`;
    const files = { ...filesWith('two'), 'triage.yaml': rule };
    for (const [path, body] of [
      ['backtest', { files }],
      ['simulate', { files, input: { type: 'A' } }],
    ] as const) {
      const refused = expectProblem(await send('POST', `/packs/${own}/${path}`, body), 422, code);
      expect(refused).toMatchObject({ file: 'triage.yaml', line: 3, hint: expect.any(String) });
    }
    expect((await served.post(`/exceptions/${own}`, { type: 'GOOD' })).status).toBe(202);
  });
});

describe('looking', () => {
  it('a version is shown with its files, and two are compared', async () => {
    const own = await makeTenant(served.memory, filesWith('one'));
    await push(filesWith('two'), own);
    expect((await served.get(`/packs/${own}/2`)).json()).toMatchObject({ active: false, files: filesWith('two') });
    expect((await served.get(`/packs/${own}/active`)).json()).toMatchObject({ version: 1, active: true });
    const words = [{ word: 'reason', from: 'one', to: 'two' }];
    const diff = { from: 1, to: 2, parts: [{ change: 'changed', kind: 'setting', name: 'default', words }] };
    expect((await served.get(`/packs/${own}/diff`)).json()).toMatchObject(diff);
    expect((await served.get(`/packs/${own}/diff?from=v1&to=2`)).json()).toMatchObject(diff);
    expectProblem(await served.get(`/packs/${own}/7`), 404, 'PACK_VERSION_UNKNOWN', 'version');
    expectProblem(await served.get(`/packs/${own}/first`), 400, 'VERSION_INVALID', 'version');
    expectProblem(await served.get(`/packs/${own}/diff?to=9`), 404, 'PACK_VERSION_UNKNOWN', 'to');
    const none = await makeTenant(served.memory);
    expectProblem(await served.get(`/packs/${none}/diff`), 404, 'PACK_VERSION_UNKNOWN', 'from');
    expectProblem(await served.get(`/packs/${none}/newest`), 404, 'PACK_VERSION_UNKNOWN');
  });
});

describe('in a cluster', () => {
  it('a key that may only report cannot push, one for packs can, and its name is kept', async () => {
    const cluster = await serveApi({ mode: 'cluster', memory: served.memory });
    const own = await makeTenant(served.memory);
    const keyed = async (name: string, scopes: readonly string[]) => {
      const { key, keyId, secretHash } = makeKey(own);
      await served.memory.queries.createApiKey({
        ...{ tenantId: own, keyId, name, secretHash, scopes: [...scopes], expiresAt: null },
      });
      return { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    };
    const body = JSON.stringify({ files: filesWith('one'), by: 'somebody else' });
    const put = async (headers: Readonly<Record<string, string>>) =>
      cluster.request(`/packs/${own}`, { method: 'PUT', headers, body });
    expectProblem(await put(await keyed('reporter', ['exceptions:write'])), 403, 'SCOPE_MISSING');
    expect((await put(await keyed('pipeline', ['packs:write']))).status).toBe(201);
    expect(await served.memory.queries.listPacks(own)).toMatchObject([{ createdBy: 'pipeline' }]);
    await cluster.close();
  });
});

describe('a topic that packs may not read', () => {
  const files = (topic: string) => ({
    ...filesWith('one'),
    'sources.yaml': `sources:\n  a: { kind: kafka, topic: ${topic}, map: { type: x } }\n`,
  });
  let guarded: ServedApi;
  let memory: OpenStore;
  beforeAll(async () => {
    memory = await memoryStore();
    const sourceTopics = ['settlement.*', '{tenant}.alerts'];
    guarded = await serveApi({ memory, deps: { packLife: new Packs({ queries: memory.queries, sourceTopics }) } });
  });
  afterAll(async () => {
    await guarded?.close();
    await memory?.close();
  });
  const ask = (method: string, rest: string, body: unknown) =>
    guarded.request(`/packs/${guarded.tenantId}${rest}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  it('is refused with its place, checked or pushed', async () => {
    for (const [method, rest] of [
      ['PUT', ''],
      ['POST', '/validate'],
    ] as const) {
      const refused = await ask(method, rest, { files: files('payroll') });
      expect([refused.status, refused.json()]).toMatchObject([
        422,
        { code: 'TOPIC_NOT_ALLOWED', path: 'sources.yaml:2:28', hint: expect.stringContaining('KAFKA_SOURCE_TOPICS') },
      ]);
    }
    expect((await ask('PUT', '', { files: files('settlement.breaks') })).status).toBe(201);
    expect((await ask('PUT', '', { files: files(`${guarded.tenantId}.alerts`) })).status).toBe(201);
  });

  it('is not read by activating a version from before it was forbidden', async () => {
    const pack = { name: 'acme', files: files('payroll'), createdBy: 'before' };
    const { version } = await memory.queries.savePack(guarded.tenantId, pack);
    const refused = await ask('POST', '/activate', { version });
    expectProblem(refused, 422, 'TOPIC_NOT_ALLOWED');
  });
});
