import { EFFECTS, type PolicyRecord, type RuleTrace } from '../../core/records.js';
import { policyScope } from '../scope.js';
import type { CompiledPack, CompiledPolicy, PolicyScope } from '../types.js';

/**
 * Evaluates every policy; the strictest effect wins (suppress, deny, require_approval, allow), among equals the first.
 * Nothing matched: the default. A policy whose condition cannot be evaluated does not match, and the trace says why.
 */
export function decidePolicy(pack: CompiledPack, scope: PolicyScope): PolicyRecord {
  const names = policyScope(scope);
  const explain: RuleTrace[] = [];
  const matching: { readonly policy: CompiledPolicy; readonly trace: number }[] = [];
  for (const policy of pack.policies) {
    const { name, place, effect } = policy;
    const falsePart = policy.when?.falsePart(names);
    if (falsePart !== undefined) {
      explain.push({ name, place, matched: false, falsePart });
    } else {
      matching.push({ policy, trace: explain.length });
      explain.push({ name, place, matched: true, effect });
    }
  }
  const winner = strictest(matching.map(({ policy }) => policy));
  if (winner === undefined) {
    const { effect, reason, approval } = pack.policyDefault;
    return { effect, reason, winner: null, approval, explain, packVersion: scope.packVersion };
  }
  for (const { policy, trace } of matching) {
    if (policy === winner) continue;
    const why = policy.effect === winner.effect ? 'stands before it' : 'is stricter';
    explain[trace] = { ...(explain[trace] as RuleTrace), note: `\`${winner.name}\` ${why}` };
  }
  return {
    effect: winner.effect,
    reason: winner.reason ?? winner.name,
    winner: winner.name,
    approval: winner.approval,
    explain,
    packVersion: scope.packVersion,
  };
}

function strictest(policies: readonly CompiledPolicy[]): CompiledPolicy | undefined {
  let best: CompiledPolicy | undefined;
  for (const policy of policies) {
    if (best === undefined || EFFECTS.indexOf(policy.effect) < EFFECTS.indexOf(best.effect)) best = policy;
  }
  return best;
}
