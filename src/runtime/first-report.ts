/** Finds the report that began a case: the data of its first `ExceptionIngested`. */
import { type EventData, ExceptionIngested } from '../core/events.js';
import type { FirstReport } from './commands.js';

/** What it needs of the read queries. */
export interface Timeline {
  timeline(
    tenantId: string,
    caseId: string,
    afterSeq?: number,
    limit?: number,
  ): Promise<readonly { readonly type: string; readonly data: unknown }[]>;
}

export const firstReport =
  (queries: Timeline): FirstReport =>
  async ({ tenantId, caseId }): Promise<EventData['ExceptionIngested'] | null> => {
    const [first] = await queries.timeline(tenantId, caseId, 0, 1);
    return first?.type === 'ExceptionIngested' ? ExceptionIngested.parse(first.data) : null;
  };
