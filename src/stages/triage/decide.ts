/** Triage: says what an exception means, by the rules of the tenant's pack. */
import type { CaseState } from '../../core/case.js';
import type { CaseEvent } from '../../core/events.js';
import { advance, type Outcome } from '../../core/outcome.js';
import { decideTriage } from '../../packs/index.js';
import type { PackVersion } from '../contract.js';
import { fits, keepMatched, misfit, seenOf } from '../fit.js';

export function decide(
  state: CaseState,
  _event: CaseEvent<'ExceptionNormalized'>,
  facts: PackVersion,
  now: number,
): Outcome {
  if (!fits(state, 'NORMALIZED', ['exception'])) return misfit(state, 'NORMALIZED');
  const { exception, tenantId: tenant } = state;
  const scope = { exception, seen: seenOf(state), tenant, now, packVersion: facts.version };
  const triage = decideTriage(facts.pack, scope, { brief: facts.tellsEach !== true });
  return advance({
    status: 'TRIAGED',
    set: { triage: keepMatched(triage) },
    emit: [{ type: 'ExceptionTriaged', data: { triage } }],
  });
}
