/** What a process finds out about the database before it takes work. */
import { ProblemError } from '../core/errors.js';
import { sql } from './drizzle.js';
import { type Driver, statement } from './sql/driver.js';
import { ms } from './sql/rows.js';

const OWNER = { kind: 'owner' } as const;

const role = statement<{ current: string; login: string; bypasses: boolean; owns: boolean }>(sql`
  select current_user::text as current, session_user::text as login,
    (select bool_or(r.rolsuper or r.rolbypassrls) from pg_roles r where r.rolname in (current_user, session_user)) as bypasses,
    exists (select from pg_class c where c.oid = to_regclass('cases')
      and (pg_has_role(current_user, c.relowner, 'member') or pg_has_role(session_user, c.relowner, 'member'))) as owns`);

/**
 * Refuses a role that row-level security does not bind: superuser, BYPASSRLS, or the tables' owner. PGlite has no other
 * user than its superuser; there each transaction takes the runtime role. Throws ProblemError ROLE_BYPASSES_RLS.
 */
export async function checkRuntimeRole(driver: Driver): Promise<void> {
  if (driver.kind === 'pglite') return;
  const [found] = await driver.transaction(OWNER, (session) => session.run(role, {}));
  if (found === undefined || !(found.bypasses || found.owns)) return;
  const name = found.current === found.login ? found.current : `${found.current} (logged in as ${found.login})`;
  const why = found.bypasses ? 'is a superuser or has BYPASSRLS' : 'owns the tables';
  throw new ProblemError({
    code: 'ROLE_BYPASSES_RLS',
    message: `The database role ${name} ${why}: it bypasses the isolation of tenants.`,
    path: 'DATABASE_URL',
    hint: 'Connect with a login role that is a member of millrace_app and owns nothing; `millrace migrate` can create one.',
  });
}

const clock = statement<{ now: number }>(sql`select ${ms('clock_timestamp()')} as now`);

/**
 * How far at least the database's clock is ahead of this process's, in ms (negative: behind). The answer was under way
 * for a while, nobody knows in which direction for how long: only what that cannot explain is a difference.
 */
export async function clockDifference(driver: Driver): Promise<number> {
  const before = Date.now();
  const [row] = await driver.transaction(OWNER, (session) => session.run(clock, {}));
  const after = Date.now();
  const { now } = row as { now: number };
  return now < before ? now - before : Math.max(0, now - after);
}

const version = statement<{ version: string }>(sql`select current_setting('server_version') as version`);

/** The server's version as it names itself: `15.18`. */
export async function serverVersion(driver: Driver): Promise<string> {
  const [row] = await driver.transaction(OWNER, (session) => session.run(version, {}));
  return (row as { version: string }).version;
}
