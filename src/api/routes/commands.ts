/** What people ask of exceptions: decide an approval, work one again, end one. */
import { ProblemError } from '../../core/errors.js';
import { COMMANDS, type Command, type EventType } from '../../core/events.js';
import { isUuid } from '../../core/ids.js';
import type { ReingestAnswer } from '../../runtime/commands.js';
import type { CaseFilter, TimelineEntry } from '../../store/queries.js';
import { personOf } from '../person.js';
import type { Api, ApiDeps, Principal } from '../ports.js';
import {
  Approvals,
  CaseParams,
  Decided,
  Decision,
  End,
  Ended,
  Reingested,
  ReingestedMany,
  ReingestFilter,
  TenantParams,
  WaitParams,
} from '../schemas.js';
import { approvalOf, linksOf } from '../views.js';
import { PROBLEMS } from './answers.js';
import { requireCase } from './exceptions.js';

/** The approval that an event of a timeline is about. */
const aboutWait = ({ data, time }: TimelineEntry) => ({ wait: (data as { readonly waitId: string }).waitId, time });

export function commandRoutes(api: Api, deps: ApiDeps): void {
  approvalRoutes(api, deps);
  reingestRoutes(api, deps);
  endRoutes(api, deps);
}

function approvalRoutes(api: Api, { queries, commands }: ApiDeps): void {
  api.get(
    '/exceptions/:tenantId/:id/approvals',
    {
      config: { access: 'exceptions:read' },
      schema: {
        summary: "List an exception's approvals",
        description: 'Those that were asked for, open and decided, with who may decide and who did.',
        operationId: 'listApprovals',
        tags: ['Approvals'],
        params: CaseParams,
        response: { 200: Approvals, ...PROBLEMS },
      },
    },
    async ({ params: { tenantId, id } }) => {
      await requireCase(queries, tenantId, id);
      const events = await queries.timeline(tenantId, id);
      const about = (name: EventType) => events.filter(({ type }) => type === name).map(aboutWait);
      const waits = await Promise.all(about('ApprovalRequested').map(({ wait }) => queries.getWait(tenantId, wait)));
      const reminded = about('ApprovalReminded');
      return { items: waits.flatMap((wait) => (wait ? [approvalOf(wait, reminded)] : [])) };
    },
  );

  api.post(
    '/exceptions/:tenantId/:id/approvals/:wait',
    {
      config: { access: 'approvals:decide' },
      schema: {
        summary: 'Decide an approval',
        description: 'Only those whom the approval names may decide, each once. One rejection settles it.',
        operationId: 'decideApproval',
        tags: ['Approvals'],
        params: WaitParams,
        body: Decision,
        response: { 200: Decided, ...PROBLEMS },
      },
    },
    async ({ params: { tenantId, id, wait }, body, principal }) => {
      await requireCase(queries, tenantId, id);
      if (!isUuid(wait))
        throw new ProblemError({ code: 'WAIT_NOT_FOUND', message: 'There is no such approval.', path: 'wait' }, 404);
      const decision = body.decision.startsWith('approve') ? 'approved' : 'rejected';
      const by = deciderOf(principal, body.by);
      const comment = body.comment ?? null;
      const { waitId, ...answer } = await commands.decideApproval({
        tenantId,
        caseId: id,
        waitId: wait,
        decision,
        by,
        comment,
      });
      return { wait: waitId, ...answer };
    },
  );
}

/** In a cluster whoever holds the key; on one's own machine, where nobody is named, whoever the body names. */
function deciderOf(principal: Principal | null, by: string | undefined): string {
  const isNamed = principal !== null && principal.tenantId !== null;
  if (!isNamed && by !== undefined) return by;
  if (!isNamed) {
    const hint = 'Name the person who decides: {"decision": "approved", "by": "ann"}.';
    throw new ProblemError({ code: 'FIELD_MISSING', message: '`by` is missing.', path: 'by', hint });
  }
  if (by === undefined || by === principal.name) return principal.name;
  const message = `This key is for ${JSON.stringify(principal.name)}, who cannot decide for somebody else.`;
  throw new ProblemError({ code: 'DECIDER_MISMATCH', message, path: 'by', hint: 'Leave `by` out.' }, 403);
}

