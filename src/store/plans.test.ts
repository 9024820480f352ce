/** Plans are made once a connection and kept: one that was right for an empty table must be right for a full one. */
import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { requireService } from '../testing/services/require.js';
import { entryOf, executionOf, NOTHING, published, put, timerOf, updateOf } from '../testing/store-contract/harness.js';
import { postgresForTest, type TestStore } from '../testing/stores.js';
import { until } from '../testing/until.js';
import type { CaseKey } from './port.js';

const server = requireService('postgres');

interface Reads {
  readonly table: string;
  readonly whole: number; // scans of the whole table
  readonly rows: number; // rows read by whatever means
}

interface Scans {
  readonly index: string;
  readonly scans: number;
}

const STARTS = [
  { state: 'nearly empty tables', count: 2, few: 4, analyse: true },
  { state: 'tables of a new database', count: 1, few: 0, analyse: false },
  { state: 'tables that were empty when they were analysed', count: 1, few: 0, analyse: true },
];

/** Once is enough: what a vacuum or another connection reads meanwhile is counted, too. */
const untilReadsFew = (pages: () => Promise<number>, look: () => Promise<unknown>): Promise<true> =>
  until(async () => {
    const before = await pages();
    await look();
    return (await pages()) - before < 10 ? true : undefined;
  }, 'a look that reads less than ten pages');

