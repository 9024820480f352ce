/** What the reconciler looks for: what the design says cannot be, found in the tables themselves. */
import type { CaseStatus } from '../../core/case.js';
import type { StageName } from '../../core/stages.js';
import { sql } from '../drizzle.js';
import { StoreError } from '../errors.js';
import type { CaseKey, TenantScope } from '../port.js';
import { cases, executions, incidentMembers, incidents, journal, outbox, timers, waits } from '../schema.js';
import type { Database, Db } from './database.js';

/** A case that nothing will move any more by itself. */
export interface StrandedCase extends CaseKey {
  readonly status: CaseStatus;
}

/** Nobody shall notice the search for what was lost. */
const PATIENCE_MS = 60;
const CANCELED = '57014'; // SQLSTATE

/**
 * Cases with an event of `stage` of this time (epoch ms) that the stage has not seen; null: it is too much for one look. Only
 * meaningful once everything of up to `to` was published, and the stage has consumed it.
 */
const lostEvents = (
  database: Database,
  stage: StageName,
  from: number,
  to: number,
  limit: number,
): Promise<CaseKey[] | null> =>
  unlessCanceled(database, async (db) => {
    await db.execute(sql`select summarize_journal(), set_config('statement_timeout', ${String(PATIENCE_MS)}, true),
      set_config('enable_bitmapscan', 'on', true)`); // the only way to read a BRIN index
    // By its time, whatever the planner knows of the journal: the first ten cases in the order of its key would have it read whole.
    const sent = sql`(select ${journal.tenantId}, ${journal.caseId}, ${journal.seq} from ${journal}
      where ${journal.time} >= to_timestamp(${from}::float8 / 1000) and ${journal.time} < to_timestamp(${to}::float8 / 1000)
        and ${journal.stage} = ${stage} offset 0) j`;
    // A look-up for each event: a join that the planner may choose reads all cases, however few events there are.
    const unseen = sql`(select from ${cases} c where c.tenant_id = j.tenant_id and c.case_id = j.case_id
      and j.seq > coalesce((c.seen ->> ${stage}::text)::int, 0)
      and not c.blocked and (c.held is null or not c.held ? ${stage}::text) offset 0) c`;
    return db
      .selectDistinct({ tenantId: sql<string>`j.tenant_id`, caseId: sql<string>`j.case_id` })
      .from(sent)
      .crossJoinLateral(unseen)
      .limit(limit);
  });

const unlessCanceled = <T>(database: Database, body: (db: Db) => Promise<T>): Promise<T | null> =>
  database.lookingUp('all', body).catch((error: unknown) => {
    if (error instanceof StoreError && error.sqlstate === CANCELED) return null;
    throw error;
  });

/** When (epoch ms) the oldest batch that is still in the outbox came to be; null: there is none. */
const oldestWaiting = (database: Database): Promise<number | null> =>
  database.within('all', async (db) => {
    const [row] = await db
      .select({ at: sql<number | null>`floor(date_part('epoch', min(${outbox.createdAt})) * 1000)` })
      .from(outbox);
    return row?.at ?? null;
  });

/** Cases that run without a call under way, or wait without a wait or a timer, for longer than `ms`. */
const strandedCases = (database: Database, scope: TenantScope, ms: number, limit: number): Promise<StrandedCase[]> =>
  database.within(scope, (db) =>
    db
      .select({ tenantId: cases.tenantId, caseId: cases.caseId, status: cases.status })
      .from(cases)
      .where(
        // Names written out: in a select of one table drizzle leaves the table's name away, and `exists` would compare a
        // column of its own table with itself.
        sql`cases.closed_at is null and not cases.blocked and cases.held is null
          and cases.updated_at < now() - make_interval(secs => ${ms / 1000}::float8) and (
            (cases.status = 'RUNNING' and not exists (select from ${executions} e where e.tenant_id collate "C" = cases.tenant_id
              and e.case_id = cases.case_id and e.status in ('pending', 'leased')))
            or (cases.status = 'WAITING' and not exists (select from ${waits} w
              join ${timers} t on t.tenant_id = w.tenant_id and t.case_id = w.case_id and t.kind = 'wait.timeout'
              where w.tenant_id collate "C" = cases.tenant_id and w.case_id = cases.case_id and w.closed_at is null)
              and not exists (select from ${timers} h where h.tenant_id = cases.tenant_id and h.case_id = cases.case_id
                and h.kind in ('hold', 'accumulate', 'window'))
              and not exists (select from ${incidentMembers} m where m.tenant_id = cases.tenant_id
                and m.case_id = cases.case_id and m.state in ('new', 'gathering', 'waiting'))
              and not exists (select from ${incidents} i where i.tenant_id = cases.tenant_id
                and i.incident_id = cases.case_id and i.record ->> 'status' <> 'over')))
          and not exists (select from json_each_text(cases.sent) s
            where s.value::int > coalesce((cases.seen ->> s.key)::int, 0))`,
      )
      .limit(limit),
  );

export const reconcileQueries = (database: Database) => ({
  lostEvents: (stage: StageName, from: number, to: number, limit: number) =>
    lostEvents(database, stage, from, to, limit),
  oldestWaiting: () => oldestWaiting(database),
  strandedCases: (scope: TenantScope, ms: number, limit: number) => strandedCases(database, scope, ms, limit),
});