const ENDS: Readonly<Record<Command, { readonly summary: string; readonly description: string }>> = {
  resolve: {
    summary: 'Resolve an exception',
    description: 'Somebody dealt with it by other means: its run ends, what it waits for is let go.',
  },
  cancel: {
    summary: 'Cancel an exception',
    description: 'It needs nothing: its run ends, what it waits for is let go.',
  },
  escalate: {
    summary: 'Escalate an exception',
    description: 'A person takes it on: its run ends, what it waits for is let go, the exception stays open.',
  },
};

function endRoutes(api: Api, { queries, commands }: ApiDeps): void {
  for (const command of COMMANDS) {
    api.post(
      `/exceptions/:tenantId/:id/${command}`,
      {
        config: { access: 'exceptions:write' },
        schema: {
          ...ENDS[command],
          operationId: `${command}Exception`,
          tags: ['Exceptions'],
          params: CaseParams,
          body: End,
          response: { 202: Ended, ...PROBLEMS },
        },
      },
      async ({ params: { tenantId, id }, body: { reason, by: named }, principal }, reply) => {
        await requireCase(queries, tenantId, id);
        const by = personOf(principal, named);
        const { status } = await commands.end({ tenantId, caseId: id, command, by, reason });
        reply.code(202);
        return { id, status, command, by, links: linksOf(tenantId, id) };
      },
    );
  }
}

function reingestRoutes(api: Api, deps: ApiDeps): void {
  api.post(
    '/exceptions/:tenantId/:id/reingest',
    {
      config: { access: 'exceptions:write', emptyBody: true },
      schema: {
        summary: 'Work an exception again',
        description:
          'Sends what no worker has seen again; starts an escalated one over; makes a new one of a closed one.',
        operationId: 'reingestException',
        tags: ['Exceptions'],
        params: CaseParams,
        response: { 202: Reingested, ...PROBLEMS },
      },
    },
    async ({ params: { tenantId, id } }, reply) => {
      await requireCase(deps.queries, tenantId, id);
      const { id: becameId, outcome } = await deps.commands.reingest({ tenantId, caseId: id });
      reply.code(202);
      return { id: becameId, outcome, links: linksOf(tenantId, becameId) };
    },
  );

  api.post(
    '/exceptions/:tenantId/reingest',
    {
      config: { access: 'exceptions:write' },
      schema: {
        summary: 'Work exceptions again, by filter',
        description: 'The newest first, up to `limit`.',
        operationId: 'reingestExceptions',
        tags: ['Exceptions'],
        params: TenantParams,
        body: ReingestFilter,
        response: { 202: ReingestedMany, ...PROBLEMS },
      },
    },
    async ({ params: { tenantId }, body: { status, source, limit } }, reply) => {
      const filter = { status: [status].flat(), ...(source !== undefined && { source }) };
      const outcomes = await reingestAll(deps, tenantId, filter, limit);
      const count = (wanted: string): number => outcomes.filter((outcome) => outcome === wanted).length;
      reply.code(202);
      return {
        matched: outcomes.length,
        resent: count('resent'),
        reworked: count('reworked'),
        created: count('created'),
        inProgress: count('in_progress'),
      };
    },
  );
}

const PAGE = 100;
const AT_ONCE = 8; // commands that share the database with everybody else's requests

type Outcome = ReingestAnswer['outcome'];

/** The exceptions are listed before any is worked, so that none is met again in its new status. */
async function reingestAll(
  { queries, commands }: ApiDeps,
  tenantId: string,
  filter: Pick<CaseFilter, 'status' | 'source'>,
  limit: number,
): Promise<readonly Outcome[]> {
  const ids: string[] = [];
  for (let cursor: string | null | undefined; cursor !== null && ids.length < limit; ) {
    const most = Math.min(PAGE, limit - ids.length);
    const page = await queries.listCases(tenantId, { ...filter, limit: most, ...(cursor !== undefined && { cursor }) });
    ids.push(...page.items.map(({ caseId }) => caseId));
    cursor = page.next;
  }
  const outcomes: Outcome[] = [];
  for (let from = 0; from < ids.length; from += AT_ONCE) {
    const some = ids.slice(from, from + AT_ONCE).map((caseId) => commands.reingest({ tenantId, caseId }));
    outcomes.push(...(await Promise.all(some)).map(({ outcome }) => outcome));
  }
  return outcomes;
}
