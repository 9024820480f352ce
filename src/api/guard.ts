/** What every request passes before its route: who asks, may they, and does the tenant exist. Deny by default. */
import type { FastifyRequest } from 'fastify';
import { ProblemError } from '../core/errors.js';
import { SYSTEM_TENANT } from '../store/port.js';
import { admitByKey, admitLocal, refuseKeyInUrl, requireOwnTenant, requireScope, requireSystem } from './auth.js';
import { Directory } from './directory.js';
import type { Api, ApiDeps } from './ports.js';

const DOCS = /^\/docs(?:\/|$)/;

/** Adds the guard to `api`; routes added after it must say in `config.access` what they need. */
export function addGuard(api: Api, { mode, queries }: Pick<ApiDeps, 'mode' | 'queries'>): void {
  const directory = new Directory(queries, mode);
  api.decorateRequest('principal', null);
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
    const principal = request.principal ?? (await admitByKey(request, directory, Date.now()));
    request.principal = principal;
    if (access === undefined) return; // no such route: the answer is 404, to those who may ask
    requireScope(principal, access);
    const tenantId = tenantOf(request);
    if (tenantId === undefined) return;
    if (tenantId === SYSTEM_TENANT && request.routeOptions.config?.system) return requireSystem(principal);
    requireOwnTenant(principal, tenantId);
    await directory.requireTenant(tenantId);
  });
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
