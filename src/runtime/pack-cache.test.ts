import { afterEach, describe, expect, it, vi } from 'vitest';
import { packFiles } from '../testing/packs.js';
import { PackCache, type PackSource } from './pack-cache.js';

/** Versions in memory, with what was asked for. */
function versions() {
  const files = new Map([
    [1, packFiles({ 'pack.yaml': 'name: one\n' })],
    [2, packFiles({ 'pack.yaml': 'name: two\n' })],
    [3, packFiles({ 'tomorrow.yaml': 'x: 1\n' })],
  ]);
  const asked: number[] = [];
  const questions: (readonly string[])[] = [];
  const state = { active: 1, down: false };
  const source: PackSource = {
    activeVersions: async (tenants) => {
      questions.push(tenants);
      return new Map(tenants.filter((tenant) => tenant !== 'none').map((tenant) => [tenant, state.active]));
    },
    files: async (_, version) => {
      asked.push(version);
      if (state.down) throw new Error('the database is away');
      return files.get(version) ?? null;
    },
  };
  return { source, asked, questions, state };
}

afterEach(() => vi.restoreAllMocks());

describe('compiled packs', () => {
  it('another process takes up a version within two seconds of its activation, this one at once', async () => {
    const { source, state } = versions();
    const [here, there] = [new PackCache(source), new PackCache(source)];
    for (const cache of [here, there]) expect((await cache.activePack('a')).pack.name).toBe('one');
    state.active = 2;
    here.forgetActive('a');
    expect((await here.activePack('a')).pack.name).toBe('two');
    const later = performance.now() + 2_000;
    vi.spyOn(performance, 'now').mockReturnValue(later);
    expect((await there.activePack('a')).version).toBe(2);
  });

  it('while an answer that gets old is asked for anew, nobody waits; one that is too old is not used', async () => {
    const { source, state, questions } = versions();
    const cache = new PackCache(source);
    await cache.activePack('a');
    const asked = performance.now();
    const clock = vi.spyOn(performance, 'now').mockReturnValue(asked + 1_500);
    state.active = 2;
    for (let i = 0; i < 3; i++) expect(cache.activePack('a')).toMatchObject({ version: 1 });
    await vi.waitFor(() => expect(cache.activePack('a')).toMatchObject({ version: 2 }));
    expect(questions).toHaveLength(2);
    state.active = 1;
    clock.mockReturnValue(asked + 4_000);
    expect(await cache.activePack('a')).toMatchObject({ version: 1 });
  });

  it('an answer to a question from before the tenant was forgotten is not kept', async () => {
    const { source } = versions();
    const answers: ((version: number) => void)[] = [];
    const activeVersions = () =>
      new Promise<ReadonlyMap<string, number>>((resolve) => {
        answers.push((version) => resolve(new Map([['a', version]])));
      });
    const cache = new PackCache({ ...source, activeVersions });
    const before = cache.activePack('a');
    await vi.waitFor(() => expect(answers).toHaveLength(1));
    cache.forgetActive('a');
    const after = cache.activePack('a');
    await vi.waitFor(() => expect(answers).toHaveLength(2));
    answers[1]?.(2);
    expect((await after).version).toBe(2);
    answers[0]?.(1);
    expect((await before).version).toBe(1);
    expect(cache.activePack('a')).toMatchObject({ version: 2 });
  });

  it('of more versions than fit, those that were not used for longest are compiled again', async () => {
    const { source, asked } = versions();
    const cache = new PackCache(source, 2);
    for (const tenant of ['a', 'b', 'a', 'c', 'a', 'b']) await cache.packVersion(tenant, 1);
    expect(asked).toHaveLength(4);
  });

  it('a version that cannot be used is told with its problem, and is not compiled for every event', async () => {
    const { source, asked } = versions();
    const cache = new PackCache(source);
    for (let i = 0; i < 3; i++) {
      await expect(cache.packVersion('a', 3)).rejects.toMatchObject({
        status: 503,
        problem: { code: 'PACK_UNUSABLE', message: expect.stringContaining('tomorrow.yaml:1:1 FILE_UNKNOWN') },
      });
    }
    expect(asked).toEqual([3]);
    await expect(cache.packVersion('a', 4)).rejects.toMatchObject({ problem: { code: 'PACK_VERSION_UNKNOWN' } });
  });

  it('tenants that are asked for at once are one question, and one without a pack gets the built-in one', async () => {
    const { source, questions } = versions();
    const cache = new PackCache(source);
    const found = await Promise.all(['a', 'b', 'none', 'a'].map((tenant) => cache.activePack(tenant)));
    expect(found.map(({ version }) => version)).toEqual([1, 1, 0, 1]);
    expect(questions).toEqual([['a', 'b', 'none']]);
  });

  it('tenants with the same files share one compiled pack, and no other', async () => {
    const { source } = versions();
    const cache = new PackCache(source);
    const [a, b, other] = await Promise.all([
      cache.packVersion('a', 1),
      cache.packVersion('b', 1),
      cache.packVersion('b', 2),
    ]);
    expect(a.pack).toBe(b.pack);
    expect(other.pack).not.toBe(a.pack);
  });

  it('a version that cannot be used is not taken for one that differs only by what may not be there', async () => {
    const files = new Map([
      [1, packFiles({ 'pack.yaml': 'name: one\n' })],
      [2, packFiles({ 'pack.yaml': 'name: one\n', 'tomorrow.yaml': 'x: 1\n' })],
    ]);
    const cache = new PackCache({
      activeVersions: async () => new Map(),
      files: async (_, version) => files.get(version) ?? null,
    });
    const { pack } = await cache.packVersion('a', 1);
    expect(pack.name).toBe('one');
    await expect(cache.packVersion('b', 2)).rejects.toMatchObject({ problem: { code: 'PACK_UNUSABLE' } });
    expect((await cache.packVersion('c', 1)).pack).toBe(pack);
  });

  it('a database that was away is asked again', async () => {
    const { source, state } = versions();
    const cache = new PackCache(source);
    state.down = true;
    await expect(cache.activePack('a')).rejects.toThrow('the database is away');
    state.down = false;
    expect((await cache.activePack('a')).version).toBe(1);
  });
});
