/** Sends a whole topic again. */
import { StageReplayAnswer, StageReplayBody } from '../dead-letter-schemas.js';
import type { Api, ApiDeps } from '../ports.js';
import { PROBLEMS } from './answers.js';

export function replayRoutes(api: Api, { replayStage }: ApiDeps): void {
  api.post(
    '/pipeline/replay',
    {
      config: { access: 'admin' },
      schema: {
        summary: 'Send everything of a stage again',
        description:
          'All that the journal has for the stage goes to its topic once more, from the first event, by pages. Workers ' +
          'drop what they have seen, so nothing changes; what a log has lost comes back.',
        operationId: 'replayStage',
        tags: ['Operations'],
        body: StageReplayBody,
        response: { 200: StageReplayAnswer, ...PROBLEMS },
      },
    },
    async ({ body: { stage, tenant, since, limit, after }, principal }) => {
      const only = principal?.tenantId ?? tenant;
      const { cases, events, last } = await replayStage({
        scope: only === undefined ? 'all' : [only],
        stage,
        since: since === undefined ? 0 : Date.parse(since),
        after: after && { tenantId: after.tenant, caseId: after.exception },
        limit,
      });
      return { exceptions: cases, events, next: last && { tenant: last.tenantId, exception: last.caseId } };
    },
  );
}
