/** Whether a policy applies, and with which effect: its condition, its window, its budget. */
import type { BudgetClaim, BudgetView } from '../../core/budget.js';
import type { FalsePart, PolicyEffect, RuleTrace } from '../../core/records.js';
import { isoOf } from '../../core/time.js';
import { policyScope } from '../scope.js';
import type { CompiledPack, CompiledPolicy, HoldTerms, Over, PolicyScope, Scope, WindowTimes } from '../types.js';
import { claimOf, keyOf } from './budget.js';

export const NOBODY_ASKED = 'the policy names nobody who may approve';

/** A policy that applies. */
export interface Match {
  readonly policy: CompiledPolicy;
  readonly effect: PolicyEffect; // its own, or what its budget says when that is used up
  readonly over: Over | undefined; // the budget is used up
  readonly key: string | undefined; // of the budget
  readonly window: WindowTimes | undefined;
  readonly trace: RuleTrace;
}

/** What a policy comes to: it applies, or the trace says why not. */
export type Tried = { readonly match: Match } | { readonly match?: undefined; readonly trace: RuleTrace };

/** These guard: one that cannot be evaluated applies. The others open something, or let a case go. */
const GUARDS: ReadonlySet<PolicyEffect> = new Set<PolicyEffect>(['deny', 'hold', 'require_approval']);

type Applies =
  | { readonly applies: true; readonly window: WindowTimes | undefined; readonly failed: FalsePart | undefined }
  | { readonly applies: false; readonly falsePart: FalsePart };

/** Condition first, then window: what an index passes over is told the same as what was tried. */
function applies({ when, window, effect }: CompiledPolicy, names: Scope, now: number): Applies {
  const falsePart = when?.falsePart(names);
  const closed = falsePart?.failed === true && GUARDS.has(effect);
  if (falsePart !== undefined && !closed) return { applies: false, falsePart };
  const times = window?.at(now);
  if (window !== null && times === undefined) {
    const values = { now: isoOf(now) };
    return { applies: false, falsePart: { expression: window.text, values } };
  }
  return { applies: true, window: times, failed: falsePart };
}

export function tryPolicy(policy: CompiledPolicy, scope: PolicyScope, names: Scope, budgets: BudgetView): Tried {
  const { name, place, effect } = policy;
  const found = applies(policy, names, scope.now);
  if (!found.applies) return { trace: { name, place, matched: false, falsePart: found.falsePart } };
  const { window, failed } = found;
  const trace: RuleTrace = {
    name,
    place,
    matched: true,
    effect,
    ...(failed && { falsePart: failed, note: 'it could not be evaluated, so it counts as matched' }),
    ...(window && { window }),
  };
  if (policy.budget === null) {
    if (effect !== 'hold' || !heldBefore(policy.hold, name, scope)) {
      return { match: { policy, effect, over: undefined, key: undefined, window, trace } };
    }
    return { trace: { name, place, matched: false, effect, note: 'it has held this case for as long as it may' } };
  }
  return { match: { policy, window, ...underBudget(policy, policy.budget, scope, names, budgets, trace) } };
}

function underBudget(
  policy: CompiledPolicy,
  budget: NonNullable<CompiledPolicy['budget']>,
  scope: PolicyScope,
  names: Scope,
  budgets: BudgetView,
  trace: RuleTrace,
): Pick<Match, 'effect' | 'over' | 'key' | 'trace'> {
  const { limit, perMs } = budget;
  const { value: key, problem } = keyOf(budget, names);
  const over: Over = budget.over === 'hold' && heldBefore(policy.hold, policy.name, scope) ? 'escalate' : budget.over;
  const effect: PolicyEffect = over === 'escalate' ? 'deny' : over;
  if (key === undefined) {
    const note = `its budget cannot be counted, so it counts as used up: ${problem.message}`;
    return { effect, over, key, trace: { ...trace, effect, note } };
  }
  const used = budgets.used(policy.name, key);
  const told = { ...trace, budget: { by: budget.by?.source ?? '', key, used, limit, perMs } };
  if (used < limit) return { effect: policy.effect, over: undefined, key, trace: told };
  const nobody = over === 'require_approval' && policy.approval === null;
  const note = nobody ? `over budget; ${NOBODY_ASKED}` : 'its budget is used up';
  return { effect, over, key, trace: { ...told, effect, note } };
}

/** A hold `for` a time is over when it is over; a window may hold a case again. */
const heldBefore = (hold: HoldTerms | null, name: string, { held }: PolicyScope): boolean =>
  hold !== null && hold.forMs !== null && (held ?? []).includes(name);

/** The budgets that a decision with this scope may look at. */
export function claimBudgets(pack: CompiledPack, scope: PolicyScope): BudgetClaim[] {
  if (pack.budgeted.length === 0) return [];
  const names = policyScope(scope);
  return pack.budgeted.flatMap((policy) => {
    const { name, budget } = policy;
    const key = applies(policy, names, scope.now).applies ? keyOf(budget, names).value : undefined;
    return key === undefined ? [] : [claimOf(name, key, budget)];
  });
}
