/** Incidents as people look at them: which one a case is part of, and the members of one. */
import { and, asc, eq } from '../drizzle.js';
import { apart } from '../schema/types.js';
import { cases, incidentMembers, incidents } from '../schema.js';
import type { Database } from './database.js';

/** The incident that a case is a member of; null where it is none, and while too few came. */
async function incidentOf(database: Database, tenantId: string, caseId: string) {
  const [row] = await database.within([tenantId], (db) =>
    db
      .select({ record: incidents.record, state: incidentMembers.state, status: cases.status })
      .from(incidentMembers)
      .innerJoin(
        incidents,
        and(eq(incidents.tenantId, incidentMembers.tenantId), eq(incidents.incidentId, incidentMembers.incidentId)),
      )
      .innerJoin(cases, and(eq(cases.tenantId, incidents.tenantId), eq(cases.caseId, incidents.incidentId)))
      .where(and(eq(incidentMembers.tenantId, tenantId), eq(incidentMembers.caseId, caseId))),
  );
  if (row === undefined) return null;
  const { incidentId, report, terms, members, over } = row.record;
  const { rule, place, by } = terms;
  return {
    incidentId,
    title: report.title,
    status: row.status,
    rule,
    place,
    by,
    members,
    over,
    waits: row.state === 'waiting',
  };
}

/** The members of an incident, the oldest first; empty for a case that is no parent. */
const membersOf = (database: Database, tenantId: string, incidentId: string, limit: number) =>
  database.within([tenantId], (db) =>
    db
      .select({
        caseId: incidentMembers.caseId,
        title: cases.title,
        status: cases.status,
        state: incidentMembers.state,
        joinedAt: incidentMembers.joinedAt,
      })
      .from(incidentMembers)
      .innerJoin(cases, and(eq(cases.tenantId, incidentMembers.tenantId), eq(cases.caseId, incidentMembers.caseId)))
      .where(and(eq(apart(incidentMembers.tenantId), tenantId), eq(incidentMembers.incidentId, incidentId)))
      .orderBy(asc(incidentMembers.joinedAt), asc(incidentMembers.caseId))
      .limit(limit),
  );

export type IncidentLink = NonNullable<Awaited<ReturnType<typeof incidentOf>>>;
export type IncidentMemberRow = Awaited<ReturnType<typeof membersOf>>[number];

export const incidentQueries = (database: Database) => ({
  incidentOf: (tenantId: string, caseId: string) => incidentOf(database, tenantId, caseId),
  incidentMembers: (tenantId: string, incidentId: string, limit: number) =>
    membersOf(database, tenantId, incidentId, limit),
});
