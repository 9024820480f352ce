import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requireService } from '../../testing/services/require.js';
import { codeOf, pgliteForTest, postgresForTest, type TestStore } from '../../testing/stores.js';
import type { Queries } from '../queries.js';

const server = requireService('postgres');

function describePacks(create: () => Promise<TestStore>): void {
  let test: TestStore;
  let queries: Queries;
  beforeAll(async () => {
    test = await create();
    queries = test.queries;
  });
  afterAll(() => test.close());

  it('equal files are one version of a pack, and the active one is found', async () => {
    const tenantId = await test.tenant();
    const files = { 'pack.yaml': 'name: "a"\n', 'triage.yaml': 'rules: []\n' };
    const save = (given: Record<string, string>) =>
      queries.savePack(tenantId, { name: 'a', files: given, createdBy: 'ann' });
    expect(await queries.getActivePack(tenantId)).toBeNull();
    expect(await queries.packSource.activeVersion(tenantId)).toBeNull();
    expect(await save(files)).toMatchObject({ version: 1, created: true });
    expect(await save(Object.fromEntries(Object.entries(files).reverse()))).toMatchObject({
      version: 1,
      created: false,
    });
    expect(await save({ ...files, 'triage.yaml': '' })).toMatchObject({ version: 2, created: true });
    expect(await codeOf(queries.activatePack(tenantId, 3))).toBe('PACK_VERSION_UNKNOWN');
    await queries.activatePack(tenantId, 1);
    expect(await queries.getActivePack(tenantId)).toMatchObject({ version: 1, files, createdBy: 'ann' });
    expect(await queries.packSource.activeVersions([tenantId, 'nobody'])).toEqual(new Map([[tenantId, 1]]));
    expect(await queries.packSource.activeVersion(tenantId)).toBe(1);
    expect(await queries.packSource.files(tenantId, 2)).toEqual(
      new Map([...Object.entries(files).slice(0, 1), ['triage.yaml', '']]),
    );
    expect(await queries.packSource.files(tenantId, 3)).toBeNull();
    expect((await queries.listPacks(tenantId)).map((one) => [one.version, one.active])).toEqual([
      [2, false],
      [1, true],
    ]);
    expect(await codeOf(queries.savePack('nobody', { name: 'a', files, createdBy: 'ann' }))).toBe('TENANT_UNKNOWN');
  });

  it('activations are kept in one order, each with who, when, why and what it came after', async () => {
    const tenantId = await test.tenant();
    for (const f of ['a', 'b', 'c']) await queries.savePack(tenantId, { name: 'a', files: { f }, createdBy: 'ann' });
    expect(await queries.activatePack(tenantId, 1, { by: 'ann' })).toEqual({
      version: 1,
      previous: null,
      changed: true,
    });
    expect(await queries.activatePack(tenantId, 1, { by: 'bob' })).toMatchObject({ changed: false });
    const both = await Promise.all([
      queries.activatePack(tenantId, 2, { by: 'bob', reason: 'new desk' }),
      queries.activatePack(tenantId, 3, { by: 'cyd' }),
    ]);
    const told = await queries.packActivations(tenantId);
    expect(told.map(({ number }) => number)).toEqual([3, 2, 1]);
    expect(both.map(({ previous }) => previous).sort()).toEqual([1, told[1]?.version].sort());
    expect(told.find(({ by }) => by === 'bob')).toMatchObject({ version: 2, kind: 'activate', reason: 'new desk' });
    expect(told[0]?.previous).toBe(told[1]?.version);
    expect(await queries.packSource.activeVersion(tenantId)).toBe(told[0]?.version);
  });

  it('one of two who expect the same active version is refused', async () => {
    const tenantId = await test.tenant();
    for (const f of ['a', 'b', 'c']) await queries.savePack(tenantId, { name: 'a', files: { f }, createdBy: 'ann' });
    await queries.activatePack(tenantId, 1, { by: 'ann', expected: null });
    const both = [2, 3].map((version) => codeOf(queries.activatePack(tenantId, version, { by: 'x', expected: 1 })));
    expect((await Promise.all(both)).sort()).toEqual(['PACK_ACTIVE_CHANGED', 'no problem']);
    expect(await codeOf(queries.activatePack(tenantId, 1, { by: 'x', expected: null }))).toBe('PACK_ACTIVE_CHANGED');
    expect(await queries.packActivations(tenantId)).toHaveLength(2);
  });

  it('a rollback returns to what was active before, and a second one further back', async () => {
    const tenantId = await test.tenant();
    for (const f of ['a', 'b', 'c']) await queries.savePack(tenantId, { name: 'a', files: { f }, createdBy: 'ann' });
    expect(await codeOf(queries.rollbackPack(tenantId, { by: 'ann' }))).toBe('ROLLBACK_IMPOSSIBLE');
    for (const version of [1, 3, 2]) await queries.activatePack(tenantId, version, { by: 'ann' });
    expect(await queries.rollbackPack(tenantId, { by: 'bob' })).toEqual({ version: 3, previous: 2, changed: true });
    expect(await codeOf(queries.rollbackPack(tenantId, { by: 'bob', expected: 2 }))).toBe('PACK_ACTIVE_CHANGED');
    expect(await queries.rollbackPack(tenantId, { by: 'bob', expected: 3 })).toMatchObject({ version: 1 });
    expect(await codeOf(queries.rollbackPack(tenantId, { by: 'bob' }))).toBe('ROLLBACK_IMPOSSIBLE');
    await queries.activatePack(tenantId, 3, { by: 'ann' });
    expect(await queries.rollbackPack(tenantId, { by: 'ann' })).toMatchObject({ version: 1 });
    const told = await queries.packActivations(tenantId, 3);
    expect(told.map(({ kind, version }) => `${kind} ${version}`)).toEqual(['rollback 1', 'activate 3', 'rollback 1']);
    expect(await queries.listPacks(tenantId, { limit: 1, before: 3 })).toMatchObject([{ version: 2 }]);
  });

  it('packs that are saved at once get numbers of their own', async () => {
    const tenantId = await test.tenant();
    const saved = [1, 2, 3, 4].map((n) =>
      queries.savePack(tenantId, { name: 'a', files: { f: `${n}` }, createdBy: 'x' }),
    );
    expect((await Promise.all(saved)).map((one) => one.version).sort()).toEqual([1, 2, 3, 4]);
  });
}

describe('packs on PGlite', () => describePacks(pgliteForTest));
server.describe('packs on a server', () => describePacks(() => postgresForTest(server.address)));
