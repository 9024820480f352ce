import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { CaseStatus } from '../../core/case.js';
import { beginIncident, type Incident, withMember, withParent } from '../../core/incident.js';
import {
  aCase,
  append,
  entryOf,
  executionOf,
  NOTHING,
  published,
  put,
  timerOf,
  updateOf,
  waiting,
  waitOf,
} from '../../testing/store-contract/harness.js';
import { pgliteForTest, type TestStore } from '../../testing/stores.js';
import type { CaseKey } from '../port.js';

let made: TestStore;
let tenantId: string;
beforeAll(async () => {
  made = await pgliteForTest();
});
beforeEach(async () => {
  tenantId = `t-${randomUUID()}`;
  await made.queries.createTenant(tenantId);
});
afterAll(() => made.close());

const PAST_NOW = -60_000; // "for longer than" less than no time: everything counts as old

async function inStatus(status: CaseStatus): Promise<CaseKey> {
  const key = await aCase(made.store, tenantId);
  await made.store.transaction([tenantId], async (tx) => {
    const [row] = await tx.lockCases([key], []);
    if (row) await tx.write({ ...NOTHING, cases: [updateOf(row, { status })] });
  });
  return key;
}
const stranded = async () => (await made.queries.strandedCases([tenantId], PAST_NOW, 10)).map(({ caseId }) => caseId);

it('a run without a call under way is stranded, one with a call is not, another case with one does not hide it', async () => {
  const running = await inStatus('RUNNING');
  const other = await inStatus('RUNNING');
  await put(made.store, other, { executions: [{ ...executionOf(other), leaseOwner: null }] });
  expect(await stranded()).toEqual([running.caseId]);
  await put(made.store, running, { executions: [{ ...executionOf(running), leaseOwner: null }] });
  expect(await stranded()).toEqual([]);
});

it('a wait without a timer is stranded, one with both is not', async () => {
  const waiting = await inStatus('WAITING');
  await put(made.store, waiting, { waits: [waitOf(waiting)] });
  expect(await stranded()).toEqual([waiting.caseId]);
  await put(made.store, waiting, { timers: [timerOf(waiting, 1_900_000_000_000)] });
  expect(await stranded()).toEqual([]);
});

it('a member that waits for its incident, and a parent that is not over, are not stranded; left alone they would be', async () => {
  const [member, parent] = [await inStatus('WAITING'), await inStatus('WAITING')];
  const both = [member.caseId, parent.caseId].sort();
  expect((await stranded()).sort()).toEqual(both);
  const report = { type: 'Incident', title: 't', entity: 'e', severity: 'low', occurredAt: '', fields: {} } as const;
  const terms = {
    rule: 'r',
    place: 'p',
    key: 'k',
    by: [],
    windowMs: 1,
    min: 1,
    run: 'parent',
    resolve: 'all',
  } as const;
  const joining = { terms: { ...terms, packVersion: 1 }, report, at: 1 };
  await put(made.store, member, { incidents: { joins: [{ ...member, joining }], closed: [] } });
  expect(await stranded()).toEqual([parent.caseId]);
  const { caseId: incidentId } = parent;
  const incident = withMember(beginIncident(incidentId, tenantId, member.caseId, joining), member.caseId, joining);
  const save = (one: Incident, state: 'waiting' | 'free') =>
    made.store.transaction([tenantId], (tx) =>
      tx.incidents.save([{ ...one, look: false }], [{ ...member, incidentId, state }]),
    );
  await save(incident, 'waiting');
  expect(await stranded()).toEqual([]);
  await save(withParent(incident, 'RESOLVED'), 'free');
  expect((await stranded()).sort()).toEqual(both);
});

it('a case with events that its stage has not seen is on its way, not stranded', async () => {
  const running = await inStatus('RUNNING');
  await made.store.transaction([tenantId], async (tx) => {
    const [row] = await tx.lockCases([running], []);
    if (row) await tx.write({ ...NOTHING, cases: [updateOf(row, { sent: { playbook: 1 } })] });
  });
  expect(await stranded()).toEqual([]);
});

it('an event that its stage has not seen is lost, if it is older than whatever waits in the outbox', async () => {
  const key = await aCase(made.store, tenantId);
  const entry = entryOf(key, 1, 'ExceptionTriaged');
  const left = await append(made.store, key, [entry]);
  const at = Date.parse(entry.time);
  const lost = async () =>
    (await made.queries.lostEvents('policy', at - 1_000, at + 1_000, 10))?.filter((one) => one.tenantId === tenantId);
  expect(await made.queries.oldestWaiting()).toBe(at);
  await waiting(made.store, tenantId); // taken by the sweeper: it waits as long as it did
  expect(await made.queries.oldestWaiting()).toBe(at);
  await published(made.store, left);
  expect(await made.queries.oldestWaiting()).toBeNull();
  expect(await lost()).toEqual([key]);
  expect(await made.queries.lostEvents('policy', at + 1, at + 1_000, 10)).toEqual([]);
});
