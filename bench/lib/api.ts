/** The API of a cluster as a process of its own, with a key for the tenant of the benchmark. */
import { makeKey } from '../../src/api/keys.js';
import type { OpenStore } from '../../src/store/open.js';
import { type Client, createClient } from './http.js';
import { TENANT } from './pack.js';
import { type Running, start } from './processes.js';
import type { Ground } from './servers.js';

const CONNECTIONS = 64;

export interface RunningApi {
  readonly running: Running;
  readonly client: Client;
  close(): Promise<void>;
}

/** `url` is the database's, as the runtime role. */
export async function startApi(
  { brokers }: Ground,
  { url, store }: { readonly url: string; readonly store: OpenStore },
  profile: string | undefined,
): Promise<RunningApi> {
  const { key, keyId, secretHash } = makeKey(TENANT);
  const scopes = ['exceptions:write'];
  await store.queries.createApiKey({ tenantId: TENANT, keyId, name: 'bench', secretHash, scopes, expiresAt: null });
  const running = await start({
    name: 'api',
    args: ['dist/api/main.js'],
    env: {
      DATABASE_URL: url,
      KAFKA_BOOTSTRAP_SERVERS: brokers,
      PORT: '0',
      HOST: '127.0.0.1',
      LOG_FORMAT: 'json',
      LOG_LEVEL: 'info',
    },
    ready: /API listening at http[^\s"]+/,
    profile,
  });
  const address = /API listening at (http[^\s"]+)/.exec(running.output())?.[1] as string;
  const client = createClient(address, CONNECTIONS, key);
  return {
    running,
    client,
    async close() {
      await client.close();
      await running.stop();
    },
  };
}
