/** Events that are known without a look into the journal: their cases say that their stage was sent them. */
import type { StageName } from '../core/stages.js';
import { type CaseRow, type EventRef, refKey } from './port.js';

/** Those of `refs`, by `refKey`, that `stage` awaits; of the others the journal may have some all the same. */
export function awaitedOf(rows: readonly CaseRow[], refs: readonly EventRef[], stage: StageName): Set<string> {
  const cases = new Map<string, CaseRow>(); // by id alone: where two tenants share one, the journal is asked for the other's
  for (const row of rows) cases.set(row.state.caseId, row);
  const awaited = new Set<string>();
  for (const ref of refs) {
    const row = cases.get(ref.caseId);
    if (row?.awaited?.[stage] !== ref.eventId || row.sent[stage] !== ref.seq) continue;
    if (row.state.tenantId === ref.tenantId) awaited.add(refKey(ref));
  }
  return awaited;
}
