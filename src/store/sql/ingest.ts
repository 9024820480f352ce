/** Ingestion: cases by fingerprint, and the answers that an Idempotency-Key was given. */
import { sql } from '../drizzle.js';
import type { CaseRow, IdempotencyClaim, NewCase, Tx } from '../port.js';
import { cases, idempotencyKeys } from '../schema.js';
import { placed } from './columns.js';
import { type Session, statement } from './driver.js';
import { at, CASE_COLUMNS, type RawCase, recordset, toCaseRow } from './rows.js';

// Found by fingerprint, locked by case: the order of locks is the same for everybody, and a lock re-checks the fingerprint.
const open = statement<readonly [openKey: string, ...row: RawCase]>(sql`
  with k as materialized (
    select c.tenant_id, c.case_id, c.open_key from ${recordset('keys', 'k', 't text, o text')}
      cross join lateral (select c.tenant_id, c.case_id, c.open_key from ${cases} c
        where c.tenant_id collate "C" = k.t and c.open_key = k.o offset 0) c
    order by c.tenant_id, c.case_id)
  select c.* from k cross join lateral (
    select c.open_key, ${CASE_COLUMNS} from ${cases} c
    where c.tenant_id = k.tenant_id and c.case_id = k.case_id and c.open_key = k.open_key for update
  ) c`);

export async function lockOpen(
  session: Session,
  keys: Parameters<Tx['lockOpen']>[0],
): Promise<(CaseRow & { openKey: string })[]> {
  if (keys.length === 0) return [];
  const rows = await session.lists(open, {
    keys: JSON.stringify(keys.map((key) => ({ t: key.tenantId, o: key.openKey }))),
  });
  return rows.map(([openKey, ...row]) => ({ openKey, ...toCaseRow(row) }));
}

const create = statement<{ case_id: string }>(sql`
  insert into ${cases} (tenant_id, case_id, open_key, source, created_at, last_seen_at)
  select t, i, o, s, ${at('a')}, ${at('a')} from ${recordset('rows', 'r', 't text, i uuid, o text, s text, a float8')}
  order by t, o
  on conflict do nothing returning case_id`);

export async function createCases(session: Session, list: readonly NewCase[]): Promise<ReadonlySet<string>> {
  if (list.length === 0) return new Set();
  const rows = JSON.stringify(list.map((c) => ({ t: c.tenantId, i: c.caseId, o: c.openKey, s: c.source, a: c.at })));
  return new Set((await session.run(create, { rows })).map((row) => row.case_id));
}

const claim = statement<{ tenant_id: string; key: string }>(sql`
  insert into ${idempotencyKeys} (tenant_id, key, body_hash)
  select t, k, h from ${recordset('rows', 'r', 't text, k text, h text')} order by t, k
  on conflict do nothing returning tenant_id, key`);

// A statement of its own: the one before waits for others' claims, and its snapshot is older than their commits.
const claimed = statement<{ tenant_id: string; key: string; body_hash: string; answer: unknown }>(sql`
  select i.tenant_id, i.key, i.body_hash, i.answer from ${recordset('rows', 'r', 't text, k text')}
    cross join lateral (
      select i.* from ${idempotencyKeys} i where i.tenant_id = r.t and i.key = r.k offset 0
    ) i`);

const pair = (tenantId: string, key: string): string => `${tenantId}\n${key}`;

export async function claimIdempotencyKeys(
  session: Session,
  claims: readonly IdempotencyClaim[],
): Promise<(IdempotencyClaim & { answer: unknown })[]> {
  if (claims.length === 0) return [];
  const distinct = new Map(claims.map((one) => [pair(one.tenantId, one.key), one]));
  const rows = JSON.stringify([...distinct.values()].map((one) => ({ t: one.tenantId, k: one.key, h: one.bodyHash })));
  const [mine, all] = await Promise.all([session.run(claim, { rows }), session.run(claimed, { rows })]);
  const fresh = new Set(mine.map((row) => pair(row.tenant_id, row.key)));
  return all
    .filter((row) => !fresh.has(pair(row.tenant_id, row.key)))
    .map((row) => ({ tenantId: row.tenant_id, key: row.key, bodyHash: row.body_hash, answer: row.answer }));
}

const answer = statement<never>(sql`
  with k as materialized (select * from ${recordset('rows', 'k', 't text, k text, a jsonb')} order by t, k)
  update ${idempotencyKeys} i set answer = k.a
  from ${placed(idempotencyKeys, sql`l.tenant_id = k.t and l.key = k.k`)} where i.ctid = k.id`);

export async function saveIdempotentAnswers(
  session: Session,
  answers: Parameters<Tx['saveIdempotentAnswers']>[0],
): Promise<void> {
  if (answers.length === 0) return;
  await session.run(answer, {
    rows: JSON.stringify(answers.map((one) => ({ t: one.tenantId, k: one.key, a: one.answer }))),
  });
}
