/** The HTTP API. `createApi` builds it; an entry point listens. */
import type { Socket } from 'node:net';
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { addBodyParsers, MAX_BODY_BYTES } from './body.js';
import { Directory } from './directory.js';
import { addGuard } from './guard.js';
import { addNotFound } from './not-found.js';
import { addOpenapi } from './openapi.js';
import type { Api, ApiDeps } from './ports.js';
import { PROBLEM_TYPE, problemDocument, type Refusal, refusalOf } from './problems.js';
import { commandRoutes } from './routes/commands.js';
import { deadLetterRoutes } from './routes/dead-letters.js';
import { exceptionRoutes } from './routes/exceptions.js';
import { hookRoutes } from './routes/hooks.js';
import { ingestRoutes } from './routes/ingest.js';
import { packRoutes } from './routes/packs.js';
import { replayRoutes } from './routes/replay.js';
import { schemaRoutes } from './routes/schemas.js';
import { sourceRoutes } from './routes/sources.js';
import { systemRoutes } from './routes/system.js';
import { trialRoutes } from './routes/trials.js';

export type { Api, ApiDeps } from './ports.js';

const REQUEST_TIMEOUT_MS = 30_000;

/** Builds the API, ready to `listen` or `inject`. `close` refuses new requests and waits for those in hand. */
export async function createApi(deps: ApiDeps): Promise<Api> {
  const requestTimeout = deps.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  const api: Api = fastify({
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout,
    // Node looks at no request before its time for headers is over, so that must not be the longer one.
    http: { headersTimeout: requestTimeout, connectionsCheckingInterval: Math.min(5_000, requestTimeout) },
    genReqId: () => deps.newId(),
    clientErrorHandler: (error, socket) => refuseSocket(error, socket, deps.newId()),
    frameworkErrors: (error, request: unknown, reply: unknown) =>
      answerProblem(error, request as FastifyRequest, reply as FastifyReply, deps),
    routerOptions: { maxParamLength: 200 },
  });
  api.setValidatorCompiler(validatorCompiler);
  api.setSerializerCompiler(serializerCompiler);
  api.setErrorHandler((error, request, reply) => answerProblem(error, request, reply, deps));
  addTelemetry(api, deps);
  addBodyParsers(api);
  const directory = new Directory(deps.queries, deps.mode);
  addGuard(api, deps, directory);
  addNotFound(api);
  await addOpenapi(api, deps.mode);
  ingestRoutes(api, deps);
  hookRoutes(api, deps, directory);
  sourceRoutes(api, deps);
  exceptionRoutes(api, deps);
  commandRoutes(api, deps);
  deadLetterRoutes(api, deps);
  replayRoutes(api, deps);
  packRoutes(api, deps);
  trialRoutes(api, deps);
  schemaRoutes(api);
  systemRoutes(api, deps);
  await api.ready();
  return api;
}

function answerProblem(error: unknown, request: FastifyRequest, reply: FastifyReply, { onFault }: ApiDeps) {
  const found = refusalOf(error);
  const requestId = request.id;
  if (found.fault) onFault?.({ requestId, error });
  const retryAfterS = found.retryAfterS ?? (found.status === 503 ? 5 : undefined);
  if (retryAfterS !== undefined) reply.header('retry-after', retryAfterS);
  if (found.status === 401) reply.header('www-authenticate', 'Bearer');
  const document = JSON.stringify(problemDocument(found, requestId));
  return reply.code(found.status).type(PROBLEM_TYPE).send(document);
}

function addTelemetry(api: Api, { telemetry }: ApiDeps): void {
  api.addHook('onSend', async (request, reply) => {
    reply.header('x-request-id', request.id);
    reply.header('x-content-type-options', 'nosniff');
  });
  api.addHook('onResponse', async ({ method, routeOptions }, { statusCode: status, elapsedTime: ms }) => {
    telemetry.emit('http.request', { method, route: routeOptions.url ?? '(none)', status, ms });
  });
}

/** Requests that never became one: no end within the time, a broken line, too many headers. */
function refuseSocket(error: Error & { readonly code?: string }, socket: Socket, requestId: string): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const found = SOCKET_REFUSALS[error.code ?? ''] ?? BROKEN;
  const body = JSON.stringify(problemDocument(found, requestId));
  const head = [
    `HTTP/1.1 ${found.status} Refused`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

const refusal = (status: number, code: string, message: string, hint: string): Refusal => ({
  status,
  problems: [{ code, message, hint }],
});
const BROKEN = refusal(400, 'HTTP_INVALID', 'This is not valid HTTP.', 'Check the request line and the headers.');
const SOCKET_REFUSALS: Readonly<Record<string, Refusal>> = {
  ERR_HTTP_REQUEST_TIMEOUT: refusal(408, 'REQUEST_TIMEOUT', 'The request did not arrive in time.', 'Send it again.'),
  HPE_HEADER_OVERFLOW: refusal(431, 'HEADERS_TOO_LARGE', 'The headers are too large.', 'Send fewer or shorter ones.'),
};
