/** The ledger of tool calls: leases with `attempt` as fencing token, ends as a compare-and-set on it. */
import { AT_MOST_ONCE_LEASES, HEAD_START, LEASE_MS } from '../../core/work.js';
import { sql } from '../drizzle.js';
import type { CaseKey, ClaimedExecution, ExecutionEnd, ExecutionRow, WriteBatch } from '../port.js';
import { executions } from '../schema.js';
import { type Columns, jsonOrNull, NULL, orNull, placed, whole } from './columns.js';
import { type Param, type Session, statement } from './driver.js';
import { NOW } from './rows.js';
import { list, Shaped } from './shaped.js';

const leases = (effect: string) => sql.raw(`case ${effect} when 'at_most_once' then ${AT_MOST_ONCE_LEASES} else 1 end`);

/** How long before it came a call is taken to have come. */
const ahead = (priority: string) => sql.raw(`interval '${HEAD_START.ms} ms' * (${HEAD_START.last} - ${priority})`);

const ROWS: Columns<NonNullable<WriteBatch['executions']>[number]> = {
  t: ['text', (one) => one.tenantId, 'same'],
  i: ['uuid', (one) => one.executionId],
  c: ['uuid', (one) => one.caseId],
  r: ['uuid', (one) => one.runId],
  s: ['text', (one) => one.step],
  o: ['text', (one) => one.tool, 'same'],
  b: ['text', (one) => one.block, 'same'],
  n: ['text', (one) => orNull(one.connection), 'same'],
  p: ['json', (one) => whole(JSON.stringify(one.input ?? null))],
  e: ['text', (one) => one.effect, 'same'],
  m: ['int', (one) => String(one.timeoutMs), 'same'],
  y: ['json', (one) => JSON.stringify(one.retry), 'same'],
  v: ['int', (one) => String(one.packVersion), 'same'],
  w: ['text', (one) => orNull(one.traceparent)],
  u: ['uuid', (one) => one.causeId],
  g: ['int', (one) => String(one.priority), 'same'],
  l: ['text', (one) => orNull(one.leaseOwner), 'same'],
};

const insert = new Shaped<never>(
  (rows) => sql`
  insert into ${executions} (tenant_id, execution_id, case_id, run_id, step, tool, block, connection, input, effect,
    timeout_ms, retry, pack_version, traceparent, cause_id, priority, next_at, status, attempt, lease_owner, lease_until)
  select t, i, c, r, s, o, b, n, p, e, m, y, v, w, u, g, now() - ${ahead('g')},
    case when l is null then 'pending' else 'leased' end, case when l is null then 0 else 1 end, l,
    case when l is not null then clock_timestamp() + interval '${sql.raw(String(LEASE_MS))} ms' * ${leases('e')} end
  from ${rows('rows', 'x', ROWS)}
  on conflict do nothing`,
);

export const insertExecutions = (session: Session, calls: NonNullable<WriteBatch['executions']>): Promise<unknown> =>
  session.run(...insert.with({ rows: list(ROWS, calls) }));

interface CallKey extends CaseKey {
  readonly executionId: string;
}
const CALLS: Columns<CallKey> = {
  t: ['text', (one) => one.tenantId, 'same'],
  i: ['uuid', (one) => one.executionId],
  c: ['uuid', (one) => one.caseId],
};
const ATTEMPTS: Columns<CallKey & { readonly attempt: number }> = {
  ...CALLS,
  a: ['int', (one) => String(one.attempt), 'same'],
};

// Sent before what changes them: that one sees what others committed while this one waited.
const lock = new Shaped<{ calls: number }>(
  (rows) => sql`
  with k as materialized (select * from ${rows('calls', 'k', CALLS)} order by t, i)
  select count(*)::int as calls from k cross join lateral (
    select from ${executions} x where x.tenant_id = k.t and x.execution_id = k.i for update) x`,
);

const THIS = sql`l.tenant_id = k.t and l.execution_id = k.i and l.case_id = k.c`;
const LEASED = sql`${THIS} and l.attempt = k.a and l.status = 'leased'`;

/** Runs a statement that changes the calls of its list `rows`, once they are locked. */
function change<Row, Call extends CallKey>(
  session: Session,
  wanted: Shaped<Row>,
  [columns, calls]: readonly [columns: Columns<Call>, calls: readonly Call[]],
  more: Readonly<Record<string, Param>> = {},
): Promise<Row[]> {
  const locked = session.run(...lock.with({ calls: list(CALLS, calls) }));
  const [statement, params] = wanted.with({ rows: list(columns, calls) });
  return Promise.all([session.run(statement, { ...params, ...more }), locked]).then(([rows]) => rows);
}

// A call under way loses its lease with its status: its end will not be recorded, and no attempt follows.
const cancel = new Shaped<never>(
  (rows) => sql`
  with k as materialized (select * from ${rows('rows', 'k', CALLS)})
  update ${executions} x set status = 'canceled', lease_owner = null, lease_until = null, finished_at = now()
  from ${placed(executions, sql`${THIS} and l.status in ('pending', 'leased')`)} where x.ctid = k.id`,
);

export const cancelExecutions = (session: Session, calls: readonly CallKey[]): Promise<unknown> =>
  change(session, cancel, [CALLS, calls]);

