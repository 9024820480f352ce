/** From a request's body to accepted exceptions: split by the tenant's source, checked whole, then kept at once. */
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { type Problem, ProblemError, ProblemsError } from '../core/errors.js';
import { traceparentOf } from '../core/ids.js';
import { type CompiledPack, type IgnoredItem, type SourceItem, splitSource } from '../packs/index.js';
import type { IngestAnswer, IngestRequest } from '../runtime/ingest.js';
import { ingestItem } from '../runtime/ingest-reports.js';
import { bodyEmpty, MAX_BODY_BYTES } from './body.js';
import type { ApiDeps } from './ports.js';
import type { Quotas } from './quotas.js';

/** Bytes of one exception: less than a body, because its event says more and must fit as well. */
export const MAX_EXCEPTION_BYTES = MAX_BODY_BYTES - 16 * 1024;

export interface Submission {
  readonly tenantId: string;
  readonly source: string;
  readonly via: 'api' | 'hook';
}

/** What became of the exceptions, and which pieces of the request were none. */
export interface Submitted extends IngestAnswer {
  readonly skipped: readonly IgnoredItem[];
}

/** Accepts a request's exceptions, all or none. Throws ProblemError, or ProblemsError with every problem. */
export async function submit(
  deps: ApiDeps & { readonly quotas: Quotas },
  request: FastifyRequest,
  to: Submission,
): Promise<Submitted> {
  const { tenantId, source, via } = to;
  const { body, headers, bodyFacts, signature } = request;
  if (signature?.checked === null) await signature.check(new Uint8Array()); // without a body nobody has checked yet
  if (body === undefined && headers['ce-specversion'] === undefined) throw bodyEmpty();
  const idempotency = signature?.checked?.idempotency ?? idempotencyOf(request, to);
  const active = await deps.packs.activePack(tenantId);
  const { pack } = active;
  requireSource(pack, source);
  const receivedAt = new Date().toISOString();
  const split = splitSource(pack, source, { body, headers: keptHeaders(headers), receivedAt });
  refuse(split.problems.map((problem) => named(ofTenant(problem, body, tenantId), tenantId)));
  if (bodyFacts && bodyFacts.bytes > MAX_EXCEPTION_BYTES) refuse(tooLarge(split.items, Array.isArray(body)));
  const items = split.items.map((item) =>
    ingestItem(active, item, { newCaseId: deps.newId(), source, via, receivedAt }),
  );
  const traceparent = traceparentOf(headers.traceparent);
  const answer = await accept(deps, pack, { requestId: request.id, tenantId, items, traceparent, idempotency });
  return { ...answer, skipped: split.ignored };
}

/** Keeps the exceptions if the tenant may report as many. */
async function accept(
  { quotas, ingestion }: Pick<ApiDeps, 'ingestion'> & { readonly quotas: Quotas },
  { limits }: CompiledPack,
  request: IngestRequest,
): Promise<IngestAnswer> {
  const reports = request.items.filter(({ data }) => !data.resolve).length;
  const admission = await quotas.admit(request.tenantId, limits, reports);
  try {
    const answer = await ingestion.accept(request);
    if (answer.replayed) admission.giveBack();
    else admission.opened(answer.items.filter(({ outcome }) => outcome === 'created').length);
    return answer;
  } catch (error) {
    admission.giveBack();
    throw error;
  }
}

function requireSource({ sources }: CompiledPack, source: string): void {
  if (sources.has(source)) return;
  const hint = `Known: ${[...sources.keys()].sort().join(', ')}.`;
  const message = `The tenant's pack has no source ${JSON.stringify(source)}.`;
  throw new ProblemError({ code: 'SOURCE_UNKNOWN', message, path: 'source', hint }, 404);
}

const STATUS: Readonly<Record<string, number>> = { BATCH_TOO_LARGE: 413, BODY_TOO_LARGE: 413 };

function refuse(problems: readonly Problem[]): void {
  const [first, ...rest] = problems;
  if (first) throw new ProblemsError([first, ...rest], STATUS[first.code] ?? 400);
}

function tooLarge(items: readonly SourceItem[], isList: boolean): Problem[] {
  return items.flatMap(({ item, body, headers }, index): Problem[] => {
    const bytes = Buffer.byteLength(JSON.stringify({ item, body, headers }));
    if (bytes <= MAX_EXCEPTION_BYTES) return [];
    const message = `The exception has ${bytes} bytes, at most ${MAX_EXCEPTION_BYTES} fit.`;
    const hint = 'Keep large parts elsewhere and send a reference.';
    return [{ code: 'BODY_TOO_LARGE', message, hint, path: isList ? `items[${index}]` : '(the document)' }];
  });
}

const TENANT_FIELD = /^(?:items\[(\d+)\]\.)?(tenant|tenantId|tenant_id)$/;

/** An exception that names another tenant than the path was meant for that one: say so, not only "unknown field". */
function ofTenant(problem: Problem, body: unknown, tenantId: string): Problem {
  const [, index, key] = (problem.code === 'FIELD_UNKNOWN' && TENANT_FIELD.exec(problem.path ?? '')) || [];
  if (key === undefined) return problem;
  const item: unknown = index === undefined ? body : (body as readonly unknown[])[Number(index)];
  const hint = 'The tenant stands in the path; leave it out of the body.';
  if ((item as Readonly<Record<string, unknown>>)[key] === tenantId) return { ...problem, hint };
  const message = `\`${key}\` names another tenant than the path.`;
  return { ...problem, code: 'TENANT_MISMATCH', message, hint };
}

/** The pack does not know whose it is; the hints that it gives name addresses of this tenant. */
const named = (problem: Problem, tenantId: string): Problem =>
  problem.hint === undefined ? problem : { ...problem, hint: problem.hint.replaceAll('{tenant}', tenantId) };

const KEY = /^[\x21-\x7e]{1,200}$/;

function idempotencyOf({ headers, bodyFacts }: FastifyRequest, { source, via }: Submission) {
  const key = headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key !== 'string' || !KEY.test(key)) {
    const message = 'An Idempotency-Key has 1 to 200 visible ASCII characters.';
    throw new ProblemError({ code: 'IDEMPOTENCY_KEY_INVALID', message, path: 'Idempotency-Key', hint: 'Send a UUID.' });
  }
  return { key, bodyHash: `${via}:${source}:${bodyFacts?.hash ?? ''}` };
}

const KEPT = /^(?:x-|sentry-hook-)|^(?:content-type|user-agent)$/;
const ATTRIBUTE = /^ce-[a-z0-9]+$/; // of an event: `ce-partitionkey` is no key
const SECRET = /auth|token|secret|signature|key|cookie|passw|session|credential|jwt|forwarded|real-ip/;

/** The headers that a source may read, by lower-case name. Nothing that could be a secret is among them. */
export function keptHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const isKept = ATTRIBUTE.test(name) || (KEPT.test(name) && !SECRET.test(name));
    if (isKept && typeof value === 'string') kept[name] = value;
  }
  return kept;
}
