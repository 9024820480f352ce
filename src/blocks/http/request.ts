import type { LookupFunction } from 'node:net';
import type { StopSignal } from '../../core/stop.js';
import { cleanse } from '../content.js';
import { startDeadline } from '../deadline.js';
import { BlockFault, errorOf, failure } from '../errors.js';
import type { Block, BlockOutcome, ResolveSecret } from '../port.js';
import { redactor } from '../secrets.js';
import { type HttpResult, type Reading, readAnswer, statusFault } from './answer.js';
import { bare, checkTarget, type Egress, openEgress } from './egress.js';
import { exchange, type Head, named, type WireRequest } from './exchange.js';
import { type Plan, planRequest } from './plan.js';

export interface HttpOptions {
  readonly resolveSecret: ResolveSecret;
  /** Exact `host:port` that may be called although private; from the operator's configuration, never a tenant's. */
  readonly allowPrivate?: readonly string[];
  /** A connection's `base` → where it really is, for systems whose address is known only when the process starts. */
  readonly aliases?: Readonly<Record<string, string>>;
  readonly lookup?: LookupFunction; // instead of the system's resolver
  readonly maxResponseBytes?: number; // on the wire and decompressed; 1 MB
  readonly connectTimeoutMs?: number; // 5 s
}

/** `http.request`: one call to an outside system through the guarded connector. */
export function createHttpRequest(options: HttpOptions): Block {
  const allowPrivate = new Set((options.allowPrivate ?? []).map(bare));
  const egress = openEgress({
    allowPrivate,
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    ...(options.lookup && { lookup: options.lookup }),
  });
  const context: Context = { egress, allowPrivate, maxBytes: options.maxResponseBytes ?? 1_048_576 };
  return {
    name: 'http.request',
    perform: async (call, signal) => {
      try {
        const plan = await planRequest(call, options.resolveSecret, options.aliases ?? {});
        return await performPlan(plan, context, signal);
      } catch (thrown) {
        return failure(errorOf(thrown)); // nothing was sent
      }
    },
    close: egress.close,
  };
}

interface Context {
  readonly egress: Egress;
  readonly allowPrivate: ReadonlySet<string>;
  readonly maxBytes: number;
}

/** What is known about the effect at each moment of a call. */
interface Progress {
  mayHaveHappened: boolean;
}

async function performPlan(plan: Plan, context: Context, signal: StopSignal): Promise<BlockOutcome> {
  const redact = redactor(plan.secrets);
  const clean = (text: string): string => String(cleanse(text, redact));
  const progress: Progress = { mayHaveHappened: false };
  const deadline = startDeadline(plan.timeoutMs, signal);
  try {
    const result = await follow(plan, context, redact, deadline.signal, progress);
    return { kind: 'succeeded', result };
  } catch (thrown) {
    const { detail, ...raw } = errorOf(thrown);
    const error = {
      ...raw,
      message: clean(raw.message),
      ...(detail !== undefined && { detail: cleanse(detail, redact) }),
    };
    if (plan.effect === 'at_most_once' && progress.mayHaveHappened) {
      return { kind: 'unknown', error: { ...error, retryable: false } };
    }
    return failure(error);
  } finally {
    deadline.clear();
  }
}

/** Sends the request and follows as many redirects as the input allows, each target checked anew. */
async function follow(
  plan: Plan,
  { egress, allowPrivate, maxBytes }: Context,
  redact: Reading['redact'],
  signal: StopSignal,
  progress: Progress,
): Promise<HttpResult> {
  const startedAt = performance.now();
  let request = plan.request;
  for (let hop = 0; ; hop++) {
    checkTarget(request.url, plan.reach, allowPrivate);
    const before = progress.mayHaveHappened;
    const wire = plan.effect === 'at_most_once' ? egress.fresh : egress.pooled;
    const got = await exchange(wire, request, maxBytes, signal);
    progress.mayHaveHappened = before || (got.sent && !saysNotDone(got.head));
    if (got.head === null || (got.fault !== null && got.head.status < 300)) throw got.fault;
    const { head, body } = got;
    const reading = { maxBytes, redact, latencyMs: Math.round(performance.now() - startedAt) };
    if (head.status < 300 && body !== null) return readAnswer(head, body, reading);
    const location = head.status < 400 ? head.headers.location : undefined;
    if (location === undefined) {
      // The status decides; an explanation that cannot be read does not change it.
      const said = body === null ? null : await readAnswer(head, body, reading).catch(() => null);
      throw statusFault(named(request), head, said);
    }
    if (hop >= plan.redirects) {
      const followed = plan.redirects === 0 ? 'redirects are off' : `${plan.redirects} redirects were followed`;
      throw new BlockFault('REDIRECT_LIMIT', `${named(request)} answered ${head.status} to elsewhere; ${followed}`);
    }
    request = redirected(request, head.status, location, plan.authHeader);
  }
}

/** Statuses with which the other side says that it did not do what was asked. */
const saysNotDone = (head: Head | null): boolean =>
  head !== null &&
  (head.status === 307 || head.status === 308 || head.status === 503 || (head.status >= 400 && head.status < 500));

function redirected(request: WireRequest, status: number, location: string, authHeader: string | null): WireRequest {
  if (!URL.canParse(location, request.url.href)) {
    throw new BlockFault('RESPONSE_INVALID', `${named(request)} answered ${status} with an invalid location`);
  }
  const url = new URL(location, request.url);
  const headers: Record<string, string> = { ...request.headers };
  if (url.origin !== request.url.origin) {
    for (const name of ['authorization', 'cookie', ...(authHeader === null ? [] : [authHeader])]) delete headers[name];
  }
  const asGet = status === 303 ? request.method !== 'HEAD' : status < 303 && request.method === 'POST';
  if (!asGet) return { ...request, url, headers };
  for (const name of ['content-type', 'idempotency-key']) delete headers[name];
  return { url, method: 'GET', headers, body: null };
}
