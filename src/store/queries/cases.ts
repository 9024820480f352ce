/** Cases as the API, the console and the CLI show them. */
import type { CaseStatus } from '../../core/case.js';
import type { Severity } from '../../core/records.js';
import { and, asc, desc, eq, getTableColumns, gt, gte, inArray, lt, or, type SQL, sql } from '../drizzle.js';
import { apart } from '../schema/types.js';
import { cases, executions, journal, outbox } from '../schema.js';
import { after, decodeCursor, microsOf, type Page, page } from './cursor.js';
import type { Database } from './database.js';

export interface CaseFilter {
  readonly status?: readonly CaseStatus[];
  readonly severity?: readonly Severity[];
  readonly source?: string;
  readonly type?: string;
  readonly category?: string;
  readonly since?: number; // created at or after, epoch ms
  readonly until?: number; // created before, epoch ms
  readonly q?: string; // part of the title, the entity or the fingerprint, or the start of the id
  readonly limit: number;
  readonly cursor?: string;
}

const severity = sql<Severity | null>`coalesce(${cases.severity}, ${cases.reportedSeverity})`;

const SUMMARY = {
  caseId: cases.caseId,
  kind: cases.kind,
  status: cases.status,
  paused: cases.paused,
  blocked: cases.blocked,
  source: cases.source,
  count: cases.count,
  type: cases.type,
  title: cases.title,
  entity: cases.entity,
  severity,
  category: cases.category,
  priority: cases.priority,
  createdAt: cases.createdAt,
  lastSeenAt: cases.lastSeenAt,
  updatedAt: cases.updatedAt,
  closedAt: cases.closedAt,
};

function matching(tenantId: string, filter: CaseFilter): SQL | undefined {
  return and(
    eq(apart(cases.tenantId, 'POSIX'), tenantId),
    filter.status && inArray(cases.status, [...filter.status]),
    filter.severity && inArray(severity, [...filter.severity]),
    filter.source === undefined ? undefined : eq(cases.source, filter.source),
    filter.type === undefined ? undefined : eq(cases.type, filter.type),
    filter.category === undefined ? undefined : eq(cases.category, filter.category),
    filter.since === undefined ? undefined : gte(cases.createdAt, filter.since),
    filter.until === undefined ? undefined : lt(cases.createdAt, filter.until),
    filter.q === undefined ? undefined : containing(filter.q),
  );
}

function containing(text: string): SQL | undefined {
  const literal = text.replace(/[\\%_]/g, '\\$&');
  const inside = `%${literal}%`;
  return or(
    sql`${cases.title} ilike ${inside}`,
    sql`${cases.entity} ilike ${inside}`,
    sql`${cases.openKey} ilike ${inside}`,
    sql`${cases.caseId}::text like ${`${literal.toLowerCase()}%`}`,
  );
}

/** The newest first. Throws ProblemError CURSOR_INVALID. */
async function listCases(database: Database, tenantId: string, filter: CaseFilter) {
  const { limit, cursor, ...rest } = filter;
  const list = `cases\n${tenantId}\n${JSON.stringify(rest)}`;
  const place = cursor === undefined ? undefined : decodeCursor(list, cursor);
  const rows = await database.within([tenantId], (db) =>
    db
      .select({ ...SUMMARY, micros: microsOf(cases.createdAt) })
      .from(cases)
      .where(and(matching(tenantId, filter), place && after(place, cases.createdAt, cases.caseId)))
      .orderBy(desc(cases.createdAt), asc(cases.caseId))
      .limit(limit + 1),
  );
  return page(
    rows,
    limit,
    list,
    (row) => row.caseId,
    ({ micros: _, ...item }) => item,
  );
}

async function getCase(database: Database, tenantId: string, caseId: string) {
  const [row] = await database.within([tenantId], (db) =>
    db
      .select()
      .from(cases)
      .where(and(eq(cases.tenantId, tenantId), eq(cases.caseId, caseId))),
  );
  return row ?? null;
}

/** The case's events with `seq` above `afterSeq`, oldest first; `published` is false while one waits in the outbox and its stage has not seen it. */
async function timeline(database: Database, tenantId: string, caseId: string, afterSeq = 0, limit = 1_000) {
  const waiting = sql<boolean>`${journal.seq} = any (array(select u.seq from ${outbox} o
    cross join lateral unnest(o.case_ids, o.seqs) as u(case_id, seq)
    where o.tenant_id = ${tenantId} and u.case_id = ${caseId}))
    and ${journal.seq} > coalesce((select (c.seen ->> ${journal}.stage)::int from ${cases} c
      where c.tenant_id = ${tenantId} and c.case_id = ${caseId}), 0)`; // the outbox is read once, not for each event
  const rows = await database.within([tenantId], (db) =>
    db
      .select({ ...getTableColumns(journal), waiting })
      .from(journal)
      .where(and(eq(journal.tenantId, tenantId), eq(journal.caseId, caseId), gt(journal.seq, afterSeq)))
      .orderBy(asc(journal.seq))
      .limit(limit),
  );
  return rows.map(({ waiting: isWaiting, ...row }) => ({ ...row, published: !isWaiting }));
}

/** The case's tool calls, in the order in which they were asked for. */
const listExecutions = (database: Database, tenantId: string, caseId: string) =>
  database.within([tenantId], (db) =>
    db
      .select()
      .from(executions)
      .where(and(eq(apart(executions.tenantId), tenantId), eq(executions.caseId, caseId)))
      .orderBy(asc(executions.createdAt), asc(executions.executionId)),
  );

export type CaseDetail = NonNullable<Awaited<ReturnType<typeof getCase>>>;
export type CaseSummary = Awaited<ReturnType<typeof listCases>>['items'][number];
export type CasePage = Page<CaseSummary>;
export type TimelineEntry = Awaited<ReturnType<typeof timeline>>[number];

export const caseQueries = (database: Database) => ({
  getCase: (tenantId: string, caseId: string) => getCase(database, tenantId, caseId),
  listCases: (tenantId: string, filter: CaseFilter): Promise<CasePage> => listCases(database, tenantId, filter),
  timeline: (tenantId: string, caseId: string, afterSeq?: number, limit?: number) =>
    timeline(database, tenantId, caseId, afterSeq, limit),
  listExecutions: (tenantId: string, caseId: string) => listExecutions(database, tenantId, caseId),
});
