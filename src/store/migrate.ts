/**
 * Migrations: numbered SQL files, each run once, in order, in a transaction of its own. A file that was run may not
 * change, and code must not run on a database that newer code has changed.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ProblemError } from '../core/errors.js';
import { sql } from './drizzle.js';
import { type Driver, type Session, statement } from './sql/driver.js';
import { RUNTIME_ROLE } from './sql/scope.js';

export interface Migration {
  readonly version: number;
  readonly name: string; // `0001_init`
  readonly text: string;
  readonly checksum: string;
}

const FILE = /^(\d{4})_[a-z0-9_]+\.sql$/;

/** The folder `migrations/` of this package, whether it runs from `dist/` or from `src/`. */
export function migrationsFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'migrations', '0001_init.sql'))) {
    if (dirname(folder) === folder) throw new Error('The folder migrations/ is missing from the installation.');
    folder = dirname(folder);
  }
  return join(folder, 'migrations');
}

/** The migrations of `folder` in order. Throws ProblemError MIGRATIONS_INVALID for gaps and repeated numbers. */
export async function readMigrations(folder: string = migrationsFolder()): Promise<readonly Migration[]> {
  const files = (await readdir(folder)).filter((file) => FILE.test(file)).sort();
  const migrations = await Promise.all(
    files.map(async (file): Promise<Migration> => {
      const text = await readFile(join(folder, file), 'utf8');
      const checksum = createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest('hex');
      return { version: Number(file.slice(0, 4)), name: file.slice(0, -'.sql'.length), text, checksum };
    }),
  );
  const wrong = migrations.find((one, i) => one.version !== i + 1);
  if (wrong) {
    throw new ProblemError({
      code: 'MIGRATIONS_INVALID',
      message: `${wrong.name}.sql breaks the numbering.`,
      hint: 'Number the files 0001, 0002 … without gaps or repeats.',
    });
  }
  return migrations;
}

// Numbers that nothing else in the database uses for advisory locks.
const serialise = statement<never>(sql`select pg_advisory_xact_lock(7305401)`);
const exists = statement<{ there: boolean }>(sql`select to_regclass('schema_migrations') is not null as there`);
const list = statement<{ version: number; checksum: string }>(
  sql`select version, checksum from schema_migrations order by version`,
);
const record = statement<never>(sql`insert into schema_migrations (version, name, checksum)
  values (${sql.placeholder('version')}, ${sql.placeholder('name')}, ${sql.placeholder('checksum')})`);

const TABLE = `create table if not exists schema_migrations (version integer primary key, name text not null,
  checksum text not null, applied_at timestamptz not null default now())`;
const GRANT = `grant select on schema_migrations to ${RUNTIME_ROLE}`;

async function applied(session: Session): Promise<ReadonlyMap<number, string>> {
  const [table] = await session.run(exists, {});
  if (!table?.there) return new Map();
  return new Map((await session.run(list, {})).map((row) => [row.version, row.checksum]));
}

function check(migrations: readonly Migration[], done: ReadonlyMap<number, string>): void {
  const newest = Math.max(0, ...done.keys());
  if (newest > migrations.length) {
    throw new ProblemError({
      code: 'SCHEMA_NEWER',
      message: `schema ${newest}, code knows ${migrations.length}: the database was changed by newer code.`,
      hint: 'Deploy the newer version, or restore the database from before the change.',
    });
  }
  const changed = migrations.find((one) => done.has(one.version) && done.get(one.version) !== one.checksum);
  if (changed) {
    throw new ProblemError({
      code: 'MIGRATION_CHANGED',
      message: `${changed.name}.sql is not the file that was run on this database.`,
      hint: 'Restore the file as it was and put the change into a new migration.',
    });
  }
}

/**
 * Brings the database up to date; answers with the names of what it ran. Several processes may call it at once.
 * Throws ProblemError SCHEMA_NEWER or MIGRATION_CHANGED.
 */
export async function migrate(driver: Driver, migrations?: readonly Migration[]): Promise<readonly string[]> {
  const wanted = migrations ?? (await readMigrations());
  const ran: string[] = [];
  for (const one of wanted) {
    const mine = await driver.transaction({ kind: 'owner' }, async (session) => {
      await session.run(serialise, {});
      const done = await applied(session);
      check(wanted, done);
      if (done.has(one.version)) return false;
      await session.script(TABLE);
      await session.script(one.text);
      await session.run(record, { version: one.version, name: one.name, checksum: one.checksum });
      await session.script(GRANT);
      return true;
    });
    if (mine) ran.push(one.name);
  }
  return ran;
}

/** The names of migrations that this database still needs. Throws ProblemError SCHEMA_NEWER or MIGRATION_CHANGED. */
export async function pendingMigrations(driver: Driver, migrations?: readonly Migration[]): Promise<readonly string[]> {
  const wanted = migrations ?? (await readMigrations());
  const done = await driver.transaction({ kind: 'owner' }, applied);
  check(wanted, done);
  return wanted.filter((one) => !done.has(one.version)).map((one) => one.name);
}

/** Throws ProblemError SCHEMA_BEHIND when migrations are pending: "schema 41, code needs 43: run millrace migrate". */
export async function requireSchema(driver: Driver): Promise<void> {
  const wanted = await readMigrations();
  const pending = await pendingMigrations(driver, wanted);
  if (pending.length === 0) return;
  throw new ProblemError({
    code: 'SCHEMA_BEHIND',
    message: `schema ${wanted.length - pending.length}, code needs ${wanted.length}: run \`millrace migrate\`.`,
    hint: 'Run `millrace migrate` with a role that owns the tables, then start again.',
  });
}

const IDENTIFIER = /^[a-z_][a-z0-9_]{0,62}$/;
const login = statement<{ there: boolean }>(
  sql`select exists (select from pg_roles where rolname = ${sql.placeholder('user')}) as there`,
);

/**
 * Creates or updates a login role that may only do what the workers need: it owns nothing and row-level security binds
 * it. Throws ProblemError ROLE_NAME_INVALID.
 */
export async function grantRuntimeLogin(driver: Driver, user: string, password: string): Promise<void> {
  if (!IDENTIFIER.test(user) || user === RUNTIME_ROLE) {
    throw new ProblemError({
      code: 'ROLE_NAME_INVALID',
      message: `"${user}" cannot be the name of the runtime role.`,
      hint: `Use lower-case letters, digits and underscores, and not ${RUNTIME_ROLE} itself.`,
    });
  }
  const secret = `'${password.replaceAll("'", "''")}'`;
  const literal = password.includes('\\') ? ` E${secret.replaceAll('\\', '\\\\')}` : secret;
  await driver.transaction({ kind: 'owner' }, async (session) => {
    await session.run(serialise, {});
    const [role] = await session.run(login, { user });
    const verb = role?.there ? 'alter' : 'create';
    await session.script(`${verb} role ${user} login nosuperuser nobypassrls password ${literal}`);
    await session.script(`grant ${RUNTIME_ROLE} to ${user}`);
  });
}
