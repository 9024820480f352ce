import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CaseStatus } from '../core/case.js';
import { requireService } from '../testing/services/require.js';
import {
  aCase,
  append,
  entryOf,
  executionOf,
  NOTHING,
  published,
  put,
  updateOf,
  waitOf,
} from '../testing/store-contract/harness.js';
import { codeOf, pgliteForTest, postgresForTest, type TestStore } from '../testing/stores.js';
import type { CaseRow } from './port.js';
import type { Queries } from './queries.js';

const server = requireService('postgres');

function describeQueries(create: () => Promise<TestStore>): void {
  let test: TestStore;
  let queries: Queries;
  beforeAll(async () => {
    test = await create();
    queries = test.queries;
  });
  afterAll(() => test.close());

  interface Sample {
    readonly title: string;
    readonly severity: 'high' | 'low';
    readonly status?: CaseStatus;
  }
  async function sample(tenantId: string, { title, severity, status = 'TRIAGED' }: Sample): Promise<string> {
    const key = { tenantId, caseId: randomUUID() };
    const made = { ...key, openKey: key.caseId, source: 'trades', at: Date.now() };
    await test.store.transaction([tenantId], async (tx) => {
      await tx.createCases([made]);
      const [row] = await tx.lockCases([key], []);
      const exception = { type: 'FAIL', title, severity: 'low' as const, entity: 'T-1', source: 'trades' };
      const full = { ...exception, occurredAt: '2026-01-01T00:00:00Z', fingerprint: 'f', fields: {} };
      const triage = {
        category: 'ssi',
        severity,
        confidence: 1,
        labels: [],
        ...(severity === 'high' && { priority: 1 as const }),
        extra: {},
        by: 'rules',
        explain: [],
        packVersion: 1,
      };
      const set = { exception: full, triage };
      await tx.write({ ...NOTHING, cases: [updateOf(row as CaseRow, { status, count: 2, set })] });
    });
    return key.caseId;
  }

  it('cases are listed newest first, page by page, without gaps or repeats', async () => {
    const tenantId = await test.tenant();
    const ids: string[] = [];
    for (const n of [1, 2, 3, 4, 5]) ids.unshift(await sample(tenantId, { title: `Trade ${n}`, severity: 'high' }));
    const seen: string[] = [];
    let cursor: string | null | undefined;
    while (cursor !== null) {
      const filter = { limit: 2, ...(cursor !== undefined && { cursor }) };
      const found: Awaited<ReturnType<Queries['listCases']>> = await queries.listCases(tenantId, filter);
      seen.push(...found.items.map((item) => item.caseId));
      cursor = found.next;
    }
    expect(seen).toEqual(ids);
  });

  it('cases are found by what they are, and by parts of their texts taken literally', async () => {
    const tenantId = await test.tenant();
    const odd = await sample(tenantId, { title: '100%_"sure" \\ it’s', severity: 'high' });
    const low = await sample(tenantId, { title: 'calm', severity: 'low', status: 'RESOLVED' });
    const find = async (filter: object) =>
      (await queries.listCases(tenantId, { limit: 9, ...filter })).items.map((c) => c.caseId);
    expect(await find({ q: '%_"S' })).toEqual([odd]);
    expect(await find({ q: '\\' })).toEqual([odd]);
    expect(await find({ q: 'm%' })).toEqual([]);
    expect(await find({ q: low.slice(0, 8).toUpperCase() })).toEqual([low]);
    expect(await find({ status: ['RESOLVED', 'CANCELED'] })).toEqual([low]);
    expect(await find({ severity: ['high'] })).toEqual([odd]);
    expect(await find({ source: 'trades', type: 'FAIL', category: 'ssi' })).toEqual([low, odd]);
    expect(await find({ source: 'none' })).toEqual([]);
    expect(await find({ since: Date.now() + 60_000 })).toEqual([]);
    expect(await find({ until: Date.now() + 60_000, since: Date.now() - 60_000 })).toEqual([low, odd]);
    const [item] = (await queries.listCases(tenantId, { limit: 1, severity: ['low'] })).items;
    expect(item).toMatchObject({
      title: 'calm',
      severity: 'low',
      category: 'ssi',
      priority: 3,
      entity: 'T-1',
      closedAt: expect.any(Number),
    });
    const [urgent] = (await queries.listCases(tenantId, { limit: 1, severity: ['high'] })).items;
    expect(urgent?.priority).toBe(1);
  });

  it('a cursor of another tenant, of other filters, or changed is refused', async () => {
    const [a, b] = [await test.tenant(), await test.tenant()];
    for (const tenantId of [a, a, b]) await sample(tenantId, { title: 'x', severity: 'low' });
    const { next } = await queries.listCases(a, { limit: 1 });
    const cursor = next as string;
    const ask = (tenantId: string, filter: object) =>
      codeOf(queries.listCases(tenantId, { limit: 1, cursor, ...filter }));
    expect(await ask(a, {})).toBe('no problem');
    expect(await ask(b, {})).toBe('CURSOR_INVALID');
    expect(await ask(a, { source: 's' })).toBe('CURSOR_INVALID');
    for (const bad of ['', '.', 'x', `${cursor}x`, `A${cursor}`, "' or 1=1"]) {
      expect(await ask(a, { cursor: bad }), bad).toBe('CURSOR_INVALID');
    }
  });

  it('a case is shown with its timeline, waits and calls, and not to another tenant', async () => {
    const { store } = test;
    const [mine, other] = [await test.tenant(), await test.tenant()];
    const key = await aCase(store, mine);
    const first = entryOf(key, 1);
    await published(store, await append(store, key, [first]));
    await append(store, key, [entryOf(key, 2, 'ExceptionMerged'), entryOf(key, 3)]);
    const [wait, execution] = [waitOf(key), executionOf(key)];
    await put(store, key, { waits: [wait], executions: [{ ...execution, leaseOwner: null }] });
    expect(await queries.getCase(mine, key.caseId)).toMatchObject({
      ...key,
      seq: 3,
      source: 'trades',
      createdAt: 1_700_000_000_000,
    });
    const shown = await queries.timeline(mine, key.caseId);
    expect(shown.map((row) => [row.seq, row.published, row.data])).toEqual([
      [1, true, { seq: 1 }],
      [2, true, { seq: 2 }],
      [3, false, { seq: 3 }],
    ]);
    expect(shown[0]?.time).toBe(Date.parse(first.time));
    await append(store, key, [], { seen: { policy: 3 } });
    expect((await queries.timeline(mine, key.caseId)).map((row) => row.published)).toEqual([true, true, true]);
    await append(store, key, [], { seen: {} });
    expect((await queries.timeline(mine, key.caseId, 1, 1)).map((row) => row.seq)).toEqual([2]);
    expect(await queries.openWaits(mine)).toMatchObject([wait]);
    expect(await queries.getWait(mine, wait.waitId)).toMatchObject({ ...wait, status: 'open' });
    expect([await queries.countOpen(mine, 9), await queries.countOpen(other, 9)]).toEqual([1, 0]);
    expect(await queries.listExecutions(mine, key.caseId)).toMatchObject([{ ...execution, status: 'pending' }]);
    expect(await queries.getCase(other, key.caseId)).toBeNull();
    expect(await queries.timeline(other, key.caseId)).toEqual([]);
    expect(await queries.openWaits(other)).toEqual([]);
    expect(await queries.getWait(other, wait.waitId)).toBeNull();
    expect(await queries.listExecutions(other, key.caseId)).toEqual([]);
  });

  it('a tenant is made once, by a name that can be one, and can be disabled', async () => {
    const tenantId = await test.tenant();
    expect(await queries.createTenant(tenantId)).toBe(false);
    expect(await codeOf(queries.createTenant('a,b'))).toBe('TENANT_INVALID');
    expect(await queries.tenantExists(tenantId)).toBe(true);
    expect(await queries.tenantExists('nobody')).toBe(false);
    expect((await queries.listTenants()).map((one) => one.tenantId)).toContain(tenantId);
    const known = () => test.store.transaction([], (tx) => tx.knownTenants([tenantId]));
    await queries.setTenantDisabled(tenantId, true);
    expect(await known()).toEqual(new Set());
    await queries.setTenantDisabled(tenantId, false);
    expect(await known()).toEqual(new Set([tenantId]));
    expect(await codeOf(queries.setTenantDisabled('nobody', true))).toBe('TENANT_UNKNOWN');
  });

  it('an API key is found by its tenant only, and is revoked once', async () => {
    const [mine, other] = [await test.tenant(), await test.tenant()];
    const key = {
      tenantId: mine,
      keyId: 'k1',
      name: 'ci',
      secretHash: 'h',
      scopes: ['cases:read', 'a "b",{c}'],
      expiresAt: 1_900_000_000_000,
    };
    await queries.createApiKey(key);
    expect(await queries.findApiKey(mine, 'k1')).toMatchObject({ ...key, revokedAt: null, lastUsedAt: null });
    expect(await queries.findApiKey(other, 'k1')).toBeNull();
    await queries.touchApiKey(mine, 'k1');
    expect((await queries.findApiKey(mine, 'k1'))?.lastUsedAt).toEqual(expect.any(Number));
    expect(await queries.revokeApiKey(other, 'k1')).toBe(false);
    expect(await queries.revokeApiKey(mine, 'k1')).toBe(true);
    expect(await queries.revokeApiKey(mine, 'k1')).toBe(false);
    expect(await queries.listApiKeys(mine)).toMatchObject([{ keyId: 'k1', revokedAt: expect.any(Number) }]);
  });

  it('figures add up, and the pipeline shows what is open', async () => {
    const { store } = test;
    const tenantId = await test.tenant();
    const tally = { tenantId, kind: 'rule' as const, name: 'r', outcome: 'resolved', durationMs: 10 };
    const write = () =>
      store.transaction([tenantId], (tx) => tx.write({ ...NOTHING, tally: [tally, tally, { ...tally, name: 'q' }] }));
    await write();
    await write();
    expect((await queries.listFigures(tenantId)).map((one) => [one.name, one.cases, one.totalMs])).toEqual([
      ['q', 2, 20],
      ['r', 4, 40],
    ]);
    await sample(tenantId, { title: 'open', severity: 'low' });
    await sample(tenantId, { title: 'closed', severity: 'low', status: 'RESOLVED' });
    const key = await aCase(store, tenantId);
    await append(store, key, [entryOf(key, 1)]);
    const worker = {
      workerId: randomUUID(),
      stage: 'triage' as const,
      group: 'g',
      host: 'h',
      pid: 7,
      startedAt: 5,
      stopped: false,
    };
    await store.transaction([], (tx) => tx.beat(worker));
    const state = await queries.pipeline([tenantId]);
    expect(state.cases.map((one) => [one.status, one.count]).sort()).toEqual([
      ['OPEN', 1],
      ['TRIAGED', 1],
    ]);
    expect(state.outbox).toEqual({ count: 1, oldestAt: expect.any(Number) });
    expect(state.workers.find((one) => one.workerId === worker.workerId)).toMatchObject({
      stage: 'triage',
      pid: 7,
      stoppedAt: null,
    });
    await store.transaction([], (tx) => tx.beat({ ...worker, stopped: true }));
    const later = await queries.pipeline([]);
    expect(later.workers.find((one) => one.workerId === worker.workerId)?.stoppedAt).toEqual(expect.any(Number));
    expect(later).toMatchObject({ cases: [], outbox: { count: 0, oldestAt: null }, deadLetters: [] });
  });
}

describe('the queries on PGlite', () => describeQueries(pgliteForTest));
server.describe('the queries on a server', () => describeQueries(() => postgresForTest(server.address)));
