/** What every request passes before its route: who asks, may they, and does the tenant exist. Deny by default. */
import type { FastifyRequest } from 'fastify';
import { ProblemError } from '../core/errors.js';
import { SYSTEM_TENANT } from '../store/port.js';
import { admitByKey, admitLocal, refuseKeyInUrl, requireOwnTenant, requireScope, requireSystem } from './auth.js';
import type { Directory } from './directory.js';
import type { Api, ApiDeps, Principal } from './ports.js';
import { signatureOf } from './signatures.js';

const DOCS = /^\/docs(?:\/|$)/;

/** Adds the guard to `api`; routes added after it must say in `config.access` what they need. */
type Deps = Pick<ApiDeps, 'mode' | 'packs' | 'resolveSecret' | 'onFault'>;

export function addGuard(api: Api, deps: Deps, directory: Directory): void {
  const { mode } = deps;
  api.decorateRequest('principal', null);
  api.decorateRequest('signature', null);
  api.addHook('onRoute', (route) => {
    if (DOCS.test(route.url)) route.config = { ...route.config, access: 'public' };
    if (route.config?.access === undefined) throw new Error(`The route ${route.url} does not say who may use it.`);
  });
  api.addHook('onRequest', async (request) => {
    refuseNul(request.url);
    const access = request.routeOptions.config?.access;
    if (mode === 'embedded') request.principal = admitLocal(request);
    if (access === 'public') return;
    refuseKeyInUrl(request.url);
    if (request.routeOptions.config?.signed) request.signature = await signatureOf(deps, directory, request);
    const principal = request.principal ?? signer(request) ?? (await admitByKey(request, directory, Date.now()));
    request.principal = principal;
    if (access === undefined) return; // no such route: the answer is 404, to those who may ask
    requireScope(principal, access);
    const tenantId = tenantOf(request);
    if (tenantId === undefined) return;
    if (tenantId === SYSTEM_TENANT && request.routeOptions.config?.system) return requireSystem(principal);
    requireOwnTenant(principal, tenantId);
    if (principal.tenantId === null && request.routeOptions.config?.makesTenant) return;
    await directory.requireTenant(tenantId);
  });
}

/** Whoever has signed may do this one thing; the body parser checks that it is so before it reads anything. */
function signer({ signature, params }: FastifyRequest): Principal | null {
  if (signature === null) return null;
  const { tenantId } = params as { readonly tenantId: string };
  return { name: `the sender of ${signature.source}`, tenantId, scopes: new Set(['exceptions:write']) };
}

function refuseNul(url: string): void {
  if (!url.includes('%00')) return;
  const hint = 'Remove it.';
  throw new ProblemError({ code: 'TEXT_NUL', message: 'The URL holds the character U+0000.', path: '(the URL)', hint });
}

function tenantOf({ params }: FastifyRequest): string | undefined {
  const { tenantId } = (params ?? {}) as { readonly tenantId?: string };
  return tenantId;
}