// By ctid: the rows are locked, so they cannot move.
const claim = statement<RawExecution>(sql`
  with most as (select ${sql.placeholder('limit')}::int as n),
  expired as (
    select ctid as id, true as expired from ${executions}
    where lease_until < ${NOW} and status = 'leased'
    order by lease_until limit (select n from most) for update skip locked),
  fresh as (
    select ctid as id, next_at as due from ${executions}
    where status = 'pending' and attempt = 0 and next_at <= ${NOW}
    order by next_at limit (select n from most) for update skip locked),
  again as (
    select ctid as id, next_at - ${ahead('priority')} as due from ${executions}
    where status = 'pending' and attempt > 0 and next_at <= ${NOW}
    order by next_at limit (select n from most) for update skip locked),
  pending as (
    select id, false as expired from (select * from fresh union all select * from again) p
    order by due limit (select n from most) - (select count(*) from expired)),
  k as materialized (select * from expired union all select * from pending)
  update ${executions} x set status = 'leased', attempt = x.attempt + 1, lease_owner = ${sql.placeholder('owner')},
    lease_until = clock_timestamp() + ${sql.placeholder('lease')}::float8 * interval '1 ms' * ${leases('x.effect')}
  from k where x.ctid = k.id
  returning x.tenant_id, x.execution_id, x.case_id, x.run_id, x.step, x.tool, x.block, x.connection, x.input, x.effect,
    x.timeout_ms, x.retry, x.pack_version, x.traceparent, x.cause_id, x.priority, x.attempt, x.tries, k.expired`);

interface RawExecution
  extends Pick<ExecutionRow, 'step' | 'tool' | 'block' | 'input' | 'effect' | 'retry' | 'priority'> {
  readonly tenant_id: string;
  readonly execution_id: string;
  readonly case_id: string;
  readonly run_id: string;
  readonly connection: string | null;
  readonly timeout_ms: number;
  readonly pack_version: number;
  readonly traceparent: string | null;
  readonly cause_id: string;
  readonly attempt: number;
  readonly tries: number;
  readonly expired: boolean;
}

export async function claimExecutions(
  session: Session,
  owner: string,
  limit: number,
  leaseMs: number,
): Promise<ClaimedExecution[]> {
  const rows = await session.run(claim, { owner, limit, lease: leaseMs });
  return rows.map((raw) => ({
    tenantId: raw.tenant_id,
    executionId: raw.execution_id,
    caseId: raw.case_id,
    runId: raw.run_id,
    step: raw.step,
    tool: raw.tool,
    block: raw.block,
    connection: raw.connection,
    input: raw.input,
    effect: raw.effect,
    timeoutMs: raw.timeout_ms,
    retry: raw.retry,
    packVersion: raw.pack_version,
    traceparent: raw.traceparent,
    causeId: raw.cause_id,
    priority: raw.priority,
    attempt: raw.attempt,
    tries: raw.tries,
    expired: raw.expired,
  }));
}

const extend = new Shaped<{ execution_id: string }>(
  (rows) => sql`
  with k as materialized (select * from ${rows('rows', 'k', ATTEMPTS)})
  update ${executions} x set
    lease_until = clock_timestamp() + ${sql.placeholder('lease')}::float8 * interval '1 ms' * ${leases('x.effect')}
  from ${placed(executions, sql`${LEASED} and l.lease_owner = ${sql.placeholder('owner')}`)} where x.ctid = k.id
  returning x.execution_id`,
);

export async function extendLeases(
  session: Session,
  owner: string,
  calls: readonly (CallKey & { readonly attempt: number })[],
  leaseMs: number,
): Promise<ReadonlySet<string>> {
  const kept = await change(session, extend, [ATTEMPTS, calls], { lease: leaseMs, owner });
  return new Set(kept.map((row) => row.execution_id));
}

/** What a call that ended sets; `d`: one that did not, and is due again after so many ms. */
const ENDS: Columns<ExecutionEnd> = {
  ...ATTEMPTS,
  n: ['int', (one) => String(one.tries), 'same'],
  s: ['text', (one) => one.status, 'same'],
  r: ['json', (one) => (one.status === 'pending' ? NULL : jsonOrNull(one.result))],
  e: ['json', (one) => (one.status === 'pending' ? NULL : jsonOrNull(one.error))],
  l: ['float8', (one) => (one.status === 'pending' ? NULL : String(one.latencyMs))],
  d: ['float8', (one) => (one.status === 'pending' ? String(one.inMs) : NULL)],
};

const end = new Shaped<{ execution_id: string }>(
  (rows) => sql`
  with k as materialized (select * from ${rows('rows', 'k', ENDS)})
  update ${executions} x set status = k.s, tries = k.n, result = k.r, error = k.e, latency_ms = k.l,
    next_at = case when k.d is null then x.next_at else clock_timestamp() + k.d * interval '1 ms' end, lease_owner = null, lease_until = null,
    finished_at = case when k.s <> 'pending' then clock_timestamp() end
  from ${placed(executions, LEASED)} where x.ctid = k.id
  returning x.execution_id`,
);

export async function endExecutions(session: Session, ends: readonly ExecutionEnd[]): Promise<ReadonlySet<string>> {
  const ended = await change(session, end, [ENDS, ends]);
  return new Set(ended.map((row) => row.execution_id));
}
