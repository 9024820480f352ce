/** The API for tests: over real HTTP, on a given or a fresh store, with one tenant. No workers. */
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { v7 as newId } from 'uuid';
import { expect } from 'vitest';
import { createApi } from '../api/index.js';
import type { Api, ApiDeps } from '../api/ports.js';
import { createEmbeddedLog } from '../log/embedded/index.js';
import type { Log } from '../log/port.js';
import type { Ingestion } from '../runtime/ingest.js';
import { PackCache } from '../runtime/pack-cache.js';
import { topicsWanted } from '../runtime/preflight.js';
import type { Publisher } from '../runtime/publisher.js';
import { createServices } from '../runtime/services.js';
import type { OpenStore } from '../store/open.js';
import { createTelemetry, type TelemetryName } from '../telemetry/catalogue.js';
import { memoryStore } from './pglite.js';

export interface ServedApiOptions {
  readonly mode?: ApiDeps['mode'];
  readonly memory?: OpenStore; // a fresh PGlite otherwise; a given one is left open
  readonly log?: Log;
  readonly files?: Readonly<Record<string, string>>; // the pack of the tenant that is made; without it none
  readonly deps?: Partial<ApiDeps>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON. */
  json<T = Record<string, unknown>>(): T;
}

export interface ServedApi {
  readonly api: Api;
  readonly port: number;
  readonly memory: OpenStore;
  readonly log: Log;
  readonly ingestion: Ingestion;
  readonly publisher: Publisher;
  readonly tenantId: string; // made by the options' `files`, or without a pack
  readonly told: readonly { readonly name: TelemetryName; readonly fields: unknown }[];
  readonly faults: readonly unknown[];
  request(path: string, init?: RequestInit): Promise<Answer>;
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** Posts text as it is, anything else as JSON. */
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  close(): Promise<void>;
}

/** Makes a tenant, with a pack where there are files; answers its id. */
export async function makeTenant({ queries }: OpenStore, files?: Readonly<Record<string, string>>): Promise<string> {
  const tenantId = `t-${randomUUID().slice(0, 8)}`;
  await queries.createTenant(tenantId);
  if (files) {
    const { version } = await queries.savePack(tenantId, { name: 'acme', files, createdBy: 'test' });
    await queries.activatePack(tenantId, version);
  }
  return tenantId;
}

export async function serveApi(options: ServedApiOptions = {}): Promise<ServedApi> {
  const { mode = 'embedded', files, deps } = options;
  const memory = options.memory ?? (await memoryStore());
  const log = options.log ?? createEmbeddedLog();
  if (!options.log) await log.createTopics(topicsWanted(1));
  const { store, queries } = memory;
  const tenantId = await makeTenant(memory, files);
  const told: { name: TelemetryName; fields: unknown }[] = [];
  const faults: unknown[] = [];
  const telemetry = createTelemetry([(name, fields) => told.push({ name, fields })]);
  const packs = new PackCache(queries.packSource);
  const services = createServices({ store, log, queries, telemetry, by: 'test', newId, packs });
  const { publisher, ingestion } = services;
  const api = await createApi({
    ...{ mode, queries, packs, log, telemetry, newId },
    resolveSecret: () => null,
    ...services,
    checks: async () => [{ name: 'postgres', ok: true, detail: '' }],
    metrics: async () => '# figures\n',
    onFault: ({ error }) => faults.push(error),
    ...deps,
  });
  await api.listen({ host: '127.0.0.1', port: 0 });
  const { port } = api.server.address() as AddressInfo;
  const request = (path: string, init?: RequestInit) => ask(`http://127.0.0.1:${port}${path}`, init);
  const close = async () => {
    await api.close();
    await ingestion.drain();
    await publisher.drain();
    if (!options.log) await log.close();
    if (!options.memory) await memory.close();
  };
  return { api, port, memory, log, ingestion, publisher, tenantId, told, faults, request, ...verbs(request), close };
}

function verbs(request: ServedApi['request']): Pick<ServedApi, 'get' | 'post'> {
  return {
    get: (path, headers = {}) => request(path, { headers }),
    post: (path, body, headers = {}) => {
      const isText = typeof body === 'string';
      const all = { 'content-type': 'application/json', ...headers };
      return request(path, { method: 'POST', headers: all, body: isText ? body : JSON.stringify(body) });
    },
  };
}

async function ask(url: string, init?: RequestInit): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: <T>() => JSON.parse(text) as T };
}

export interface ProblemAnswer {
  readonly code: string;
  readonly path?: string;
  readonly hint?: string;
  readonly requestId: string;
  readonly problems?: readonly { readonly code: string; readonly path?: string }[];
}

/** Holds an answer to be a problem document with this status, code and place; answers the document. */
export function expectProblem(answer: Answer, status: number, code: string, path?: string): ProblemAnswer {
  const document = answer.json<ProblemAnswer>();
  expect({ status: answer.status, code: document.code }).toEqual({ status, code });
  expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect(document).toMatchObject({ status, type: `urn:millrace:problem:${code}` });
  expect(document.requestId).toMatch(/^[0-9a-f-]{36}$/);
  if (path !== undefined) expect(document.path).toBe(path);
  return document;
}
