/** A pack's life over HTTP: check, push, look, compare, activate, go back. */
import type { FastifyReply } from 'fastify';
import type { Activated } from '../../core/activation.js';
import { type CompiledPack, diffPacks } from '../../packs/index.js';
import { versionOf } from '../../runtime/packs.js';
import {
  ActivateBody,
  IfMatch,
  PackActivated,
  PackBody,
  PackChecked,
  PackDiffAnswer,
  PackDiffQuery,
  PackInfo,
  PackListQuery,
  PackPushed,
  PackVersion,
  PackVersionParams,
  RollbackBody,
} from '../pack-schemas.js';
import type { Api, ApiDeps, Principal } from '../ports.js';
import { TenantParams } from '../schemas.js';
import { timeOf, timeOrNull } from '../views.js';
import { PROBLEMS } from './answers.js';

/** Bytes of a pack as JSON. */
const MAX_PACK_BYTES = 10 * 1024 * 1024;
const tags = ['Packs'];
const READ = { access: 'exceptions:read' } as const;
const WRITE = { access: 'packs:write' } as const;

export function packRoutes(api: Api, deps: ApiDeps): void {
  showRoutes(api, deps);
  diffRoute(api, deps);
  pushRoutes(api, deps);
  activationRoutes(api, deps);
}

function showRoutes(api: Api, { queries, packs, packLife }: ApiDeps): void {
  api.get(
    '/packs/:tenantId',
    {
      config: READ,
      schema: {
        summary: 'Show the active pack, its versions and who activated them',
        description: 'Which version of the pack decides now. The ETag is for If-Match when another one is activated.',
        operationId: 'showPack',
        tags,
        params: TenantParams,
        querystring: PackListQuery,
        response: { 200: PackInfo, ...PROBLEMS },
      },
    },
    async ({ params: { tenantId }, query: { limit, before } }, reply) => {
      const stored = await queries.getActivePack(tenantId);
      const { pack, version } = await packs.activePack(tenantId);
      const versions = await queries.listPacks(tenantId, { limit, ...(before !== undefined && { before }) });
      const activations = await queries.packActivations(tenantId, limit);
      reply.header('etag', etagOf(stored?.version ?? version));
      return {
        tenant: tenantId,
        version: stored?.version ?? version,
        name: stored?.name ?? pack.name,
        hash: stored?.hash ?? null,
        sources: [...pack.sources.keys()].sort(),
        createdAt: timeOrNull(stored?.createdAt ?? null),
        createdBy: stored?.createdBy ?? null,
        versions: versions.map((one) => ({ ...one, createdAt: timeOf(one.createdAt) })),
        activations: activations.map((one) => ({ ...one, at: timeOf(one.at) })),
      };
    },
  );
  api.get(
    '/packs/:tenantId/:version',
    {
      config: READ,
      schema: {
        summary: 'Show one version with its files',
        operationId: 'showPackVersion',
        tags,
        params: PackVersionParams,
        response: { 200: PackVersion, ...PROBLEMS },
      },
    },
    async ({ params: { tenantId, version } }) => {
      const { createdAt, ...stored } = await packLife.stored(tenantId, version, 'version');
      const active = (await queries.getActivePack(tenantId))?.version === stored.version;
      return { ...stored, tenant: tenantId, active, createdAt: timeOf(createdAt) };
    },
  );
}

const etagOf = (version: number): string => `"${version}"`;

function diffRoute(api: Api, { packLife }: ApiDeps): void {
  api.get(
    '/packs/:tenantId/diff',
    {
      config: READ,
      schema: {
        summary: 'Compare two versions',
        description:
          'By rule, policy, playbook and tool, and as text. Without versions: from the active to the newest.',
        operationId: 'diffPacks',
        tags,
        params: TenantParams,
        querystring: PackDiffQuery,
        response: { 200: PackDiffAnswer, ...PROBLEMS },
      },
    },
    async ({ params: { tenantId }, query }) => {
      const from = await packLife.stored(tenantId, query.from, 'from');
      const to = await packLife.stored(tenantId, query.to, 'to');
      const { parts, files } = diffPacks(new Map(Object.entries(from.files)), new Map(Object.entries(to.files)));
      return {
        from: from.version,
        to: to.version,
        parts: parts.map((part) => ({ ...part, words: [...part.words] })),
        files: [...files],
      };
    },
  );
}

