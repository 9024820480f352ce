/** Dead letters: what could not be handled, and what people do about it. */
import { ProblemError } from '../../core/errors.js';
import { isUuid } from '../../core/ids.js';
import type { LetterFilter } from '../../core/letters.js';
import { LETTER_STATUSES } from '../../core/letters.js';
import type { Settled } from '../../runtime/dead-letters.js';
import type { DeadLetter } from '../../store/queries.js';
import {
  DiscardOne,
  EditOne,
  LetterDetail,
  LetterPage,
  LetterParams,
  LetterQuery,
  LetterSettled,
  Preview,
  PreviewFilter,
  ReplayedMany,
  ReplayFilter,
  ReplayOne,
} from '../dead-letter-schemas.js';
import { causeOf, letterDetailOf, letterOf, previewOf } from '../dead-letter-views.js';
import { personOf } from '../person.js';
import type { Api, ApiDeps, ApiQueries } from '../ports.js';
import { TenantParams } from '../schemas.js';
import { PROBLEMS } from './answers.js';

const READ = { access: 'exceptions:read', system: true } as const;
const WRITE = { access: 'dead-letters:write', system: true } as const;
const tags = ['Dead letters'];

export function deadLetterRoutes(api: Api, deps: ApiDeps): void {
  listRoute(api, deps);
  showRoute(api, deps);
  replayRoutes(api, deps);
  oneRoutes(api, deps);
}

interface Which {
  readonly stage?: LetterFilter['stage'] | undefined;
  readonly code?: string | undefined;
  readonly type?: string | undefined;
  readonly exception?: string | undefined;
  readonly failedBefore?: string | undefined;
}

const filterOf = ({ stage, code, type, exception, failedBefore }: Which): LetterFilter => ({
  ...(stage !== undefined && { stage }),
  ...(code !== undefined && { code }),
  ...(type !== undefined && { eventType: type }),
  ...(exception !== undefined && { caseId: exception }),
  ...(failedBefore !== undefined && { failedBefore: Date.parse(failedBefore) }),
});

async function requireLetter(queries: Pick<ApiQueries, 'getDeadLetter'>, tenantId: string, id: string) {
  const found: DeadLetter | null = isUuid(id) ? await queries.getDeadLetter(tenantId, id) : null;
  if (found) return found;
  const hint = 'List them with GET /dead-letters/{tenantId}.';
  const problem = { code: 'DEAD_LETTER_NOT_FOUND', message: 'There is no such dead letter.', path: 'id', hint };
  throw new ProblemError(problem, 404);
}

function listRoute(api: Api, { queries }: ApiDeps): void {
  api.get(
    '/dead-letters/:tenantId',
    {
      config: READ,
      schema: {
        summary: 'List dead letters',
        description: 'Grouped by cause, and one by one. What names no known tenant is under `~system`.',
        operationId: 'listDeadLetters',
        tags,
        params: TenantParams,
        querystring: LetterQuery,
        response: { 200: LetterPage, ...PROBLEMS },
      },
    },
    async ({ params: { tenantId }, query: { limit, cursor, status, ...which } }) => {
      const words = status.split(',');
      const filter = { ...filterOf(which), status: LETTER_STATUSES.filter((word) => words.includes(word)) };
      const page = { ...filter, limit, ...(cursor !== undefined && { cursor }) };
      const [{ items, next }, causes] = await Promise.all([
        queries.listDeadLetters(tenantId, page),
        cursor === undefined ? queries.deadLetterCauses(tenantId, filter) : [],
      ]);
      return { causes: causes.map(causeOf), items: items.map(letterOf), next };
    },
  );
}

function showRoute(api: Api, { queries }: ApiDeps): void {
  api.get(
    '/dead-letters/:tenantId/:id',
    {
      config: READ,
      schema: {
        summary: 'Show a dead letter',
        description: 'The input as it came, what happened to it, and the exception that it holds with its timeline.',
        operationId: 'showDeadLetter',
        tags,
        params: LetterParams,
        response: { 200: LetterDetail, ...PROBLEMS },
      },
    },
    async ({ params: { tenantId, id } }) => {
      const letter = await requireLetter(queries, tenantId, id);
      const { caseId } = letter;
      const found = caseId === null ? null : await queries.getCase(tenantId, caseId);
      const timeline = found === null ? [] : await queries.timeline(tenantId, found.caseId);
      return letterDetailOf(letter, found, timeline);
    },
  );
}

