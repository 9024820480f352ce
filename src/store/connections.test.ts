/** How a store reaches its server. */
import { expect, it } from 'vitest';
import { requireService } from '../testing/services/require.js';
import { postgresForTest } from '../testing/stores.js';
import { createPostgresStore } from './open.js';

const server = requireService('postgres');

server.describe('connections to a server', () => {
  it('where one of several hosts refuses, the next is asked', async () => {
    const test = await postgresForTest(server.address, 1);
    const { host } = new URL(test.url);
    const store = createPostgresStore({ url: test.url.replace(`@${host}/`, `@127.0.0.1:1,${host}/`), poolSize: 1 });
    try {
      await store.store.ping();
      await expect(store.store.transaction([], (tx) => tx.now())).resolves.toBeGreaterThan(0);
    } finally {
      await store.close();
      await test.close();
    }
  });

  it('one that nobody answers is transient', async () => {
    const store = createPostgresStore({ url: 'postgres://nobody@127.0.0.1:1/nothing', poolSize: 1 });
    await expect(store.store.ping()).rejects.toMatchObject({ kind: 'transient' });
    await store.close();
  });
});
