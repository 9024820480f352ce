import { describe, expect, it } from 'vitest';
import { BudgetLedger, NO_BUDGETS } from './budget.js';

const HOUR = 3_600_000;
const NOW = 10 * HOUR;
const claim = { tenantId: 'acme', budget: 'repairs', key: 'ACME', limit: 3, perMs: HOUR };
const row = { tenantId: 'acme', budget: 'repairs', key: 'ACME', uses: [NOW - HOUR, NOW - 5], expiresAt: 0 };

describe('a ledger of budgets', () => {
  it('counts the uses that are still within the window', () => {
    expect(new BudgetLedger([claim], [row], NOW).of('acme').used('repairs', 'ACME')).toBe(1);
    expect(new BudgetLedger([claim], [], NOW).of('acme').used('repairs', 'ACME')).toBe(0);
  });

  it('what one decision spends, the next one sees', () => {
    const ledger = new BudgetLedger([claim, { ...claim, key: 'other' }], [row], NOW);
    expect(ledger.changed()).toEqual([]);
    ledger.spend('acme', [{ budget: 'repairs', key: 'ACME', at: NOW }]);
    expect(ledger.of('acme').used('repairs', 'ACME')).toBe(2);
    expect(ledger.of('acme').used('repairs', 'other')).toBe(0);
    const { limit: _, perMs, ...key } = claim;
    expect(ledger.changed()).toEqual([{ ...key, uses: [NOW - 5, NOW], expiresAt: NOW + perMs }]);
  });

  it('two claims of one counter look as far back as the longer one', () => {
    const both = [{ ...claim, perMs: 2 * HOUR }, claim];
    expect(new BudgetLedger(both, [row], NOW).of('acme').used('repairs', 'ACME')).toBe(2);
  });

  it('what nobody claimed cannot be looked at or spent, nor can what another tenant claimed', () => {
    const ledger = new BudgetLedger([claim], [row], NOW);
    expect(() => ledger.of('other').used('repairs', 'ACME')).toThrow('the budget repairs of ACME was not claimed');
    expect(() => ledger.spend('acme', [{ budget: 'x', key: '', at: 1 }])).toThrow('not claimed');
    expect(() => NO_BUDGETS.used('repairs', 'ACME')).toThrow('not claimed');
  });
});
