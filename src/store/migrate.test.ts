import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ProblemError } from '../core/errors.js';
import { memoryDriver } from '../testing/pglite.js';
import { createDatabase, type Database } from '../testing/services/postgres.js';
import { requireService } from '../testing/services/require.js';
import {
  grantRuntimeLogin,
  type Migration,
  migrate,
  pendingMigrations,
  readMigrations,
  requireSchema,
} from './migrate.js';
import { openForMigration } from './open.js';
import type { Driver } from './sql/driver.js';

const server = requireService('postgres');
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no problem',
    (error: unknown) => (error instanceof ProblemError ? error.problem.code : String(error)),
  );

async function some(...texts: string[]): Promise<readonly Migration[]> {
  const folder = await mkdtemp(join(tmpdir(), 'migrations-'));
  try {
    await Promise.all(texts.map((text, i) => writeFile(join(folder, `000${i + 1}_step_${i}.sql`), text)));
    return await readMigrations(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('migrations', () => {
  let driver: Driver;
  beforeAll(async () => {
    driver = await memoryDriver();
    await driver.transaction({ kind: 'owner' }, (session) => session.script('create role millrace_app nologin'));
  });
  afterAll(() => driver.close());

  const tables = () =>
    driver.transaction({ kind: 'owner' }, (session) =>
      session.values(`select tablename from pg_tables where schemaname = 'public' order by 1`, []),
    );

  it('run once each, in order, and a failing one leaves nothing of itself', async () => {
    const [one, two] = ['create table one (n int)', 'create table two (n int); create table two (n int)'];
    const migrations = await some(one, two, 'create table three ()');
    expect(await pendingMigrations(driver, migrations)).toEqual(['0001_step_0', '0002_step_1', '0003_step_2']);
    await expect(migrate(driver, migrations)).rejects.toThrow('42P07');
    expect(await tables()).toEqual([['one'], ['schema_migrations']]);
    const mended = await some(one, 'create table two (n int)', 'create table three ()');
    expect(await migrate(driver, mended)).toEqual(['0002_step_1', '0003_step_2']);
    expect(await migrate(driver, mended)).toEqual([]);
    expect(await pendingMigrations(driver, mended)).toEqual([]);
  });

  it('that were changed after they ran are refused', async () => {
    const changed = await some('create table one (n bigint)', 'create table two (n int)', 'create table three ()');
    expect(await codeOf(migrate(driver, changed))).toBe('MIGRATION_CHANGED');
    expect(await codeOf(pendingMigrations(driver, changed))).toBe('MIGRATION_CHANGED');
  });

  it('of newer code are refused', async () => {
    const older = await some('create table one (n int)');
    expect(await codeOf(migrate(driver, older))).toBe('SCHEMA_NEWER');
  });

  it('with a gap in their numbers are refused', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'migrations-'));
    await writeFile(join(folder, '0002_late.sql'), '');
    expect(await codeOf(readMigrations(folder))).toBe('MIGRATIONS_INVALID');
    await rm(folder, { recursive: true });
  });
});

server.describe('migrations on a server', () => {
  let database: Database;
  const drivers: Driver[] = [];
  const owner = () => {
    const driver = openForMigration(database.url);
    drivers.push(driver);
    return driver;
  };
  beforeAll(async () => {
    database = await createDatabase(server.address);
  });
  afterAll(async () => {
    await Promise.all(drivers.map((driver) => driver.close()));
    await database.drop();
  });

  it('run once when three processes start together', async () => {
    expect(await codeOf(requireSchema(owner()))).toBe('SCHEMA_BEHIND');
    const all = await readMigrations();
    const ran = await Promise.all([migrate(owner()), migrate(owner()), migrate(owner())]);
    expect(ran.flat().sort()).toEqual(all.map((one) => one.name)); // each once, whichever process ran it
    await requireSchema(owner());
  });

  it('give the cases that are there the columns that lists ask for', async () => {
    const older = await createDatabase(server.address);
    const driver = openForMigration(older.url);
    try {
      await migrate(driver, (await readMigrations()).slice(0, 13));
      const scope = { kind: 'owner' } as const;
      await driver.transaction(scope, (session) =>
        session.script(`insert into tenants (tenant_id) values ('acme');
          insert into cases (tenant_id, case_id, source, exception, triage) values
            ('acme', '00000000-0000-4000-8000-000000000001', 's', '{"type":"T","title":"a \\u00fc","entity":null,"severity":"low"}',
              '{"category":"c","severity":"high","priority":1}'),
            ('acme', '00000000-0000-4000-8000-000000000002', 's', '{"type":"U","title":"b","entity":"e","severity":"low"}',
              '{"category":"d","severity":"low"}'),
            ('acme', '00000000-0000-4000-8000-000000000003', 's', null, null)`),
      );
      await migrate(driver);
      const rows = await driver.transaction(scope, (session) =>
        session.values(
          `select type, title, entity, reported_severity, category, severity, priority, awaited,
            exception ->> 'title' from cases order by case_id`,
          [],
        ),
      );
      expect(rows).toEqual([
        ['T', 'a ü', null, 'low', 'c', 'high', 1, null, 'a ü'],
        ['U', 'b', 'e', 'low', 'd', 'low', 3, null, 'b'],
        [null, null, null, null, null, null, null, null, null],
      ]);
    } finally {
      await driver.close();
      await older.drop();
    }
  });

  it('refuse a name that is no login of its own', async () => {
    for (const name of ['millrace_app', 'a"b', 'x; drop table cases', '']) {
      expect(await codeOf(grantRuntimeLogin(owner(), name, 'x'))).toBe('ROLE_NAME_INVALID');
    }
  });
});
