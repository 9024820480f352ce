/** What every log promises, whatever it is made of. Run by the tests of each adapter. */
import { afterAll, beforeAll, describe } from 'vitest';
import type { LogHarness } from './log-contract/consumers.js';
import { describeConsuming } from './log-contract/consuming.js';
import { describeGroups } from './log-contract/groups.js';
import { describePublishing } from './log-contract/publishing.js';

export type { LogHarness } from './log-contract/consumers.js';

/** Declares the suite; `createLog` is called once, its harness closed at the end. */
export function describeLogContract(name: string, createLog: () => Promise<LogHarness>): void {
  describe(name, () => {
    let harness: LogHarness | undefined;
    const current = (): LogHarness => {
      if (harness === undefined) throw new Error('used before it was created');
      return harness;
    };
    beforeAll(async () => {
      harness = await createLog();
    });
    afterAll(() => harness?.close());

    describe('publishing', () => describePublishing(current));
    describe('consuming', () => describeConsuming(current));
    describe('groups', () => describeGroups(current));
  });
}