function replayRoutes(api: Api, { queries, deadLetters }: ApiDeps): void {
  api.post(
    '/dead-letters/:tenantId/preview',
    {
      config: { ...READ, emptyBody: true },
      schema: {
        summary: 'Preview a replay',
        description: 'What a replay of these dead letters would do. Changes nothing.',
        operationId: 'previewReplay',
        tags,
        params: TenantParams,
        body: PreviewFilter.default({ force: false }),
        response: { 200: Preview, ...PROBLEMS },
      },
    },
    async ({ params: { tenantId }, body: { force, ...which } }) => {
      const filter = { ...filterOf(which), status: force ? (['open', 'parked'] as const) : (['open'] as const) };
      return previewOf(await queries.previewDeadLetters(tenantId, filter));
    },
  );

  api.post(
    '/dead-letters/:tenantId/replay',
    {
      config: WRITE,
      schema: {
        summary: 'Replay dead letters, by filter',
        description: 'The oldest first, `perSecond`, up to `limit`; answers when they are replayed.',
        operationId: 'replayDeadLetters',
        tags,
        params: TenantParams,
        body: ReplayFilter,
        response: { 200: ReplayedMany, ...PROBLEMS },
      },
    },
    async ({ params: { tenantId }, body: { force, limit, perSecond, by, ...which }, principal, raw }) => {
      const stop = new AbortController();
      raw.once('aborted', () => stop.abort()); // nobody waits any more: those that were replayed stay so
      const person = personOf(principal, by);
      const request = { tenantId, filter: filterOf(which), by: person, force, limit, perSecond, signal: stop.signal };
      return deadLetters.replayMany(request);
    },
  );
}

const settledOf = ({ deadLetterId, outcome, caseId, events }: Settled) => ({
  id: deadLetterId,
  outcome,
  exception: caseId,
  events,
});

function oneRoutes(api: Api, deps: ApiDeps): void {
  const { queries, deadLetters } = deps;
  const keyOf = async (tenantId: string, id: string) => {
    await requireLetter(queries, tenantId, id);
    return { tenantId, deadLetterId: id };
  };
  const common = { tags, params: LetterParams } as const;

  api.post(
    '/dead-letters/:tenantId/:id/replay',
    {
      config: { ...WRITE, emptyBody: true },
      schema: {
        ...common,
        summary: 'Replay a dead letter',
        description: 'Its exception goes on in order; a record without one is sent to its topic again.',
        operationId: 'replayDeadLetter',
        body: ReplayOne,
        response: { 200: LetterSettled, ...PROBLEMS },
      },
    },
    async ({ params: { tenantId, id }, body: { force, by }, principal }) =>
      settledOf(await deadLetters.replay(await keyOf(tenantId, id), { by: personOf(principal, by), force })),
  );

  api.post(
    '/dead-letters/:tenantId/:id/discard',
    {
      config: WRITE,
      schema: {
        ...common,
        summary: 'Discard a dead letter',
        description:
          'Its event has no effect; its exception goes on with what comes after, or ends with it (`cancel`).',
        operationId: 'discardDeadLetter',
        body: DiscardOne,
        response: { 200: LetterSettled, ...PROBLEMS },
      },
    },
    async ({ params: { tenantId, id }, body: { reason, by, cancel }, principal }) => {
      const how = { by: personOf(principal, by), reason, cancel };
      return settledOf(await deadLetters.discard(await keyOf(tenantId, id), how));
    },
  );

  editRoute(api, deps);
}

function editRoute(api: Api, { queries, deadLetters }: ApiDeps): void {
  api.put(
    '/dead-letters/:tenantId/:id',
    {
      config: WRITE,
      schema: {
        tags,
        params: LetterParams,
        summary: 'Edit a dead letter',
        description: 'What is to be sent instead when it is replayed. The old input is kept.',
        operationId: 'editDeadLetter',
        body: EditOne,
        response: { 200: LetterDetail, ...PROBLEMS },
      },
    },
    async ({ params: { tenantId, id }, body: { data, key, headers, by }, principal }) => {
      const edit = { data, ...(key !== undefined && { key }), ...(headers !== undefined && { headers }) };
      await requireLetter(queries, tenantId, id);
      await deadLetters.edit({ tenantId, deadLetterId: id }, edit, personOf(principal, by));
      return letterDetailOf(await requireLetter(queries, tenantId, id), null, []);
    },
  );
}
