/** What a transaction leaves to be published. */
import type { JournalEntry } from './envelope.js';
import { stageFor } from './events.js';
import type { StageName } from './stages.js';

/** A batch in the outbox. */
export interface BatchRef {
  readonly batchId: string;
  readonly tenants: readonly string[]; // whose events they are: each has a row of its own
}

/** The events for stages that one transaction appended or sends again, as they wait in the outbox until they are published. */
export interface Unpublished extends BatchRef {
  readonly entries: readonly JournalEntry[]; // those of a case in seq order
}

/** Events of a stage of a case, with a seq between the two. */
export interface Earlier {
  readonly tenantId: string;
  readonly caseId: string;
  readonly stage: StageName;
  readonly above: number;
  readonly below: number;
}

/** Null where no stage is told of it; what is sent `again` is older than what is new in the journal. */
export function unpublished(
  batchId: string,
  again: readonly JournalEntry[],
  journal: readonly JournalEntry[],
): Unpublished | null {
  const entries = [...again];
  for (const entry of journal) if (stageFor(entry.type) !== null) entries.push(entry);
  if (entries.length === 0) return null;
  return { batchId, tenants: [...new Set(entries.map(({ tenantId }) => tenantId))], entries };
}
