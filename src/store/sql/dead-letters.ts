/** Dead letters: inputs that could not be handled, with their story. */
import type { DeadLetterStatus, LetterInput, LetterSettlement } from '../../core/letters.js';
import { type SQL, sql } from '../drizzle.js';
import type { DeadLetterDraft, DeadLetterRecord } from '../port.js';
import { deadLetters } from '../schema.js';
import { type Session, statement } from './driver.js';
import { ms, recordset } from './rows.js';

/** A `LetterStep` of this moment; the arguments are SQL. */
const step = (what: string, by: string, note: string): SQL =>
  sql.raw(
    `jsonb_build_object('at', floor(extract(epoch from now()) * 1000), 'what', ${what}, 'by', ${by}, 'note', ${note})`,
  );

// The same input again, after a replay that did not help, is the same letter once more. What people wrote stays.
const insert = statement<never>(sql`
  insert into ${deadLetters} as d (tenant_id, dead_letter_id, case_id, seq, stage, topic, partition, record_offset, code,
    message, path, event_type, key, value, headers, history)
  select distinct on (t, i) t, i, c, q, s, o, p, f, e, m, w, y, k, v, h,
    jsonb_build_array(${step("'failed'", 'null', 'e')}) from ${recordset(
      'rows',
      'r',
      't text, i uuid, c uuid, q int, s text, o text, p int, f bigint, e text, m text, w text, y text, k text, v text, h jsonb',
    )}
  on conflict (tenant_id, dead_letter_id) do update set
    status = case when d.parks or d.status = 'parked' then 'parked' else 'open' end, parks = false,
    attempts = d.attempts + 1, last_at = now(), code = excluded.code, message = excluded.message, path = excluded.path,
    settled_by = null, settled_at = null, reason = null, history = d.history || excluded.history, published_at = null`);

export const insertDeadLetters = (session: Session, list: readonly DeadLetterDraft[]): Promise<unknown> =>
  session.run(insert, {
    rows: JSON.stringify(
      list.map((d) => ({
        t: d.tenantId,
        i: d.deadLetterId,
        c: d.caseId,
        q: d.seq,
        s: d.stage,
        o: d.topic,
        p: d.partition,
        f: d.offset,
        e: d.code,
        m: d.message,
        w: d.path,
        y: d.eventType,
        k: d.key,
        v: d.value,
        h: d.headers,
      })),
    ),
  });

interface RawLetter extends Pick<DeadLetterDraft, 'seq' | 'stage' | 'topic' | 'partition' | 'code' | 'message'> {
  readonly tenant_id: string;
  readonly dead_letter_id: string;
  readonly case_id: string | null;
  readonly record_offset: number;
  readonly path: string | null;
  readonly event_type: string | null;
  readonly key: string | null;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly status: DeadLetterStatus;
  readonly attempts: number;
  readonly first_at: number;
  readonly last_at: number;
  readonly edited: LetterInput | null;
}

const COLUMNS = sql`d.tenant_id, d.dead_letter_id, d.case_id, d.seq, d.stage, d.topic, d.partition, d.record_offset, d.code,
  d.message, d.path, d.event_type, d.key, d.value, d.headers, d.status, d.attempts, d.edited, ${ms('d.first_at')} as first_at,
  ${ms('d.last_at')} as last_at`;

const unpublished = statement<RawLetter>(sql`
  select ${COLUMNS} from ${deadLetters} d where d.published_at is null order by d.first_at limit ${sql.placeholder('limit')}`);

export async function unpublishedDeadLetters(session: Session, limit: number): Promise<DeadLetterRecord[]> {
  return (await session.run(unpublished, { limit })).map(toRecord);
}

const published = statement<never>(sql`
  with k as materialized (select * from ${recordset('rows', 'k', 't text, i uuid')} order by t, i)
  update ${deadLetters} d set published_at = now() from k where d.tenant_id = k.t and d.dead_letter_id = k.i`);

export async function markDeadLettersPublished(session: Session, letters: readonly DeadLetterDraft[]): Promise<void> {
  await session.run(published, { rows: JSON.stringify(letters.map((d) => ({ t: d.tenantId, i: d.deadLetterId }))) });
}

const lock = statement<RawLetter>(sql`
  select ${COLUMNS} from ${deadLetters} d
  where d.tenant_id = ${sql.placeholder('tenant')} and d.dead_letter_id = ${sql.placeholder('letter')} for update`);

export async function lockDeadLetter(
  session: Session,
  tenant: string,
  letter: string,
): Promise<DeadLetterRecord | null> {
  const [raw] = await session.run(lock, { tenant, letter });
  return raw === undefined ? null : toRecord(raw);
}

const settle = statement<never>(sql`
  update ${deadLetters} d set status = r.s, parks = r.p, settled_by = r.b, settled_at = now(), reason = r.n,
    history = d.history || ${step('r.s', 'r.b', 'r.n')}
  from jsonb_to_record(${sql.placeholder('row')}::text::jsonb) as r(t text, i uuid, s text, b text, n text, p bool)
  where d.tenant_id = r.t and d.dead_letter_id = r.i`);

export async function settleDeadLetter(session: Session, settlement: LetterSettlement): Promise<void> {
  const { tenantId: t, deadLetterId: i, status: s, by: b, reason: n, parks: p } = settlement;
  await session.run(settle, { row: JSON.stringify({ t, i, s, b, n, p }) });
}

const edit = statement<never>(sql`
  update ${deadLetters} d set edited = r.e, status = case when d.status = 'parked' then 'open' else d.status end,
    history = d.history || ${step("'edited'", 'r.b', 'null')}
  from jsonb_to_record(${sql.placeholder('row')}::text::jsonb) as r(t text, i uuid, b text, e jsonb)
  where d.tenant_id = r.t and d.dead_letter_id = r.i`);

export async function editDeadLetter(
  session: Session,
  tenantId: string,
  deadLetterId: string,
  input: LetterInput,
  by: string,
): Promise<void> {
  await session.run(edit, { row: JSON.stringify({ t: tenantId, i: deadLetterId, b: by, e: input }) });
}

const toRecord = (raw: RawLetter): DeadLetterRecord => ({
  tenantId: raw.tenant_id,
  deadLetterId: raw.dead_letter_id,
  caseId: raw.case_id,
  seq: raw.seq,
  stage: raw.stage,
  topic: raw.topic,
  partition: raw.partition,
  offset: raw.record_offset,
  code: raw.code,
  message: raw.message,
  path: raw.path,
  eventType: raw.event_type,
  key: raw.key,
  value: raw.value,
  headers: raw.headers,
  status: raw.status,
  attempts: raw.attempts,
  firstAt: raw.first_at,
  lastAt: raw.last_at,
  edited: raw.edited,
});
