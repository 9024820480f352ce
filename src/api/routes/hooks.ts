/** What senders of webhooks ask before they send. */
import type { Directory } from '../directory.js';
import type { Api, ApiDeps } from '../ports.js';

const ORIGIN = /^[\w.*:/-]{1,255}$/;

/**
 * CloudEvents' abuse protection: a sender asks whether it may deliver here. Only a source of CloudEvents says yes; any other
 * answer, also for what does not exist, is the same and permits nothing. Saying yes admits nobody: a delivery still needs
 * its signature or key.
 */
export function hookRoutes(api: Api, { packs }: Pick<ApiDeps, 'packs'>, directory: Directory): void {
  const isForEvents = async (tenantId: string, source: string): Promise<boolean> => {
    if (!(await directory.serves(tenantId))) return false;
    const { pack } = await packs.activePack(tenantId);
    return pack.sources.get(source)?.kind === 'cloudevents';
  };
  api.options(
    '/hooks/:tenantId/:source',
    { config: { access: 'public' }, schema: { hide: true } },
    async (request, reply) => {
      const { tenantId, source } = request.params as { readonly tenantId: string; readonly source: string };
      const origin = request.headers['webhook-request-origin'];
      reply.code(204).header('allow', 'POST, OPTIONS');
      const isAsked = typeof origin === 'string' && ORIGIN.test(origin);
      if (isAsked && (await isForEvents(tenantId, source))) {
        reply.header('webhook-allowed-origin', origin).header('webhook-allowed-rate', '*');
      }
      return reply.send();
    },
  );
}
