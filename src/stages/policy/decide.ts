/** Policy: says what may be done about an exception. Only `suppress` ends the case here; the rest is for the playbook. */
import type { CaseState } from '../../core/case.js';
import type { CaseEvent } from '../../core/events.js';
import { advance, type Outcome } from '../../core/outcome.js';
import { decidePolicy } from '../../packs/index.js';
import type { PackVersion } from '../contract.js';
import { fits, keepMatched, misfit, seenOf } from '../fit.js';

export function decide(
  state: CaseState,
  _event: CaseEvent<'ExceptionTriaged'>,
  facts: PackVersion,
  now: number,
): Outcome {
  if (!fits(state, 'TRIAGED', ['exception', 'triage'])) return misfit(state, 'TRIAGED');
  const { exception, triage, tenantId: tenant } = state;
  const scope = { exception, triage, seen: seenOf(state), tenant, now, packVersion: facts.version };
  const policy = decidePolicy(facts.pack, scope);
  const set = { policy: keepMatched(policy) };
  return policy.effect === 'suppress'
    ? advance({ status: 'SUPPRESSED', set, emit: [{ type: 'CaseSuppressed', data: { policy } }] })
    : advance({ status: 'EVALUATED', set, emit: [{ type: 'PolicyEvaluated', data: { policy } }] });
}
