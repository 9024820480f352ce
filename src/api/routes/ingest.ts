/** Where exceptions come in. */
import { z } from 'zod';
import { MAX_REQUEST_BYTES } from '../body.js';
import { MAX_EXCEPTION_BYTES, type Submitted, submit } from '../intake.js';
import type { Api, ApiDeps, DocumentedBody } from '../ports.js';
import { Quotas } from '../quotas.js';
import { Accepted, GenericException, HookParams, TenantParams } from '../schemas.js';
import { acceptedMany, acceptedOne } from '../views.js';
import { PROBLEMS } from './answers.js';

const LIMITS = `Up to 1,000 exceptions a request, ${MAX_EXCEPTION_BYTES} bytes each, ${MAX_REQUEST_BYTES} bytes in all; gzip is understood. `;
const RULES =
  'All or nothing: with any problem nothing is kept and every problem is told with its place. Answered once it is kept. ' +
  'With an `Idempotency-Key` the same request again gets the same answer; another body under the key gets 409. ' +
  'A report with the fingerprint of an open exception is merged into it.';

const IngestQuery = z.strictObject({
  source: z
    .string()
    .max(63)
    .default('generic')
    .describe("A source of the tenant's pack: then the body is that source's."),
});
const IngestHeaders = z.object({
  'idempotency-key': z.string().optional().describe('1 to 200 visible ASCII characters; a UUID is a good one.'),
});

const Any = z.unknown();
const GENERIC_BODY: DocumentedBody = {
  'application/json': { schema: z.union([GenericException, z.array(GenericException)]) },
  'application/x-ndjson': { schema: GenericException, description: 'One exception a line.' },
};
const HOOK_BODY: DocumentedBody = {
  'application/json': { schema: Any },
  'application/cloudevents+json': { schema: Any },
  'application/x-ndjson': { schema: Any, description: 'One document a line.' },
};

/** A thousand answers are serialised as they are: they were made here. */
const plain = () => (data: unknown) => JSON.stringify(data);

export function ingestRoutes(api: Api, apiDeps: ApiDeps): void {
  const deps = { ...apiDeps, quotas: new Quotas(apiDeps.queries.countOpen) };
  api.post(
    '/exceptions/:tenantId',
    {
      bodyLimit: MAX_REQUEST_BYTES,
      serializerCompiler: plain,
      config: { access: 'exceptions:write', body: GENERIC_BODY },
      schema: {
        summary: 'Report exceptions',
        description: `One exception, a list, or one a line. ${LIMITS}${RULES}`,
        operationId: 'reportExceptions',
        tags: ['Reporting'],
        params: TenantParams,
        querystring: IngestQuery,
        headers: IngestHeaders,
        response: { 202: Accepted, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenantId } = request.params;
      const answer = await submit(deps, request, { tenantId, source: request.query.source, via: 'api' });
      reply.code(202);
      return Array.isArray(request.body) ? acceptedMany(tenantId, answer) : answerOf(tenantId, answer);
    },
  );

  api.post(
    '/hooks/:tenantId/:source',
    {
      bodyLimit: MAX_REQUEST_BYTES,
      serializerCompiler: plain,
      config: { access: 'exceptions:write', body: HOOK_BODY, signed: true, emptyBody: true },
      schema: {
        summary: 'Receive a webhook',
        description: `The body is what the sender of that source sends; the pack says how it is split and mapped. CloudEvents headers (\`ce-*\`) are understood. ${LIMITS}${RULES}`,
        operationId: 'receiveWebhook',
        tags: ['Reporting'],
        params: HookParams,
        headers: IngestHeaders,
        response: { 202: Accepted, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { tenantId, source } = request.params;
      const answer = await submit(deps, request, { tenantId, source, via: 'hook' });
      reply.code(202);
      return answerOf(tenantId, answer);
    },
  );
}

/** One exception is answered as itself, several (or none) as a list. */
const answerOf = (tenantId: string, answer: Submitted) =>
  answer.items.length === 1 ? acceptedOne(tenantId, answer) : acceptedMany(tenantId, answer);
