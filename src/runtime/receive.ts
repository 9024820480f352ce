/** Steps 1 and 2 of the shell, outside any transaction: records are decoded, and what their decisions need is gathered. */
import { decodeEvent, type LogRecord } from '../core/envelope.js';
import { type Problem, ProblemError } from '../core/errors.js';
import type { CaseEvent } from '../core/events.js';
import type { Outcome } from '../core/outcome.js';
import type { GatherDeps, Stage } from '../stages/contract.js';
import type { Decoded } from './chunk.js';
import type { TenantDirectory } from './tenants.js';

/** So long until another try of what may be mended meanwhile, by a newer process or another pack version. */
const UNUSABLE_MS = 30_000;

interface ReceiveDeps {
  readonly tenants: TenantDirectory;
  readonly gather: GatherDeps;
}

/** In the order of the records. Rejects where something all tenants need is not there: it is to be tried again. */
export async function receive(
  stage: Stage,
  { tenants: directory, gather }: ReceiveDeps,
  partition: number,
  records: readonly LogRecord[],
): Promise<readonly Decoded[]> {
  const now = Date.now();
  const decoded = records.map((record) => ({ record, result: decodeEvent(record, stage.name, now) }));
  const tenants = new Set<string>();
  for (const { result } of decoded) if (result.ok) tenants.add(result.event.tenantId);
  const known = await directory.known(tenants);
  // As a rule without a promise: one for each event would cost more than most decisions.
  const gathered = decoded.map(({ record, result }): Decoded | Promise<Decoded> => {
    if (!result.ok) return { record, partition, problem: result.problem, tenantId: null };
    const { event } = result;
    if (!known.has(event.tenantId)) return { record, partition, problem: unknownTenant(event), tenantId: null };
    return withFacts(stage, gather, { record, partition, event });
  });
  return gathered.some((one) => one instanceof Promise) ? Promise.all(gathered) : (gathered as Decoded[]);
}

interface Received {
  readonly record: LogRecord;
  readonly partition: number;
  readonly event: CaseEvent;
}

/** What cannot be had for one tenant's event, as with a pack that does not compile, must not hold the others. */
function withFacts(stage: Stage, deps: GatherDeps, { record, partition, event }: Received): Decoded | Promise<Decoded> {
  const unusable = (error: unknown): Decoded => ({ record, partition, event, facts: null, instead: retryOf(error) });
  try {
    const facts = stage.gather(deps, event);
    if (!(facts instanceof Promise)) return { record, partition, event, facts };
    return facts.then((had) => ({ record, partition, event, facts: had }), unusable);
  } catch (error) {
    return unusable(error);
  }
}

/** Throws what is no problem of one tenant: the chunk is tried again then. */
function retryOf(error: unknown): Outcome {
  if (!(error instanceof ProblemError)) throw error;
  const { code, message } = error.problem;
  return { kind: 'retry', code, reason: message, afterMs: UNUSABLE_MS };
}

const unknownTenant = (event: CaseEvent): Problem => ({
  code: 'TENANT_UNKNOWN',
  message: `There is no tenant "${event.tenantId}", or it is disabled.`,
});
