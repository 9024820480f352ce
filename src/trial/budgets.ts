/** The world's budgets: the counters that outside are rows, locked for a decision and written with it. */
import {
  type BudgetClaim,
  BudgetLedger,
  type BudgetUses,
  type BudgetView,
  budgetKey,
  NO_BUDGETS,
  type Spend,
} from '../core/budget.js';

const SWEEP_AT = 100; // counters; those whose window has passed are forgotten then

export interface Lent {
  readonly view: BudgetView;
  spend(spends: readonly Spend[]): void;
}

const NOTHING_LENT: Lent = { view: NO_BUDGETS, spend: () => undefined };

export class TrialBudgets {
  private readonly rows = new Map<string, BudgetUses>();
  private sweepAt = SWEEP_AT;

  constructor(private readonly tenantId: string) {}

  /** Counters that are kept. */
  get size(): number {
    return this.rows.size;
  }

  /** What one decision sees, and where it spends. */
  lend(claims: readonly BudgetClaim[], now: number): Lent {
    if (claims.length === 0) return NOTHING_LENT;
    const { tenantId } = this;
    const named = claims.map((claim) => ({ ...claim, tenantId }));
    const ledger = new BudgetLedger(
      named,
      named.flatMap((claim) => this.rows.get(budgetKey(claim)) ?? []),
      now,
    );
    return {
      view: ledger.of(tenantId),
      spend: (spends) => {
        ledger.spend(tenantId, spends);
        for (const row of ledger.changed()) this.rows.set(budgetKey(row), row);
        if (this.rows.size > this.sweepAt) this.sweep(now);
      },
    };
  }

  private sweep(now: number): void {
    for (const [key, { expiresAt }] of this.rows) if (expiresAt <= now) this.rows.delete(key);
    this.sweepAt = 2 * this.rows.size + SWEEP_AT;
  }
}
