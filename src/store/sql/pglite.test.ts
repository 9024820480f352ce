import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sql } from '../drizzle.js';
import { type Driver, statement } from './driver.js';
import { pgliteDriver } from './pglite.js';
import { upkeepDue } from './pglite-upkeep.js';

const OWNER = { kind: 'owner' } as const;
const insert = statement<never>(sql`insert into t (n) values (${sql.placeholder('n')}::int)`);
const read = statement<{ n: number }>(sql`select n from t order by n`);
const script = (driver: Driver, text: string) => driver.transaction(OWNER, (session) => session.script(text));
const add = (driver: Driver, n: number) => driver.transaction(OWNER, (session) => session.run(insert, { n }));
const all = async (driver: Driver) =>
  (await driver.transaction(OWNER, (session) => session.run(read, {}))).map(({ n }) => n);

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'millrace-pglite-'));
  cleanUps.push(() => rm(made, { recursive: true, force: true }));
  return made;
}

async function opened(...options: Parameters<typeof pgliteDriver>): Promise<Driver> {
  const driver = await pgliteDriver(...options);
  cleanUps.push(() => driver.close());
  return driver;
}

describe('PGlite in its thread', () => {
  let driver: Driver;
  beforeAll(async () => {
    driver = await pgliteDriver();
  });
  afterAll(() => driver?.close());
  beforeEach(() => script(driver, 'drop table if exists t; create table t (n int constraint small check (n < 9))'));

  it('leaves the event loop free while a statement takes its time', async () => {
    let turns = 0;
    const turning = setInterval(() => turns++, 1);
    await driver.transaction(OWNER, (session) => session.run(statement(sql`select pg_sleep(0.5)`), {}));
    clearInterval(turning);
    expect(turns).toBeGreaterThan(20);
  });

  it('runs transactions one after the other, in the order in which they were asked for', async () => {
    const counts = await Promise.all(
      [0, 1, 2, 3, 4].map((n) =>
        driver.transaction(OWNER, async (session) => {
          const before = await session.run(read, {});
          await session.run(insert, { n });
          return before.length;
        }),
      ),
    );
    expect(counts).toEqual([0, 1, 2, 3, 4]);
  });

  it('gives the SQLSTATE and the constraint of what Postgres refuses, and works on', async () => {
    await expect(add(driver, 9)).rejects.toMatchObject({ name: 'StoreError', kind: 'data', sqlstate: '23514' });
    await expect(add(driver, 9)).rejects.toThrow('small');
    await add(driver, 1);
    expect(await all(driver)).toEqual([1]);
  });
});

describe('a database of PGlite', () => {
  it('fails what is under way and what comes after as transient when the database dies, and tells', async () => {
    const crashes: string[] = [];
    const driver = await opened({ onCrash: (error) => crashes.push(error.message) });
    const deadly = `copy (select 1) to program 'x'`; // PGlite has no processes: this aborts it
    const lost = await Promise.allSettled([script(driver, deadly), script(driver, 'select 1')]);
    const after = await Promise.allSettled([script(driver, 'select 1')]);
    const transient = { status: 'rejected', reason: { kind: 'transient', sqlstate: 'CONNECTION_CLOSED' } };
    expect([...lost, ...after]).toMatchObject([transient, transient, transient]);
    expect(crashes).toEqual(['it answers no more']);
  });

  it('refuses a folder of another version with a problem that names it', async () => {
    const dataDir = await folder();
    await writeFile(join(dataDir, 'PG_VERSION'), '9.6\n');
    await expect(pgliteDriver({ dataDir })).rejects.toMatchObject({
      problem: { code: 'DATABASE_UNUSABLE', path: dataDir },
    });
  });

  it('finds everything again that was there when it was closed', async () => {
    const dataDir = join(await folder(), 'db');
    const first = await pgliteDriver({ dataDir });
    await script(first, 'create table t (n int)');
    void add(first, 1);
    await add(first, 2);
    await first.close();
    expect(await all(await opened({ dataDir }))).toEqual([1, 2]);
  });

  it('loses nothing that was committed when the process is killed', async () => {
    const dataDir = join(await folder(), 'db');
    const child = writer(dataDir);
    const committed = await killedAfter(child, 200);
    expect(committed.length).toBeGreaterThanOrEqual(200);
    const found = await all(await opened({ dataDir }));
    expect(found.slice(0, committed.length)).toEqual(committed);
  });
});

/** A process that commits 0, 1, 2 … and prints each when it is committed. */
function writer(dataDir: string): ChildProcess {
  const driver = JSON.stringify(new URL('./pglite.ts', import.meta.url).href);
  const program = `
    import(${driver}).then(async ({ pgliteDriver }) => {
      const driver = await pgliteDriver({ dataDir: ${JSON.stringify(dataDir)} });
      const script = (text) => driver.transaction({ kind: 'owner' }, (session) => session.script(text));
      await script('create table t (n int)');
      for (let n = 0; ; n++) {
        await script('insert into t values (' + n + ')');
        process.stdout.write(n + '\\n');
      }
    });`;
  return spawn(process.execPath, ['--import', 'tsx', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Kills the process when it has printed `count` lines; answers all numbers that it printed. */
async function killedAfter(child: ChildProcess, count: number): Promise<number[]> {
  let printed = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
    if (printed.split('\n').length > count) child.kill('SIGKILL');
  });
  await new Promise((resolve) => child.once('close', resolve));
  return printed.split('\n').slice(0, -1).map(Number);
}

describe('the upkeep of PGlite', () => {
  it('goes on between transactions, so that a busy table stays small', async () => {
    const driver = await opened({ upkeepMs: 1 });
    await script(driver, 'create table t (n int)');
    for (let round = 0; round < 100; round++) {
      await script(driver, 'insert into t select generate_series(1, 200)');
      await script(driver, 'delete from t');
    }
    const size = statement<{ bytes: number }>(sql`select pg_relation_size('t') as bytes`);
    const [{ bytes } = { bytes: 0 }] = await driver.transaction(OWNER, (session) => session.run(size, {}));
    expect(bytes).toBeLessThan(200_000); // 720,000 without
  });

  it('vacuums and analyses a table of which many rows are dead, and checkpoints after much was written', async () => {
    const db = await PGlite.create();
    cleanUps.push(() => db.close());
    await db.exec('create table t (n int, filler text)');
    await db.exec(`insert into t select n, repeat('x', 7000) from generate_series(1, 5000) n`);
    await db.exec(`alter table t alter filler set storage external`);
    await db.exec(`update t set filler = repeat('y', 8100) || n`);
    await db.exec(`update t set filler = repeat('z', 8100) || n`);
    expect(await upkeepDue(db)).toEqual(['vacuum t', 'analyze t', 'checkpoint']);
    for (const command of ['vacuum t', 'analyze t', 'checkpoint']) await db.exec(command);
    expect(await upkeepDue(db)).toEqual([]);
  });
});
