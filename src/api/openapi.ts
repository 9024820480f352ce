/** The OpenAPI 3.1 document and its page, made from the same schemas that check the requests. */
import fastifySwagger from '@fastify/swagger';
import fastifySwaggerUi from '@fastify/swagger-ui';
import type { FastifySchema } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Api, DocumentedBody, Mode } from './ports.js';
import { version } from './version.js';

const DESCRIPTION =
  'Exceptions come in, workers carry each one through intake, triage, policy, playbook, tool and feedback, people approve ' +
  'on the way. Errors are problem details (RFC 9457) with a stable `code`, the `path` of what is wrong, and a `hint`.';

type Transform = typeof jsonSchemaTransform;
type TransformObject = typeof jsonSchemaTransformObject;
interface WithComponents {
  readonly paths?: unknown;
  readonly components?: { readonly schemas?: Readonly<Record<string, unknown>> };
}

/** Registers the document; routes that are added after it are in it. */
export async function addOpenapi(api: Api, mode: Mode): Promise<void> {
  const isCluster = mode === 'cluster';
  await api.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Millrace', version, description: DESCRIPTION },
      ...(isCluster && {
        components: { securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'mr.…' } } },
      }),
    },
    transform: transformWith(isCluster),
    transformObject: withoutUnused,
  });
  await api.register(fastifySwaggerUi, { routePrefix: '/docs' });
}

/** Adds to the common transformation: bodies that zod does not check, and which scope a route needs. */
const transformWith =
  (isCluster: boolean): Transform =>
  (document) => {
    const { schema, url } = jsonSchemaTransform(document);
    const { access, body } = document.route.config ?? {};
    const security = isCluster && access !== undefined && access !== 'public' ? { security: [{ key: [access] }] } : {};
    return { schema: { ...schema, ...security, ...(body && { body: documented(body) }) } as FastifySchema, url };
  };

function documented(body: DocumentedBody): unknown {
  const types = Object.entries(body).map(([type, { schema, description }]) => {
    const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input' });
    return [type, { schema: { ...json, ...(description !== undefined && { description }) } }] as const;
  });
  return { content: Object.fromEntries(types) };
}

/** The common transformation lists each named shape twice, as a question and as an answer; most are only one of them. */
const withoutUnused: TransformObject = (document) => {
  const whole = jsonSchemaTransformObject(document) as WithComponents;
  const text = JSON.stringify(whole.paths);
  const schemas = Object.entries(whole.components?.schemas ?? {});
  const used = schemas.filter(([name]) => text.includes(`"#/components/schemas/${name}"`));
  return {
    ...whole,
    components: { ...whole.components, schemas: Object.fromEntries(used) },
  } as ReturnType<TransformObject>;
};
