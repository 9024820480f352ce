/** What is not about one exception: the pipeline, health, and where everything is. */
import { z } from 'zod';
import { type HealthAnswer, type HealthCheck, healthAnswer, readyAnswer } from '../../telemetry/health.js';
import { reportPipeline } from '../pipeline.js';
import type { Api, ApiDeps } from '../ports.js';
import { PipelineReport, TenantParams } from '../schemas.js';
import { version } from '../version.js';
import { PROBLEMS } from './answers.js';

export function systemRoutes(api: Api, deps: ApiDeps): void {
  pipelineRoutes(api, deps);
  healthRoutes(api, deps);
  frontRoutes(api, deps);
}

function pipelineRoutes(api: Api, deps: ApiDeps): void {
  const about = {
    description:
      'What waits at each stage, which workers are alive, and in words what is wrong and what to do about it.',
    tags: ['Operations'],
  };
  api.get(
    '/pipeline',
    {
      config: { access: 'pipeline:read' },
      schema: {
        ...about,
        summary: 'Show the pipeline',
        operationId: 'showPipeline',
        response: { 200: PipelineReport, ...PROBLEMS },
      },
    },
    ({ principal }) => reportPipeline(deps, principal?.tenantId ?? null),
  );
  api.get(
    '/pipeline/:tenantId',
    {
      config: { access: 'pipeline:read' },
      schema: {
        ...about,
        summary: 'Show the pipeline for one tenant',
        operationId: 'showTenantPipeline',
        params: TenantParams,
        response: { 200: PipelineReport, ...PROBLEMS },
      },
    },
    ({ params }) => reportPipeline(deps, params.tenantId),
  );
}

const METRICS = 'text/plain; version=0.0.4; charset=utf-8';
const Text = z.string();

function healthRoutes(api: Api, { checks, metrics }: ApiDeps): void {
  const route = (url: string, summary: string, answer: (verbose: boolean) => HealthAnswer | Promise<HealthAnswer>) =>
    api.get(
      url,
      {
        config: { access: 'public' },
        schema: {
          summary,
          operationId: url.replace(/\W/g, ''),
          tags: ['Health'],
          querystring: z.object({ verbose: Text.optional().describe('A line for each check.') }),
          response: {
            200: { description: 'It holds.', content: { 'text/plain': { schema: Text } } },
            503: { description: 'It does not.', content: { 'text/plain': { schema: Text } } },
            ...PROBLEMS,
          },
        },
      },
      async (request, reply) => {
        const { status, type, body } = await answer(request.query.verbose !== undefined);
        reply.code(status as 200 | 503).type(type);
        return body;
      },
    );
  const safely = (): Promise<readonly HealthCheck[]> =>
    checks().catch((error: Error) => [{ name: 'checks', ok: false, detail: error.message }]);
  route('/livez', 'Is the process alive', () => ({ status: 200, type: 'text/plain; charset=utf-8', body: 'ok\n' }));
  route('/readyz', 'Can it take requests', async (verbose) => readyAnswer(await safely(), verbose));
  route('/_health', 'Is it healthy, as JSON', async () => healthAnswer(await safely()));
  route('/metrics', 'Figures for Prometheus', async () => ({ status: 200, type: METRICS, body: await metrics() }));
}

const LINKS = {
  docs: '/docs',
  openapi: '/openapi.json',
  pipeline: '/pipeline',
  exceptions: '/exceptions/{tenantId}',
  hooks: '/hooks/{tenantId}/{source}',
  ready: '/readyz?verbose',
  metrics: '/metrics',
};

function frontRoutes(api: Api, { mode }: ApiDeps): void {
  api.get(
    '/',
    {
      config: { access: 'public' },
      schema: {
        summary: 'Where everything is',
        operationId: 'showLinks',
        tags: ['Operations'],
        response: {
          200: z.object({
            name: z.string(),
            version: z.string(),
            mode: z.string(),
            links: z.record(z.string(), z.string()),
          }),
          ...PROBLEMS,
        },
      },
    },
    async () => ({ name: 'millrace', version, mode, links: LINKS }),
  );
  api.get(
    '/openapi.json',
    {
      config: { access: 'public' },
      schema: {
        summary: 'This API as an OpenAPI document',
        operationId: 'showOpenapi',
        tags: ['Operations'],
        response: { 200: z.record(z.string(), z.unknown()), ...PROBLEMS },
      },
    },
    async () => ({ ...api.swagger() }),
  );
}
