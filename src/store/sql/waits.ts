/** Waits: a suspended run's reasons, and what people decided about them. */
import type { WaitDecision } from '../../core/approval.js';
import { sql } from '../drizzle.js';
import type { CaseKey, WaitRecord, WaitRow, WriteBatch } from '../port.js';
import { waits } from '../schema.js';
import { type Session, statement } from './driver.js';
import { at, ms, recordset } from './rows.js';

const insert = statement<never>(sql`
  insert into ${waits} (tenant_id, wait_id, case_id, run_id, step, kind, title, terms, pack_version, expires_at)
  select t, i, c, r, s, k, n, d, v, ${at('e')} from ${recordset(
    'rows',
    'w',
    't text, i uuid, c uuid, r uuid, s text, k text, n text, d jsonb, v int, e float8',
  )}
  on conflict do nothing`);

export const insertWaits = (session: Session, list: readonly WaitRow[]): Promise<unknown> =>
  session.run(insert, {
    rows: JSON.stringify(
      list.map((w) => ({
        t: w.tenantId,
        i: w.waitId,
        c: w.caseId,
        r: w.runId,
        s: w.step,
        k: w.kind,
        n: w.title,
        d: w.terms,
        v: w.packVersion,
        e: w.expiresAt,
      })),
    ),
  });

const close = statement<never>(sql`
  with k as materialized (select * from ${recordset('rows', 'k', 't text, i uuid, c uuid, s text')} order by t, i)
  update ${waits} w set status = k.s, closed_at = now()
  from k where w.tenant_id = k.t and w.wait_id = k.i and w.case_id = k.c and w.closed_at is null`);

export const closeWaits = (session: Session, list: NonNullable<WriteBatch['closeWaits']>): Promise<unknown> =>
  session.run(close, {
    rows: JSON.stringify(list.map((w) => ({ t: w.tenantId, i: w.waitId, c: w.caseId, s: w.status }))),
  });

interface RawWait {
  readonly case_id: CaseKey['caseId'];
  readonly run_id: string;
  readonly step: string;
  readonly kind: WaitRecord['kind'];
  readonly title: string;
  readonly terms: WaitRecord['terms'];
  readonly pack_version: number;
  readonly status: WaitRecord['status'];
  readonly decisions: readonly WaitDecision[];
  readonly expires_at: number;
  readonly created_at: number;
  readonly closed_at: number | null;
}

const lock = statement<RawWait>(sql`
  select w.case_id, w.run_id, w.step, w.kind, w.title, w.terms, w.pack_version, w.status, w.decisions,
    ${ms('w.expires_at')} as expires_at, ${ms('w.created_at')} as created_at, ${ms('w.closed_at')} as closed_at
  from ${waits} w where w.tenant_id = ${sql.placeholder('tenant')} and w.wait_id = ${sql.placeholder('wait')} for update`);

export async function lockWait(session: Session, tenantId: string, waitId: string): Promise<WaitRecord | null> {
  const [raw] = await session.run(lock, { tenant: tenantId, wait: waitId });
  if (raw === undefined) return null;
  return {
    tenantId,
    waitId,
    caseId: raw.case_id,
    runId: raw.run_id,
    step: raw.step,
    kind: raw.kind,
    title: raw.title,
    terms: raw.terms,
    packVersion: raw.pack_version,
    status: raw.status,
    decisions: raw.decisions,
    expiresAt: raw.expires_at,
    createdAt: raw.created_at,
    closedAt: raw.closed_at,
  };
}

const decide = statement<never>(sql`
  update ${waits} set status = ${sql.placeholder('status')}, decisions = ${sql.placeholder('decisions')}::text::jsonb
  where tenant_id = ${sql.placeholder('tenant')} and wait_id = ${sql.placeholder('wait')}`);

export async function saveDecision(
  session: Session,
  wait: Pick<WaitRecord, 'tenantId' | 'waitId' | 'status' | 'decisions'>,
): Promise<void> {
  const decisions = JSON.stringify(wait.decisions);
  await session.run(decide, { status: wait.status, decisions, tenant: wait.tenantId, wait: wait.waitId });
}
