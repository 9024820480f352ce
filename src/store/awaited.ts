/** Events that are known without a look into the journal: their cases say that their stage was sent them. */
import type { StageName } from '../core/stages.js';
import type { CaseRow, EventRef } from './port.js';

/** For each of `refs` whether `stage` awaits it, by all that the journal has of it; it may have some of the others all the same. */
export function awaitedOf(rows: readonly CaseRow[], refs: readonly EventRef[], stage: StageName): boolean[] {
  const cases = new Map<string, CaseRow>(); // by id alone: where two tenants share one, the journal is asked for the other's
  for (const row of rows) cases.set(row.state.caseId, row);
  return refs.map(({ tenantId, caseId, seq, eventId }) => {
    const row = cases.get(caseId);
    return row?.awaited?.[stage] === eventId && row.sent[stage] === seq && row.state.tenantId === tenantId;
  });
}
