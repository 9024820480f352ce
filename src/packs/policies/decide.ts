import { type BudgetView, NO_BUDGETS, type Spend } from '../../core/budget.js';
import {
  EFFECTS,
  type OnlyPlaybooks,
  type PolicyEffect,
  type PolicyHold,
  type PolicyRecord,
  type RuleTrace,
} from '../../core/records.js';
import { type DecideOptions, Traces, tryInOrder } from '../rules.js';
import { policyScope } from '../scope.js';
import type { CompiledPack, PolicyScope, WindowTimes } from '../types.js';
import { type Match, NOBODY_ASKED, tryPolicy } from './match.js';
import { onlyByDefault, onlyOf } from './playbooks.js';

export interface PolicyDecision {
  readonly record: PolicyRecord;
  readonly spend: readonly Spend[];
}

/** The name under which the default's hold is remembered; no policy can have it. */
const DEFAULT_NAME = '';

/** As `judgePolicy`, where only the record is wanted. */
export const decidePolicy = (
  pack: CompiledPack,
  scope: PolicyScope,
  budgets: BudgetView = NO_BUDGETS,
  options: DecideOptions = {},
): PolicyRecord => judgePolicy(pack, scope, budgets, options).record;

/**
 * Evaluates the policies; the strictest effect wins (suppress, deny, hold, require_approval, allow), among equals the
 * first. Nothing matched: the default. A budget is used when its policy applies and its effect is what was decided.
 */
export function judgePolicy(
  pack: CompiledPack,
  scope: PolicyScope,
  budgets: BudgetView,
  options: DecideOptions = {},
): PolicyDecision {
  const names = policyScope(scope);
  const traces = new Traces(pack.policyIndex, names, options);
  const matching: { readonly match: Match; readonly at: number }[] = [];
  tryInOrder(pack.policies, options.all ? null : pack.policyIndex.candidates(names), traces, (policy) => {
    const tried = tryPolicy(policy, scope, names, budgets);
    if (tried.match === undefined) traces.failed(tried.trace);
    else matching.push({ match: tried.match, at: traces.matched(tried.match.trace) });
    return true;
  });
  const matches = matching.map(({ match }) => match);
  const winner = strictest(matches);
  if (winner === undefined) return { record: byDefault(pack, scope, traces.done()), spend: [] };
  for (const { match, at } of matching) {
    if (match !== winner) traces.replace(at, outdone(match, winner));
  }
  const equals = matches.filter(({ effect, over }) => effect === winner.effect && over === undefined);
  const spend = equals.flatMap(({ policy, key }) =>
    policy.budget === null || key === undefined ? [] : [{ budget: policy.name, key, at: scope.now }],
  );
  const record = byPolicy(winner, scope, traces.done());
  return { record: limited(record, onlyOf(record.effect, matches)), spend };
}

const limited = (record: PolicyRecord, only: readonly OnlyPlaybooks[]): PolicyRecord =>
  only.length === 0 ? record : { ...record, only: [...only] };

function strictest(matching: readonly Match[]): Match | undefined {
  let best: Match | undefined;
  for (const match of matching) {
    if (best === undefined || EFFECTS.indexOf(match.effect) < EFFECTS.indexOf(best.effect)) best = match;
  }
  return best;
}

function outdone({ effect, trace }: Match, winner: Match): RuleTrace {
  const why = `\`${winner.policy.name}\` ${effect === winner.effect ? 'stands before it' : 'is stricter'}`;
  return { ...trace, note: trace.note === undefined ? why : `${trace.note}; ${why}` };
}

function byPolicy(winner: Match, scope: PolicyScope, explain: RuleTrace[]): PolicyRecord {
  const { policy, over, trace } = winner;
  const hold = holdOf(winner, scope.now);
  const effect: PolicyEffect = hold === undefined ? winner.effect : 'hold';
  const reason = policy.reason ?? policy.name;
  const held = hold !== undefined && policy.hold?.forMs !== null ? [policy.name] : [];
  const nobody = over === 'require_approval' && policy.approval === null;
  return {
    effect,
    reason: over === undefined ? reason : `${reason}: ${budgetText(trace)}${nobody ? `; ${NOBODY_ASKED}` : ''}`,
    winner: policy.name,
    approval: effect === 'require_approval' ? policy.approval : null,
    ...(hold && { hold }),
    ...heldBy(scope, held),
    ...((over === 'escalate' || nobody) && { code: 'BUDGET_SPENT' }),
    explain,
    packVersion: scope.packVersion,
  };
}

const budgetText = ({ budget, note }: RuleTrace): string =>
  budget === undefined ? String(note) : `its budget is used up, ${budget.used} of ${budget.limit}`;

/** A `suppress` that is to be looked at again afterwards holds the case, too, as strictly as it suppresses. */
function holdOf({ policy, effect, window }: Match, now: number): PolicyHold | undefined {
  const terms = policy.hold;
  if (terms === null) return undefined;
  const { afterwards, forMs } = terms;
  if (effect !== 'hold' && !(effect === 'suppress' && policy.effect === 'suppress' && afterwards === 'reprocess'))
    return undefined;
  const until = forMs === null ? (window as WindowTimes).until : now + forMs; // one of both, checked when compiled
  return { until, afterwards, place: policy.place };
}

function byDefault({ policyDefault }: CompiledPack, scope: PolicyScope, explain: RuleTrace[]): PolicyRecord {
  const { effect, reason, approval, hold, place } = policyDefault;
  const rest = { winner: null, explain, packVersion: scope.packVersion };
  if (effect !== 'hold' || hold === null) {
    const asked = effect === 'require_approval' ? approval : null; // with another effect it is for policies
    return limited({ effect, reason, approval: asked, ...heldBy(scope, []), ...rest }, onlyByDefault(policyDefault));
  }
  if (scope.held?.includes(DEFAULT_NAME)) {
    const told = `${reason}: it was held for as long as it may be`;
    return { effect: 'deny', reason: told, approval: null, ...heldBy(scope, []), code: 'POLICY_HELD', ...rest };
  }
  const until = scope.now + (hold.forMs as number); // it has no window
  const held = { until, afterwards: hold.afterwards, place };
  return { effect, reason, approval: null, hold: held, ...heldBy(scope, [DEFAULT_NAME]), ...rest };
}

/** Who has held the case so far: the decision after a hold must be another one. */
function heldBy({ held = [] }: PolicyScope, more: readonly string[]): Pick<PolicyRecord, 'held'> {
  const all = [...held, ...more];
  return all.length === 0 ? {} : { held: all };
}
