/** Secrets as files: `TENANT/NAME` below one folder, as Docker and Kubernetes mount them. Read at each call. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isTenantId } from '../core/ids.js';
import type { ResolveSecret } from './port.js';

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/i;

export function secretsFromFolder(folder: string): { readonly resolveSecret: ResolveSecret } {
  return {
    resolveSecret: async (tenantId, name) => {
      if (!isTenantId(tenantId) || !NAME.test(name)) return null;
      try {
        return (await readFile(join(folder, tenantId, name), 'utf8')).trimEnd();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    },
  };
}
