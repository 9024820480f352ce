/** A journal that has grown for a month: closed cases of nine events each, beside their rows, written by SQL. */
import postgres from 'postgres';

const EVENTS = [
  ['ExceptionIngested', 'api', 'intake'],
  ['ExceptionNormalized', 'intake', 'triage'],
  ['ExceptionTriaged', 'triage', 'policy'],
  ['PolicyEvaluated', 'policy', 'playbook'],
  ['PlaybookStarted', 'playbook', null],
  ['ToolRequested', 'playbook', 'tool'],
  ['ToolFinished', 'tool', 'playbook'],
  ['PlaybookFinished', 'playbook', 'feedback'],
  ['FeedbackCaptured', 'feedback', null],
] as const;
const AT_ONCE = 20_000; // cases of a statement
const CONNECTIONS = 2;
const DAYS = 30;

/** Writes so many rows of the journal, their ids and times in order as in life; answers how many. */
export async function fillJournal(adminUrl: string, tenantId: string, rows: number): Promise<number> {
  const sql = postgres(adminUrl, { max: CONNECTIONS, onnotice: () => undefined });
  const count = Math.ceil(rows / EVENTS.length);
  const began = Date.now() - DAYS * 86_400_000;
  const apart = Math.max(1, Math.floor((DAYS * 86_400_000) / (count + 1)));
  const of = { tenantId, began, apart };
  try {
    let next = 0;
    const writer = async () => {
      while (next < count) {
        const from = next;
        next = Math.min(count, next + AT_ONCE);
        await writeCases(sql, of, from, next);
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, writer));
    for (const text of ['vacuum (analyze) cases', 'vacuum (analyze) journal', 'checkpoint']) await sql.unsafe(text);
    return count * EVENTS.length;
  } finally {
    await sql.end();
  }
}

interface Of {
  readonly tenantId: string;
  readonly began: number; // epoch ms
  readonly apart: number; // ms
}

// The id of the n-th case: a UUID of version 7, as the API makes them, of its time.
const ID = `(lpad(to_hex($2::bigint + n * $3::bigint), 12, '0') || '70008000000000000000')::uuid`;
const AT = `to_timestamp(($2::bigint + n * $3::bigint) / 1000.0)`;

async function writeCases(sql: postgres.Sql, { tenantId, began, apart }: Of, from: number, to: number): Promise<void> {
  const state = JSON.stringify({ filler: 'x'.repeat(200) });
  await sql.unsafe(
    `insert into cases (tenant_id, case_id, status, seq, source, count, exception, feedback, created_at, last_seen_at,
       updated_at, closed_at)
     select $1, ${ID}, 'RESOLVED', ${EVENTS.length}, 'generic', 1, $4::text::jsonb, '{}', ${AT}, ${AT}, ${AT}, ${AT}
     from generate_series(${from}, ${to - 1}) n`,
    [tenantId, began, apart, state],
  );
  const list = EVENTS.map(([type, emitter, stage], i) => {
    const before = EVENTS.slice(0, i).findLastIndex((one) => one[2] === stage);
    return `(${i + 1}, '${type}', '${emitter}', ${stage === null ? 'null' : `'${stage}'`}, ${before + 1})`;
  });
  await sql.unsafe(
    `insert into journal (tenant_id, case_id, seq, event_id, type, emitter, stage, after, cause_id, time, data)
     select $1, ${ID}, q, (lpad(to_hex(n), 12, '0') || '8000800000000000000' || q)::uuid, y, m, s, a, null, ${AT}, $4::text::jsonb
     from generate_series(${from}::bigint, ${to - 1}::bigint) n cross join (values ${list.join(', ')}) as e(q, y, m, s, a)`,
    [tenantId, began, apart, state],
  );
}