function pushRoutes(api: Api, { packLife }: ApiDeps): void {
  api.put(
    '/packs/:tenantId',
    {
      bodyLimit: MAX_PACK_BYTES,
      config: { ...WRITE, makesTenant: true },
      schema: {
        summary: 'Push a pack',
        description:
          'Keeps the files as an immutable version: 201; equal files are the version that they were: 200. It decides nothing ' +
          'before it is activated. A pack with problems is not kept: 422 names all of them with file, line and column. ' +
          'Embedded, the first pack of a tenant makes the tenant.',
        operationId: 'pushPack',
        tags,
        params: TenantParams,
        body: PackBody,
        response: { '2xx': PackPushed, ...PROBLEMS },
      },
    },
    async ({ params: { tenantId }, body: { files, by }, principal }, reply) => {
      const pushed = await packLife.push(tenantId, files, personOf(principal, by), principal?.tenantId === null);
      reply.code(pushed.created ? 201 : 200);
      return { tenant: tenantId, ...pushed };
    },
  );
  api.post(
    '/packs/:tenantId/validate',
    {
      bodyLimit: MAX_PACK_BYTES,
      config: READ,
      schema: {
        summary: 'Check a pack without keeping it',
        description: 'What pushing it would say.',
        operationId: 'validatePack',
        tags,
        params: TenantParams,
        body: PackBody,
        response: { 200: PackChecked, ...PROBLEMS },
      },
    },
    async ({ params: { tenantId }, body: { files } }) => checkedOf(await packLife.validate(tenantId, files)),
  );
}

const checkedOf = (pack: CompiledPack) => ({
  valid: true as const,
  name: pack.name,
  hash: pack.hash,
  sources: [...pack.sources.keys()].sort(),
  rules: pack.triage.length,
  policies: pack.policies.length,
  playbooks: pack.playbooks.map(({ name }) => name),
  tools: [...pack.tools.keys()].sort(),
});

function activationRoutes(api: Api, { packLife }: ApiDeps): void {
  const common = { tags, params: TenantParams, headers: IfMatch, response: { 200: PackActivated, ...PROBLEMS } };
  const said = (reply: FastifyReply, tenant: string, activated: Activated) => {
    reply.header('etag', etagOf(activated.version));
    return { tenant, ...activated };
  };
  api.post(
    '/packs/:tenantId/activate',
    {
      config: WRITE,
      schema: {
        ...common,
        summary: 'Make a version the active one',
        description:
          'Workers take it up within two seconds; what was decided stays decided, runs stay on their version.',
        operationId: 'activatePack',
        body: ActivateBody,
      },
    },
    async ({ params: { tenantId }, body: { version, ...how }, headers, principal }, reply) => {
      const activated = await packLife.activate(tenantId, version, howOf(how, headers['if-match'], principal));
      return said(reply, tenantId, activated);
    },
  );
  api.post(
    '/packs/:tenantId/rollback',
    {
      config: WRITE,
      schema: {
        ...common,
        summary: 'Go back to what was active before',
        description: 'A second rollback goes back further.',
        operationId: 'rollbackPack',
        body: RollbackBody,
      },
    },
    async ({ params: { tenantId }, body, headers, principal }, reply) => {
      const activated = await packLife.rollback(tenantId, howOf(body, headers['if-match'], principal));
      return said(reply, tenantId, activated);
    },
  );
}

/** In a cluster whoever holds the key; on one's own machine whoever the body names. */
const personOf = (principal: Principal | null, by: string | undefined): string =>
  principal === null || principal.tenantId === null ? (by ?? principal?.name ?? 'local') : principal.name;

interface How {
  readonly expected?: number | undefined;
  readonly reason?: string | undefined;
  readonly by?: string | undefined;
}

function howOf({ expected, reason, by }: How, ifMatch: string | undefined, principal: Principal | null) {
  const wanted = ifMatch === undefined || ifMatch === '*' ? expected : expectedBy(ifMatch);
  return {
    by: personOf(principal, by),
    ...(reason !== undefined && { reason }),
    ...(wanted !== undefined && { expected: wanted === 0 ? null : wanted }),
  };
}

/** `"3"`, the ETag as it was given. Throws ProblemError VERSION_INVALID. */
function expectedBy(ifMatch: string): number {
  const text = ifMatch.trim().replace(/^"(.*)"$/, '$1');
  return text === '0' ? 0 : versionOf(text, 'If-Match');
}
