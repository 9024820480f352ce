/** Policy: says what may be done about an exception. `suppress` ends the case here, `hold` keeps it; the rest is for the playbook. */
import type { BudgetClaim, BudgetView } from '../../core/budget.js';
import type { CaseState } from '../../core/case.js';
import type { CaseEvent } from '../../core/events.js';
import { deterministicId } from '../../core/ids.js';
import { advance, type Outcome } from '../../core/outcome.js';
import type { PolicyHold, PolicyRecord } from '../../core/records.js';
import { claimBudgets, judgePolicy, type PolicyScope } from '../../packs/index.js';
import type { PackVersion } from '../contract.js';
import { type Filled, fits, keepMatched, misfit, seenOf } from '../fit.js';

type Triaged = CaseEvent<'ExceptionTriaged'>;

export function decide(
  state: CaseState,
  event: Triaged,
  facts: PackVersion,
  now: number,
  budgets: BudgetView,
): Outcome {
  if (!fits(state, 'TRIAGED', NEEDS)) return misfit(state, 'TRIAGED');
  const { record: policy, spend } = judgePolicy(facts.pack, scopeOf(state, facts, now), budgets, {
    brief: facts.tellsEach !== true,
  });
  const used = spend.length === 0 ? {} : { spend };
  if (policy.hold !== undefined) return advance({ ...hold(event, policy, policy.hold), ...used });
  const set = { policy: keepMatched(policy) };
  return policy.effect === 'suppress'
    ? advance({ status: 'SUPPRESSED', set, emit: [{ type: 'CaseSuppressed', data: { policy } }], ...used })
    : advance({ status: 'EVALUATED', set, emit: [{ type: 'PolicyEvaluated', data: { policy } }], ...used });
}

/** What `decide` may look at; as a rule nothing, and then it costs nothing. */
export function claims(state: CaseState, _event: Triaged, facts: PackVersion, now: number): readonly BudgetClaim[] {
  if (facts.pack.budgeted.length === 0 || !fits(state, state.status, NEEDS)) return [];
  return claimBudgets(facts.pack, scopeOf(state, facts, now));
}

const NEEDS = ['exception', 'triage'] as const;

function scopeOf(state: Filled<'exception' | 'triage'>, { version }: PackVersion, now: number): PolicyScope {
  const { exception, triage, tenantId: tenant } = state;
  const held = state.policy?.held;
  return { exception, triage, seen: seenOf(state), tenant, now, packVersion: version, ...(held && { held }) };
}

/** The case waits; intake takes it up again, or lets it go, when the time has come. */
function hold(event: Triaged, decided: PolicyRecord, { until, afterwards, place }: PolicyHold) {
  const timerId = deterministicId(event.id, 'window');
  const policy = { ...decided, hold: { until, afterwards, place, timerId } };
  const rule = policy.winner ?? 'default';
  const { packVersion } = policy;
  return {
    status: 'WAITING',
    set: { policy: keepMatched(policy) },
    timers: [{ timerId, kind: 'window', dueAt: until, data: { policy: rule, afterwards } }],
    emit: [{ type: 'ExceptionHeld', data: { kind: 'window', rule, place, until, packVersion, policy } }],
  } as const;
}
