import { afterAll, beforeAll, expect, it } from 'vitest';
import { aCase } from '../../testing/store-contract/harness.js';
import { pgliteForTest, type TestStore } from '../../testing/stores.js';
import { StoreError, type StoreErrorKind } from '../errors.js';
import type { Driver } from '../sql/driver.js';
import { pastQueries } from './past.js';

let test: TestStore;
beforeAll(async () => {
  test = await pgliteForTest();
});
afterAll(() => test.close());

/** Refuses those transactions, counted from 1, for which `refuses` says so. */
function refusing(kind: StoreErrorKind, refuses: (nth: number) => boolean): Driver {
  let nth = 0;
  const { driver } = test;
  return {
    ...driver,
    transaction: (scope, body, hot) => {
      nth += 1;
      if (refuses(nth)) return Promise.reject(new StoreError(kind, '57014', 'the statement took too long', undefined));
      return driver.transaction(scope, body, hot);
    },
  };
}

async function idsRead(driver: Driver, tenantId: string): Promise<string[]> {
  const range = { tenantId, since: 0, until: Date.now() + 60_000, pageSize: 2 };
  const found: string[] = [];
  for await (const page of pastQueries(driver).readPast(range)) found.push(...page.map(({ id }) => id));
  return found;
}

it('a page that the server does not give in time is asked for again, and none is read twice', async () => {
  const tenantId = await test.tenant();
  const made: string[] = [];
  for (let i = 0; i < 5; i++) made.push((await aCase(test.store, tenantId)).caseId);
  const found = await idsRead(
    refusing('transient', (nth) => nth % 2 === 1),
    tenantId,
  );
  expect(found).toHaveLength(5);
  expect([...found].sort()).toEqual(made.sort());
});

it('a server that never gives it, or a mistake in the query, ends the reading', async () => {
  const tenantId = await test.tenant();
  await expect(
    idsRead(
      refusing('transient', () => true),
      tenantId,
    ),
  ).rejects.toThrow('took too long');
  await expect(
    idsRead(
      refusing('bug', (nth) => nth === 1),
      tenantId,
    ),
  ).rejects.toThrow('took too long');
});
