/** Exceptions as people look at them: the list, one of them, its timeline. */

import { CASE_STATUSES } from '../../core/case.js';
import { ProblemError } from '../../core/errors.js';
import { isUuid } from '../../core/ids.js';
import { SEVERITIES } from '../../core/records.js';
import type { CaseDetail, CaseFilter } from '../../store/queries.js';
import type { Api, ApiDeps, ApiQueries } from '../ports.js';
import {
  CaseParams,
  ExceptionDetail,
  ExceptionPage,
  ListQuery,
  TenantParams,
  Timeline,
  TimelineQuery,
} from '../schemas.js';
import { detailOf, eventsOf, incidentView, memberView, summaryOf } from '../views.js';
import { PROBLEMS } from './answers.js';

/** The case, or 404 CASE_NOT_FOUND; an id that cannot be one is not found either. */
export async function requireCase(
  queries: Pick<ApiQueries, 'getCase'>,
  tenantId: string,
  id: string,
): Promise<CaseDetail> {
  const found = isUuid(id) ? await queries.getCase(tenantId, id) : null;
  if (found) return found;
  const message = `The tenant ${tenantId} has no such exception.`;
  const hint = `\`millrace list ${tenantId}\` shows those that there are, as does GET /exceptions/${tenantId}.`;
  throw new ProblemError({ code: 'CASE_NOT_FOUND', message, path: 'id', hint }, 404);
}

/** With a member's incident, or a parent's members. */
async function wholeDetail(
  queries: Pick<ApiQueries, 'incidentOf' | 'incidentMembers'>,
  found: CaseDetail,
): Promise<ExceptionDetail> {
  const { tenantId, caseId, exception } = found;
  const detail = detailOf(found);
  const role = exception?.incident?.role;
  if (role === undefined) return detail;
  if (role === 'parent') {
    const members = await queries.incidentMembers(tenantId, caseId, MOST_MEMBERS);
    return { ...detail, members: members.map((one) => memberView(tenantId, one)) };
  }
  const incident = await queries.incidentOf(tenantId, caseId);
  return { ...detail, incident: incident && incidentView(tenantId, incident) };
}

const MOST_MEMBERS = 100;

const wordsOf = <T extends string>(known: readonly T[], text: string): readonly T[] =>
  known.filter((word) => text.split(',').includes(word));

function filterOf({ sort: _, status, severity, since, until, ...query }: ListQuery): CaseFilter {
  const given = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined));
  return {
    ...(given as Pick<CaseFilter, 'limit'>),
    ...(status !== undefined && { status: wordsOf(CASE_STATUSES, status) }),
    ...(severity !== undefined && { severity: wordsOf(SEVERITIES, severity) }),
    ...(since !== undefined && { since: Date.parse(since) }),
    ...(until !== undefined && { until: Date.parse(until) }),
  };
}

export function exceptionRoutes(api: Api, { queries }: ApiDeps): void {
  api.get(
    '/exceptions/:tenantId',
    {
      config: { access: 'exceptions:read' },
      schema: {
        summary: 'List exceptions',
        description: 'The newest first, by pages.',
        operationId: 'listExceptions',
        tags: ['Exceptions'],
        params: TenantParams,
        querystring: ListQuery,
        response: { 200: ExceptionPage, ...PROBLEMS },
      },
    },
    async ({ params: { tenantId }, query }) => {
      const { items, next } = await queries.listCases(tenantId, filterOf(query));
      return { items: items.map((item) => summaryOf(tenantId, item)), next };
    },
  );

  api.get(
    '/exceptions/:tenantId/:id',
    {
      config: { access: 'exceptions:read' },
      schema: {
        summary: 'Show an exception',
        description: 'With what every stage decided so far, and why.',
        operationId: 'showException',
        tags: ['Exceptions'],
        params: CaseParams,
        response: { 200: ExceptionDetail, ...PROBLEMS },
      },
    },
    async ({ params: { tenantId, id } }) => wholeDetail(queries, await requireCase(queries, tenantId, id)),
  );

  api.get(
    '/exceptions/:tenantId/:id/timeline',
    {
      config: { access: 'exceptions:read' },
      schema: {
        summary: "Show an exception's timeline",
        description: 'Every event in order, each with the event that led to it.',
        operationId: 'showTimeline',
        tags: ['Exceptions'],
        params: CaseParams,
        querystring: TimelineQuery,
        response: { 200: Timeline, ...PROBLEMS },
      },
    },
    async ({ params: { tenantId, id }, query: { after, limit } }) => {
      const { status } = await requireCase(queries, tenantId, id);
      const events = eventsOf(await queries.timeline(tenantId, id, 0, after + limit));
      return { id, status, events: events.filter(({ seq }) => seq > after) };
    },
  );
}
