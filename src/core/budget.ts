/**
 * Budgets: how often something may happen within a sliding window, by a key. Pure; the shell locks the counters, so
 * that what is decided on them holds however many workers decide.
 */

/** What a decision may want to look at, and how far back. */
export interface BudgetClaim {
  readonly budget: string; // the policy's name
  readonly key: string;
  readonly limit: number;
  readonly perMs: number;
}

export interface BudgetKey {
  readonly tenantId: string;
  readonly budget: string;
  readonly key: string;
}

/** A counter as it is kept: when it was used, epoch ms, oldest first. */
export interface BudgetUses extends BudgetKey {
  readonly uses: readonly number[];
  readonly expiresAt: number; // when the last use leaves the window
}

/** One use that a decision makes. */
export interface Spend {
  readonly budget: string;
  readonly key: string;
  readonly at: number; // epoch ms
}

export interface BudgetView {
  /** How often it was used within its window. Throws for what was not claimed: nobody holds its lock. */
  used(budget: string, key: string): number;
}

/** Every use is kept while it counts, so that the window really slides; hence no larger limits. */
export const MAX_BUDGET = 1_000;

const unclaimed = (budget: string, key: string): never => {
  throw new Error(`the budget ${budget} of ${key} was not claimed`);
};

/** The view of a decision that claimed nothing. */
export const NO_BUDGETS: BudgetView = { used: unclaimed };

interface Counter {
  readonly key: BudgetKey;
  readonly perMs: number;
  uses: number[];
  changed: boolean;
}

/** Budgets by name, key and tenant, as one text. */
export const budgetKey = ({ tenantId, budget, key }: BudgetKey): string => JSON.stringify([tenantId, budget, key]);

/** The locked counters of one chunk: what one decision spends, the next ones see. */
export class BudgetLedger {
  private readonly counters = new Map<string, Counter>();

  constructor(claims: readonly (BudgetClaim & BudgetKey)[], rows: readonly BudgetUses[], now: number) {
    const stored = new Map(rows.map((row) => [budgetKey(row), row.uses]));
    for (const claim of claims) {
      const { tenantId, budget, key, perMs } = claim;
      const name = budgetKey(claim);
      const longest = Math.max(perMs, this.counters.get(name)?.perMs ?? 0);
      const uses = (stored.get(name) ?? []).filter((at) => at > now - longest);
      this.counters.set(name, { key: { tenantId, budget, key }, perMs: longest, uses, changed: false });
    }
  }

  of(tenantId: string): BudgetView {
    return { used: (budget, key) => this.counter({ tenantId, budget, key }).uses.length };
  }

  spend(tenantId: string, spends: readonly Spend[]): void {
    for (const { budget, key, at } of spends) {
      const counter = this.counter({ tenantId, budget, key });
      counter.uses = [...counter.uses, at].slice(-MAX_BUDGET);
      counter.changed = true;
    }
  }

  /** The counters that were used, as they are to be kept. */
  changed(): BudgetUses[] {
    const changed = [...this.counters.values()].filter((counter) => counter.changed);
    return changed.map(({ key, uses, perMs }) => ({ ...key, uses, expiresAt: Math.max(...uses) + perMs }));
  }

  private counter(key: BudgetKey): Counter {
    return this.counters.get(budgetKey(key)) ?? unclaimed(key.budget, key.key);
  }
}
