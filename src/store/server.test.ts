/** What only a server shows: roles, lost connections, limits of a session. */
import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProblemError } from '../core/errors.js';
import { requireService } from '../testing/services/require.js';
import { aCase, NOTHING, updateOf } from '../testing/store-contract/harness.js';
import { pgliteForTest, postgresForTest, type TestStore } from '../testing/stores.js';
import { checkRuntimeRole, clockDifference, serverVersion } from './checks.js';
import { sql } from './drizzle.js';
import { classifyStoreError } from './errors.js';
import { createPostgresStore } from './open.js';
import type { CaseRow } from './port.js';
import { type Driver, type Session, statement } from './sql/driver.js';
import { beat } from './sql/registry.js';

const server = requireService('postgres');
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no problem',
    (error: unknown) => (error instanceof ProblemError ? error.problem.code : String(error)),
  );

server.describe('the store on a server', () => {
  let test: TestStore;
  let admin: postgres.Sql;
  let adminUrl: string;
  beforeAll(async () => {
    test = await postgresForTest(server.address, 2);
    const url = new URL(server.address);
    url.pathname = new URL(test.url).pathname;
    adminUrl = url.href;
    admin = postgres(adminUrl, { max: 1, onnotice: () => undefined });
  });
  afterAll(async () => {
    await admin.end();
    await test.close();
  });

  /** The check's answer for a role made by `options`, which is dropped again. */
  async function checked(options: string, before = ''): Promise<string> {
    const role = `role_${randomUUID().slice(0, 8)}`;
    await admin.unsafe(`create role ${role} ${options} password 'x'; ${before.replaceAll('$role', role)}`);
    const url = new URL(adminUrl);
    Object.assign(url, { username: role, password: 'x' });
    const open = createPostgresStore({ url: url.href, poolSize: 1 });
    const code = await codeOf(checkRuntimeRole(open.driver));
    await open.close();
    await admin.unsafe(`reassign owned by ${role} to current_user; drop owned by ${role}; drop role ${role}`);
    return code;
  }

  it('accepts a runtime role and refuses each that bypasses the isolation of tenants', async () => {
    expect(await codeOf(checkRuntimeRole(test.driver))).toBe('no problem');
    expect(await checked('login in role millrace_app')).toBe('no problem');
    expect(await checked('login superuser')).toBe('ROLE_BYPASSES_RLS');
    expect(await checked('login bypassrls')).toBe('ROLE_BYPASSES_RLS');
    expect(await checked('login', 'alter table cases owner to $role')).toBe('ROLE_BYPASSES_RLS');
  });

  it('tells the clock’s difference and the server’s version', async () => {
    expect(Math.abs(await clockDifference(test.driver))).toBeLessThan(60_000);
    expect(Number.parseInt(await serverVersion(test.driver), 10)).toBeGreaterThanOrEqual(15);
  });

  it('an answer that takes long is no difference of the clocks', async () => {
    const slow: Driver = {
      ...test.driver,
      transaction: async (scope, body, hot) => {
        const result = await test.driver.transaction(scope, body, hot);
        await new Promise((done) => setTimeout(done, 100));
        return result;
      },
    };
    expect(await clockDifference(slow)).toBe(0);
  });

  it('sets limits on each session', async () => {
    const names = [
      'idle_in_transaction_session_timeout',
      'lock_timeout',
      'statement_timeout',
      'application_name',
      'TimeZone',
    ];
    const shown = await test.driver.transaction({ kind: 'all' }, (session) =>
      session.values(`select current_setting(n) from unnest('{${names.join()}}'::text[]) n`, []),
    );
    expect(shown.flat()).toEqual(['10s', '5s', '15s', 'millrace', 'UTC']);
  });

  it('what runs beside the pipeline gets no helpers, which would take all cores for a question that can wait', async () => {
    const helpers = async (hot: boolean) => {
      const show = "select current_setting('max_parallel_workers_per_gather')::int";
      return (await test.driver.transaction({ kind: 'all' }, (session) => session.values(show, []), hot)).flat();
    };
    expect(await helpers(true)).toEqual([0]);
    expect(await helpers(false)).not.toEqual([0]);
  });

  it('a connection that is cut in a transaction is transient; nothing stays, and the next one works', async () => {
    const key = await aCase(test.store, await test.tenant());
    const lock = () => test.store.transaction([key.tenantId], (tx) => tx.lockCases([key], []));
    const cut = test.store.transaction([key.tenantId], async (tx) => {
      const [row] = await tx.lockCases([key], []);
      await admin`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'millrace' and state = 'idle in transaction'`;
      return tx.write({ ...NOTHING, cases: [updateOf(row as CaseRow, { seq: 9 })] });
    });
    expect(await cut.then(() => 'no error', classifyStoreError)).toBe('transient');
    expect(await lock()).toMatchObject([{ version: 1, seq: 0 }]);
  });

  it('a body that goes on after a failed statement cannot commit', async () => {
    const tenantId = await test.tenant();
    const key = { tenantId, caseId: randomUUID() };
    const attempt = test.store.transaction([tenantId], async (tx) => {
      await tx.createCases([{ ...key, openKey: 'k', source: 's', at: 0 }]);
      await tx.lockCases([{ tenantId, caseId: 'no uuid' }], []).catch(() => undefined);
      return tx.createCases([{ tenantId, caseId: randomUUID(), openKey: 'l', source: 's', at: 0 }]).catch(() => 'done');
    });
    expect(await attempt.then(() => 'no error', classifyStoreError)).toBe('data');
    expect(await test.store.transaction([tenantId], (tx) => tx.lockCases([key], []))).toEqual([]);
  });

  it('a statement that cannot be sent takes what is sent beside it, and the COMMIT, with it', async () => {
    const tenantId = await test.tenant();
    const workerId = randomUUID();
    const worker = { workerId, stage: 'api', group: 'g', host: 'h', pid: 1, startedAt: 0, stopped: false } as const;
    const incomplete = statement<never>(sql`select ${sql.placeholder('left_out')}::int`);
    const attempt = test.driver.transaction({ kind: 'tenants', list: tenantId }, (session) =>
      session.last(async () => {
        await Promise.all([beat(session, worker), session.run(incomplete, {})]);
      }),
    );
    await expect(attempt).rejects.toThrow('left_out');
    expect(await admin`select from workers where worker_id = ${workerId}`).toHaveLength(0);
  });

  it('a statement that another version of its table has made unusable says so, and can be asked again', async () => {
    const looked = statement<{ a: number }>(
      sql`select * from changing where a >= ${sql.placeholder('from')}::int and a < ${sql.placeholder('to')}::int`,
    );
    const look = (session: Session) => session.run(looked, { from: 1, to: 5 });
    const ask = (): Promise<readonly object[]> => test.driver.transaction({ kind: 'all' }, look);
    await admin`create table changing as select 2 as a`;
    await admin`grant select on changing to public`;
    expect(await ask()).toEqual([{ a: 2 }]);
    await admin`alter table changing add column b int`;
    await expect(ask()).rejects.toMatchObject({ sqlstate: '0A000' });
    expect(await ask()).toEqual([{ a: 2, b: null }]);
    await admin`drop table changing`;
  });

  it('a server that is not there is transient', async () => {
    const open = createPostgresStore({ url: 'postgres://nobody@127.0.0.1:1/none', connectTimeoutMs: 1_000 });
    expect(await open.store.ping().then(() => 'no error', classifyStoreError)).toBe('transient');
    await open.close();
  });

  it('more transactions than connections wait for each other', async () => {
    const tenantId = await test.tenant();
    const clocks = Array.from({ length: 9 }, () => test.store.transaction([tenantId], (tx) => tx.now()));
    expect((await Promise.all(clocks)).filter((now) => now > 0)).toHaveLength(9);
  });

  it('cut again and again, it hangs nowhere, and what was committed is what is there', async () => {
    const key = await aCase(test.store, await test.tenant());
    const seen = { committed: 0, unsure: 0, kinds: new Set<string>() };
    const cut = () => admin`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'millrace' order by random() limit 1`;
    const work = async (each: number) => {
      for (let n = 0; n < 40; n++) {
        const attempt = test.store.transaction([key.tenantId], async (tx) => {
          const [row] = await tx.lockCases([key], []);
          await tx.write({ ...NOTHING, cases: [updateOf(row as CaseRow)] });
        });
        const cutting = n % each === 0 ? cut() : undefined;
        const kind = await attempt.then(() => 'committed', classifyStoreError);
        if (kind === 'committed') seen.committed++;
        else seen.unsure++;
        seen.kinds.add(kind);
        await cutting;
      }
    };
    await Promise.all([work(3), work(4), work(5)]);
    const [row] = await admin`select version from cases where case_id = ${key.caseId}`;
    const written = row?.version - 1;
    expect(written).toBeGreaterThanOrEqual(seen.committed);
    expect(written).toBeLessThanOrEqual(seen.committed + seen.unsure);
    expect(seen.unsure).toBeGreaterThan(0);
    expect([...seen.kinds].sort()).toEqual(['committed', 'transient']);
  });

  it('closing lets a transaction finish, and refuses those that wait and those that come later', async () => {
    const open = createPostgresStore({ url: test.url, poolSize: 1 });
    let go = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    const running = open.store.transaction([], async (tx) => {
      await held;
      return tx.now();
    });
    const waiting = open.store.ping().then(() => 'no error', classifyStoreError);
    const closed = Promise.all([open.close(), open.close()]);
    expect(await waiting).toBe('transient');
    expect(await open.store.ping().then(() => 'no error', classifyStoreError)).toBe('transient');
    go();
    expect(await running).toBeGreaterThan(0);
    await closed;
  });
});

describe('the store on PGlite', () => {
  it('runs as the role that row-level security binds, though its user is a superuser', async () => {
    const test = await pgliteForTest();
    await checkRuntimeRole(test.driver);
    const [role] = await test.driver.transaction({ kind: 'all' }, (session) =>
      session.values('select current_user', []),
    );
    expect(role).toEqual(['millrace_app']);
    await test.close();
  });
});
