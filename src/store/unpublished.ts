/** What a transaction leaves to be published. */
import type { JournalEntry } from '../core/envelope.js';
import { stageFor } from '../core/events.js';
import type { Unpublished } from './port.js';

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
