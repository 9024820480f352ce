import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeKey } from '../../api/keys.js';
import { serveApi } from '../../testing/api.js';
import { millrace } from '../../testing/cli.js';

const DEMO = join(import.meta.dirname, '../../../packs/demo');

it('a push to a tenant that a cluster does not have says how the tenant is made', async () => {
  const served = await serveApi({ mode: 'cluster' });
  const { tenantId } = served;
  const { key, keyId, secretHash } = makeKey(tenantId);
  await served.memory.queries.createApiKey({ tenantId, keyId, name: 'ann', secretHash, scopes: ['packs:write'] });
  const push = (tenant: string) =>
    millrace(['packs', 'push', tenant, DEMO, '--url', `http://127.0.0.1:${served.port}`, '--key', key]);
  const refused = await push('nobody');
  expect(refused.code).toBe(1);
  expect(refused.err).toContain('TENANT_UNKNOWN');
  expect(refused.err).toContain('millrace tenants create nobody');
  expect(await push(tenantId)).toMatchObject({ code: 0 });
  await served.close();
});