for (const { state, count, few: first, analyse } of STARTS)
  server.describe(`statements planned on ${state}`, () => {
    let test: TestStore;
    let admin: postgres.Sql;
    let tenants: string[];
    beforeAll(async () => {
      test = await postgresForTest(server.address, 1); // one connection, so that all plans are its
      const url = new URL(test.url);
      const { username, password } = new URL(server.address);
      Object.assign(url, { username, password });
      admin = postgres(url.href, { max: 1, onnotice: () => undefined });
      tenants = await Promise.all(Array.from({ length: count }, () => test.tenant()));
    });
    afterAll(async () => {
      await admin.end();
      await test.close();
    });

    const make = async (count: number): Promise<CaseKey[]> => {
      const keys = Array.from({ length: count }, (_, i) => ({
        tenantId: tenants[i % tenants.length] as string,
        caseId: randomUUID(),
      }));
      const cases = keys.map((key) => ({ ...key, openKey: key.caseId, source: 's', at: 0 }));
      await test.store.transaction(tenants, (tx) => tx.createCases(cases));
      return keys;
    };

    const position = { group: 'g', topic: 't', epoch: 1, partition: 0 };
    const work = async (keys: readonly CaseKey[]) => {
      const { written, left } = await test.store.transaction(tenants, async (tx) => {
        const { cases } = await tx.openChunk(
          [position],
          keys.map((key) => ({ ...key, seq: 1, eventId: randomUUID() })),
          ['triage'],
        );
        const journal = cases.map((row) => entryOf(row.state, row.seq + 1));
        const left = await tx.write({
          ...NOTHING,
          journal,
          cases: cases.map((row) => updateOf(row, { seq: row.seq + 1 })),
        });
        return { written: journal, left };
      });
      await test.store.transaction(tenants, (tx) => tx.lockOpen(keys.map((key) => ({ ...key, openKey: key.caseId }))));
      await test.store.transaction(tenants, (tx) => tx.journalData(written));
      return left;
    };

    const reads = async (): Promise<Reads[]> => {
      const flush = { kind: 'owner' } as const;
      await test.driver.transaction(flush, (session) => session.script('select pg_stat_force_next_flush()'));
      return admin<
        Reads[]
      >`select relname as table, seq_scan::int as whole, (seq_tup_read + coalesce(idx_tup_fetch, 0))::int as rows
      from pg_stat_user_tables where relname in ('cases', 'executions', 'journal', 'outbox') order by 1`;
    };

    const pagesOf = async (table: string): Promise<number> => {
      await reads(); // what was counted so far is told
      const [row] = await admin<{ pages: number }[]>`
        select (heap_blks_read + heap_blks_hit)::int as pages from pg_statio_user_tables where relname = ${table}`;
      return row?.pages as number;
    };

    const indexPagesOf = async (index: string): Promise<number> => {
      await reads();
      const [row] = await admin<{ pages: number }[]>`
        select (idx_blks_read + idx_blks_hit)::int as pages from pg_statio_user_indexes where indexrelname = ${index}`;
      return row?.pages as number;
    };

    const scansOf = (table: string) => admin<Scans[]>`
      select indexrelname as index, idx_scan::int as scans from pg_stat_user_indexes where relname = ${table} order by 1`;

    it('read a few rows an event when the tables are full', async () => {
      const absent = { tenantId: tenants[0] as string, caseId: randomUUID() };
      const few = first > 0 ? await make(first) : [absent];
      if (analyse) await admin`vacuum analyze cases, journal, outbox`;
      for (let round = 0; round < 8; round++) await work(few); // from the sixth on, the plan is the generic one
      const many = await make(20_000);
      for (let at = 0; at < 20_000; at += 2_000) await work(many.slice(at, at + 2_000));
      const [before, scans] = [await reads(), await scansOf('cases')];
      await work(many.slice(5_000, 5_200));
      const after = await reads();
      // What an index condition passes over is read, but not counted: an index that only begins with the tenant shows here.
      expect(usedSince(scans, await scansOf('cases'))).toEqual(['cases_open', 'cases_pkey']);
      expect(after.map((one) => one.table)).toEqual(['cases', 'executions', 'journal', 'outbox']);
      expectFew(before, after, 200 * 8);
    });

    it('read a few pages an event however many tenants there are', async () => {
      const others = await Promise.all(Array.from({ length: 300 }, () => test.tenant()));
      const all = tenants;
      tenants = others;
      const keys = await make(3_000);
      await work(keys.slice(0, 1_000));
      const before = await indexPagesOf('cases_pkey');
      await work(keys.slice(1_000, 1_300));
      expect((await indexPagesOf('cases_pkey')) - before).toBeLessThan(300 * 12);
      tenants = all;
    });

    it('read a few rows a call when the ledger is full', async () => {
      const [key] = await make(1);
      const call = async (count: number) => {
        const executions = Array.from({ length: count }, () => ({
          ...executionOf(key as CaseKey),
          caseId: randomUUID(),
        }));
        await put(test.store, key as CaseKey, { executions: executions.map((one) => ({ ...one, leaseOwner: null })) });
      };
      const perform = (count: number) =>
        test.store.transaction('all', async (tx) => {
          const calls = await tx.claimExecutions('me', count, 60_000);
          expect(calls.length).toBe(count);
          await tx.extendLeases('me', calls, 60_000);
          const end = { tries: 1, status: 'succeeded', result: null, error: null, latencyMs: 1 } as const;
          await tx.endExecutions(calls.map((one) => ({ ...one, ...end })));
        });
      const postpone = (count: number, inMs: number) =>
        test.store.transaction('all', async (tx) => {
          const calls = await tx.claimExecutions('me', count, 60_000);
          const end = { tries: 1, status: 'pending', inMs } as const;
          await tx.endExecutions(calls.map((one) => ({ ...one, ...end })));
        });
      if (analyse) await admin`vacuum analyze executions`;
      for (let round = 0; round < 8; round++) await call(2).then(() => perform(2));
      for (let round = 0; round < 10; round++) await call(500);
      for (let round = 0; round < 4; round++) await postpone(500, round < 2 ? 0 : 600_000); // due again, and not yet
      await perform(200);
      const [before, scans] = [await reads(), await scansOf('executions')];
      await perform(200);
      expectFew(before, await reads(), 200 * 8);
      const used = usedSince(scans, await scansOf('executions'));
      expect(used).toEqual(['executions_again', 'executions_fresh', 'executions_leased', 'executions_pkey']);
    });

    it('for work that is due do not read what is due later, nor again and again what is dead', async () => {
      await admin`alter table executions set (autovacuum_enabled = false)`;
      const [key] = (await make(1)) as [CaseKey];
      const rows = Array.from({ length: 1_000 }, () => ({ ...executionOf(key), leaseOwner: null }));
      await put(test.store, key, { timers: rows.map(() => timerOf(key, Date.now() + 3_600_000)) });
      const claim = (count: number, ms: number) =>
        test.store.transaction('all', (tx) => tx.claimExecutions('me', count, ms));
      for (const leaseMs of [0, 0, 600_000]) {
        await put(test.store, key, { executions: rows.map((one) => ({ ...one, executionId: randomUUID() })) });
        const calls = await claim(1_000, leaseMs);
        const end = { tries: 1, status: 'succeeded', result: null, error: null, latencyMs: 1 } as const;
        const ends = leaseMs > 0 ? [] : calls.map((one) => ({ ...one, ...end }));
        await test.store.transaction('all', (tx) => tx.endExecutions(ends));
      }
      await untilReadsFew(
        () => pagesOf('executions'),
        () => claim(1, 600_000),
      );
      const look = () => test.store.transaction('all', async (tx) => [await tx.dueWork(false), await tx.dueTimers(10)]);
      await untilReadsFew(() => pagesOf('timers'), look);
    });

    it('for what waits or was lost look the events and cases up, and read neither journal nor cases', async () => {
      const keys = await make(2_000);
      await work(keys);
      const scansIn = async (table: string, look: () => Promise<unknown>): Promise<number> => {
        const whole = async () => (await reads()).find((one) => one.table === table)?.whole as number;
        const before = await whole();
        await look();
        return (await whole()) - before;
      };
      expect(await scansIn('journal', () => test.queries.oldestWaiting())).toBe(0);
      const now = Date.now();
      expect(await scansIn('cases', () => test.queries.lostEvents('policy', now - 60_000, now, 10))).toBe(0);
    });

    it('for what was lost read the events of that time, analysed or not, also when nothing was vacuumed since they came', async () => {
      const long = Date.now() - 3_600_000;
      const look = () => test.queries.lostEvents('policy', long, long + 1_000, 10);
      for (let round = 0; round < 5; round++) await work(await make(2_000));
      await until(async () => (await look()) ?? undefined, 'an answer in time'); // has the index told
      const [size] = await admin<{ pages: number }[]>`select pg_relation_size('journal')::int / 8192 as pages`;
      expect(size?.pages).toBeGreaterThan(200);
      await untilReadsFew(() => pagesOf('journal'), look);
      await admin`analyze journal`; // knowing more, the planner has other ideas
      await untilReadsFew(() => pagesOf('journal'), look);
    });

    it('for what was lost give up what takes too long, and say so', async () => {
      const look = () => test.queries.lostEvents('policy', Date.now() - 60_000, Date.now(), 10);
      await admin.begin(async (session) => {
        await session`lock table journal in access exclusive mode`;
        expect(await look()).toBeNull();
      });
      expect(await until(async () => (await look()) ?? undefined, 'an answer in time')).toEqual(expect.any(Array));
    });

    it('for the oldest row of the outbox do not read what was deleted', async () => {
      const [key] = (await make(1)) as [CaseKey];
      for (let round = 0; round < 300; round++) {
        const journal = Array.from({ length: 20 }, (_, i) => entryOf(key, round * 20 + i + 1));
        await published(test.store, await test.store.transaction(tenants, (tx) => tx.write({ ...NOTHING, journal })));
      }
      const look = () => test.store.transaction('all', (tx) => tx.dueWork(true));
      await look(); // the index learns what is dead
      await untilReadsFew(() => pagesOf('outbox'), look);
      const [size] = await admin<{ pages: number }[]>`select pg_relation_size('outbox')::int / 8192 as pages`;
      expect(size?.pages).toBeGreaterThan(10);
    });

    it('read of the past only the pages that are asked for', async () => {
      const [tenantId] = tenants as [string];
      const began = 1_000_000_000_000;
      const keys = Array.from({ length: 5_000 }, () => ({ tenantId, caseId: randomUUID() }));
      const cases = keys.map((key, i) => ({ ...key, openKey: key.caseId, source: 's', at: began + i }));
      await test.store.transaction([tenantId], (tx) => tx.createCases(cases));
      for (let at = 0; at < keys.length; at += 1_000) await work(keys.slice(at, at + 1_000));
      await admin`vacuum analyze cases, journal`;
      const before = await reads();
      const found: string[] = [];
      for await (const page of test.queries.readPast({ tenantId, since: began, until: 2 * began, pageSize: 100 })) {
        found.push(...page.map(({ id }) => id));
        if (found.length >= 300) break;
      }
      expect(found).toEqual(keys.slice(0, 300).map(({ caseId }) => caseId));
      expectFew(before, await reads(), 400 * 8); // one page is read ahead
    });

    function expectFew(before: readonly Reads[], after: readonly Reads[], most: number): void {
      for (const [i, one] of after.entries()) {
        expect(one.whole - (before[i] as Reads).whole, `scans of ${one.table}`).toBe(0);
        expect(one.rows - (before[i] as Reads).rows, `rows read of ${one.table}`).toBeLessThan(most);
      }
    }
  });

const usedSince = (before: readonly Scans[], after: readonly Scans[]): string[] =>
  after.flatMap(({ index, scans }, i) => (scans > (before[i]?.scans ?? 0) ? [index] : []));
