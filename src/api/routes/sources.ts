/** Where a tenant's exceptions may come in. */
import type { CompiledSource } from '../../packs/index.js';
import { curlOf } from '../curl.js';
import type { Api, ApiDeps } from '../ports.js';
import { type SourceInfo, SourceList, TenantParams } from '../schemas.js';
import { PROBLEMS } from './answers.js';

export function sourceRoutes(api: Api, { packs, mode }: Pick<ApiDeps, 'packs' | 'mode'>): void {
  const infoOf = (source: CompiledSource, name: string, tenantId: string, base: string): SourceInfo => {
    const url = `${base}${source.kind === 'generic' ? '/exceptions' : '/hooks'}/${tenantId}${source.kind === 'generic' ? '' : `/${name}`}`;
    const topic = source.topic?.name ?? null;
    const isHook = topic === null;
    return {
      name,
      kind: source.kind,
      verified: source.verify?.scheme ?? null,
      topic,
      url: isHook ? url : null,
      curl: isHook ? curlOf(source, url, mode) : null,
    };
  };
  api.get(
    '/sources/:tenantId',
    {
      config: { access: 'exceptions:read' },
      schema: {
        summary: 'List the sources',
        description:
          'The sources of the active pack: the URL to paste at the sender, how the sender is verified, and a command that sends a sample. ' +
          'The command takes a key from MILLRACE_API_KEY, and the secret of a source that verifies from SECRET.',
        operationId: 'listSources',
        tags: ['Reporting'],
        params: TenantParams,
        response: { 200: SourceList, ...PROBLEMS },
      },
    },
    async ({ params: { tenantId }, protocol, host }) => {
      const { pack } = await packs.activePack(tenantId);
      const base = `${protocol}://${host}`;
      return {
        tenant: tenantId,
        sources: [...pack.sources].map(([name, source]) => infoOf(source, name, tenantId, base)),
      };
    },
  );
}
