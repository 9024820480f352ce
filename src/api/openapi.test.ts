import { Validator } from '@seriousme/openapi-schema-validator';
import fastify from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PackCache } from '../runtime/pack-cache.js';
import { type ServedApi, serveApi } from '../testing/api.js';
import { Directory } from './directory.js';
import { addGuard } from './guard.js';
import { SCOPES } from './keys.js';
import type { Api } from './ports.js';

interface Operation {
  readonly summary?: string;
  readonly operationId?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly { readonly key?: readonly string[] }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> };
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Readonly<Record<string, { schema: unknown }>> }>
  >;
}
interface OpenapiDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

let served: ServedApi;
let text: string;
let document: OpenapiDocument;
let operations: [string, Operation][];
beforeAll(async () => {
  served = await serveApi({ mode: 'cluster' });
  text = (await served.get('/openapi.json')).text;
  document = JSON.parse(text) as OpenapiDocument;
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [`${method} ${path}`, operation]),
  );
});
afterAll(() => served?.close());

it('the document is OpenAPI 3.1', async () => {
  expect(document.openapi).toBe('3.1.0');
  const { valid, errors } = await new Validator().validate(JSON.parse(text) as Record<string, unknown>);
  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
});

it('every route is in it', () => {
  expect(operations.map(([name]) => name).sort()).toEqual([
    'get /',
    'get /_health',
    'get /dead-letters/{tenantId}',
    'get /dead-letters/{tenantId}/{id}',
    'get /exceptions/{tenantId}',
    'get /exceptions/{tenantId}/{id}',
    'get /exceptions/{tenantId}/{id}/approvals',
    'get /exceptions/{tenantId}/{id}/explain',
    'get /exceptions/{tenantId}/{id}/timeline',
    'get /livez',
    'get /metrics',
    'get /openapi.json',
    'get /packs/{tenantId}',
    'get /packs/{tenantId}/diff',
    'get /packs/{tenantId}/{version}',
    'get /pipeline',
    'get /pipeline/{tenantId}',
    'get /readyz',
    'get /schema/packs/{file}',
    'get /sources/{tenantId}',
    'post /dead-letters/{tenantId}/preview',
    'post /dead-letters/{tenantId}/replay',
    'post /dead-letters/{tenantId}/{id}/discard',
    'post /dead-letters/{tenantId}/{id}/replay',
    'post /exceptions/{tenantId}',
    'post /exceptions/{tenantId}/reingest',
    'post /exceptions/{tenantId}/{id}/approvals/{wait}',
    'post /exceptions/{tenantId}/{id}/cancel',
    'post /exceptions/{tenantId}/{id}/escalate',
    'post /exceptions/{tenantId}/{id}/reingest',
    'post /exceptions/{tenantId}/{id}/resolve',
    'post /hooks/{tenantId}/{source}',
    'post /packs/{tenantId}/activate',
    'post /packs/{tenantId}/backtest',
    'post /packs/{tenantId}/rollback',
    'post /packs/{tenantId}/simulate',
    'post /packs/{tenantId}/validate',
    'post /pipeline/replay',
    'put /dead-letters/{tenantId}/{id}',
    'put /packs/{tenantId}',
  ]);
});

it('every route says what it does, what it answers, and that it answers problems', () => {
  for (const [name, { summary, operationId, tags, responses }] of operations) {
    expect({ name, summary, operationId, tags }).toEqual({
      name,
      summary: expect.stringMatching(/^[A-Z]/),
      operationId: expect.any(String),
      tags: [expect.any(String)],
    });
    const good = Object.keys(responses).filter((status) => status.startsWith('2'));
    expect({ name, good: good.length }).toEqual({ name, good: 1 });
    for (const status of ['4XX', '5XX']) {
      const schema = responses[status]?.content?.['application/problem+json']?.schema;
      expect({ name, status, schema }).toEqual({ name, status, schema: { $ref: '#/components/schemas/Problem' } });
    }
  }
  expect(new Set(operations.map(([, { operationId }]) => operationId)).size).toBe(operations.length);
});

it('every route that is not public names its scope', () => {
  const isPublic = /^get \/($|livez|readyz|_health|metrics|openapi\.json|schema\/packs)/;
  for (const [name, { security }] of operations) {
    const scopes = security?.flatMap(({ key = [] }) => key);
    if (isPublic.test(name)) expect({ name, scopes }).toEqual({ name, scopes: undefined });
    else
      expect({ name, known: scopes?.every((scope) => (SCOPES as readonly string[]).includes(scope)) }).toEqual({
        name,
        known: true,
      });
  }
});

it('reporting documents the list, the lines, and what an exception is', () => {
  const body = document.paths['/exceptions/{tenantId}']?.post?.requestBody;
  expect(Object.keys(body?.content ?? {})).toEqual(['application/json', 'application/x-ndjson']);
  expect(JSON.stringify(body)).toContain('fingerprint');
});

it('only shapes that are used are listed', () => {
  const paths = JSON.stringify(document.paths);
  for (const name of Object.keys(document.components.schemas)) expect(paths).toContain(`#/components/schemas/${name}"`);
});

it('there is a page that shows it', async () => {
  const page = await served.get('/docs');
  expect(page.headers.get('content-type')).toContain('text/html');
  const script = await served.get('/docs/static/swagger-initializer.js');
  expect(script.status).toBe(200);
});

it('a route that does not say who may use it cannot be added', () => {
  const api: Api = fastify();
  const { queries } = served.memory;
  const packs = new PackCache(queries.packSource);
  addGuard(api, { mode: 'cluster', packs, resolveSecret: () => null }, new Directory(queries, 'cluster'));
  expect(() => api.get('/open', async () => 'hello')).toThrow('The route /open does not say who may use it.');
});

it('the front page says where everything is', async () => {
  expect((await served.get('/')).json()).toMatchObject({ name: 'millrace', mode: 'cluster', links: { docs: '/docs' } });
});
