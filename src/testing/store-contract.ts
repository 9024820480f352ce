/** What every store promises, whatever it is made of. Run by the tests of each adapter. */
import { afterAll, beforeAll, describe } from 'vitest';
import { describeBudgetLocks, describeBudgets } from './store-contract/budgets.js';
import { describeCases } from './store-contract/cases.js';
import { describeConcurrency } from './store-contract/concurrency.js';
import { describeDueWork } from './store-contract/due.js';
import { describeFingerprints } from './store-contract/fingerprints.js';
import type { StoreHarness } from './store-contract/harness.js';
import { describeIncidents, describeIncidentTurns } from './store-contract/incidents.js';
import { describeIngestion } from './store-contract/ingestion.js';
import { describeIsolation } from './store-contract/isolation.js';
import { describePublishing } from './store-contract/publishing.js';
import { describeSchedules } from './store-contract/schedules.js';
import { describeWork } from './store-contract/work.js';

export type { StoreHarness } from './store-contract/harness.js';

/**
 * Declares the suite; `create` is called once, its harness closed at the end. `concurrent`: transactions run side by
 * side and wait for each other's locks; the harness then offers `waiting`.
 */
export function describeStoreContract(
  name: string,
  create: () => Promise<StoreHarness>,
  { concurrent }: { readonly concurrent: boolean },
): void {
  describe(name, () => {
    let harness: StoreHarness | undefined;
    const current = (): StoreHarness => {
      if (harness === undefined) throw new Error('used before it was created');
      return harness;
    };
    beforeAll(async () => {
      harness = await create();
    });
    afterAll(() => harness?.close());

    describe('cases', () => describeCases(current));
    describe('publishing', () => describePublishing(current));
    describe('ingestion', () => describeIngestion(current));
    describe('the history of fingerprints', () => describeFingerprints(current));
    describe('budgets', () => describeBudgets(current));
    describe('schedules', () => describeSchedules(current));
    describe('incidents', () => describeIncidents(current));
    describe('work', () => describeWork(current));
    describe('what is due', () => describeDueWork(current));
    describe('isolation', () => describeIsolation(current));
    if (!concurrent) return;
    describe('side by side', () => {
      describeConcurrency(current);
      describeBudgetLocks(current);
      describeIncidentTurns(current);
    });
  });
}
