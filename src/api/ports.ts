/** What the API is given, and what it adds to fastify's own types. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import type { ResolveSecret } from '../blocks/port.js';
import type { Log } from '../log/port.js';
import type { Commands } from '../runtime/commands.js';
import type { DeadLetters } from '../runtime/dead-letters.js';
import type { Ingestion } from '../runtime/ingest.js';
import type { PackCache } from '../runtime/pack-cache.js';
import type { Packs } from '../runtime/packs.js';
import type { StageReplay, StageReplayed } from '../runtime/replay.js';
import type { Queries } from '../store/queries.js';
import type { Telemetry } from '../telemetry/catalogue.js';
import type { HealthCheck } from '../telemetry/health.js';
import type { Scope } from './keys.js';

export type ApiQueries = Pick<
  Queries,
  | 'getCase'
  | 'incidentOf'
  | 'incidentMembers'
  | 'listCases'
  | 'timeline'
  | 'readPast'
  | 'packSource'
  | 'getWait'
  | 'pipeline'
  | 'countOpen'
  | 'strandedCases'
  | 'listTenants'
  | 'getActivePack'
  | 'listPacks'
  | 'packActivations'
  | 'findApiKey'
  | 'touchApiKey'
  | 'listDeadLetters'
  | 'getDeadLetter'
  | 'deadLetterCauses'
  | 'previewDeadLetters'
>;

export type Mode = 'embedded' | 'cluster';

export interface ApiDeps {
  /** `embedded`: loopback only, Host and Origin checked, principal `local`; `cluster`: a key on every request. */
  readonly mode: Mode;
  readonly queries: ApiQueries;
  readonly ingestion: Pick<Ingestion, 'accept'>;
  readonly commands: Pick<Commands, 'decideApproval' | 'reingest' | 'end'>;
  readonly deadLetters: Pick<DeadLetters, 'replay' | 'replayMany' | 'edit' | 'discard'>;
  readonly replayStage: (request: StageReplay) => Promise<StageReplayed>;
  readonly packs: Pick<PackCache, 'activePack' | 'packVersion'>;
  readonly packLife: Pick<Packs, 'validate' | 'push' | 'stored' | 'activate' | 'rollback'>;
  readonly resolveSecret: ResolveSecret; // with which sources verify who sends
  readonly log: Pick<Log, 'watermarks' | 'ping'>;
  readonly telemetry: Telemetry;
  readonly checks: () => Promise<readonly HealthCheck[]>; // of readiness
  readonly metrics: () => Promise<string>; // Prometheus text
  readonly newId: () => string; // UUID
  /** Told of errors that nobody expected, with the id that the caller was given. */
  readonly onFault?: (fault: { readonly requestId: string; readonly error: unknown }) => void;
  readonly requestTimeoutMs?: number; // 30 s: a request whose body has not arrived by then gets 408
}

export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** Who asks. `tenantId` null: whoever is on this machine, in the embedded mode. */
export interface Principal {
  readonly name: string;
  readonly tenantId: string | null;
  readonly scopes: ReadonlySet<Scope>;
}

/** What is to be checked before a request's body is read, and what came of it. */
export interface Signature {
  readonly source: string;
  /** Throws 401 SIGNATURE_…, or 503 SECRET_UNAVAILABLE. */
  check(body: Uint8Array): Promise<void>;
  /** Null until it was checked. */
  readonly checked: {
    /** The key under which a repeat of the delivery is known; null: nothing identifies it. */
    readonly idempotency: { readonly key: string; readonly bodyHash: string } | null;
  } | null;
}

/** What the body parser noted of a request. */
export interface BodyFacts {
  readonly bytes: number;
  readonly hash: string | null; // SHA-256 of the body; only where there is an Idempotency-Key
}

/** How a body that the API checks by other means than zod is documented: by content type. */
export type DocumentedBody = Readonly<Record<string, { readonly schema: z.ZodType; readonly description?: string }>>;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The scope that a route needs; `public`: nobody has to say who they are. Without it a route is refused. */
    access?: Scope | 'public';
    system?: boolean; // also for what belongs to no tenant, under the name `~system`
    signed?: boolean; // a source that verifies its sender needs no key here
    emptyBody?: boolean; // a request without a body is fine
    makesTenant?: boolean; // on this machine its owner may begin a tenant with it
    body?: DocumentedBody;
  }
  interface FastifyRequest {
    principal: Principal | null;
    bodyFacts: BodyFacts | null;
    signature: Signature | null; // that the sender must have
  }
}
