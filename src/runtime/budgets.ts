/** Before a chunk is decided: the budgets that its decisions may look at are locked, after the cases, in one order. */
import { type BudgetClaim, type BudgetKey, BudgetLedger } from '../core/budget.js';
import { caseKey } from '../core/ids.js';
import type { Stage } from '../stages/contract.js';
import type { OpenedChunk, Tx } from '../store/port.js';
import type { Decoded } from './chunk.js';

/** Undefined where nothing was claimed: such a chunk pays nothing. */
export async function lockBudgets(
  tx: Tx,
  stage: Stage,
  records: readonly Decoded[],
  opened: OpenedChunk,
): Promise<BudgetLedger | undefined> {
  const claims = claimsOf(stage, records, opened);
  if (claims.length === 0) return undefined;
  return new BudgetLedger(claims, await tx.lockBudgets(claims), opened.now);
}

function claimsOf(stage: Stage, records: readonly Decoded[], opened: OpenedChunk): (BudgetClaim & BudgetKey)[] {
  if (stage.claims === undefined) return [];
  const states = new Map(opened.cases.map(({ state }) => [caseKey(state.tenantId, state.caseId), state]));
  const claims: (BudgetClaim & BudgetKey)[] = [];
  for (const one of records) {
    if (!('event' in one)) continue;
    const { tenantId, caseId } = one.event;
    const state = states.get(caseKey(tenantId, caseId));
    if (state === undefined) continue;
    for (const claim of stage.claims(state, one.event, one.facts, opened.now)) claims.push({ tenantId, ...claim });
  }
  return claims;
}
