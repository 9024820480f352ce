/** The one place that sets whose rows a transaction sees, and how its statements are planned. */
import { sql } from 'drizzle-orm';
import { isTenantId } from '../../core/ids.js';
import { SYSTEM_TENANT, type TenantScope } from '../port.js';
import { tenants } from '../schema.js';
import { type Scope, type Session, statement } from './driver.js';

/** The role that owns nothing; PGlite's only user is a superuser, which row-level security does not bind. */
export const RUNTIME_ROLE = 'millrace_app';

/** Checks the names, because they go into a comma list. Throws TypeError for what cannot be a tenant. */
export function scopeOf(scope: TenantScope): Scope {
  if (scope === 'all') return { kind: 'all' };
  for (const tenant of scope) {
    if (tenant !== SYSTEM_TENANT && !isTenantId(tenant))
      throw new TypeError('The scope of a transaction names something that is no tenant id.');
  }
  return { kind: 'tenants', list: scope.join(',') };
}

// A plan made while a table was small reads all of it; it would be kept while the table grows. A generic plan is what a
// statement comes to after five others; planning the largest one takes longer than to run it, on every new connection.
const planning = sql`set_config('enable_seqscan', ${sql.placeholder('scan')}, true),
  set_config('enable_hashjoin', ${sql.placeholder('hash')}, true),
  set_config('enable_mergejoin', ${sql.placeholder('merge')}, true),
  set_config('enable_material', ${sql.placeholder('material')}, true),
  set_config('enable_memoize', ${sql.placeholder('memoize')}, true),
  set_config('plan_cache_mode', ${sql.placeholder('cache')}, true)`;
const role = sql`set_config('role', ${sql.placeholder('role')}, true)`;
const some = sql`set_config('app.tenants', ${sql.placeholder('list')}, true)`;
const all = sql`set_config('app.tenants', concat_ws(',', ${sql.raw(`'${SYSTEM_TENANT}'`)},
  (select string_agg(${tenants.tenantId}, ',') from ${tenants})), true)`;

const build = (list: typeof all, withRole: boolean) =>
  statement<unknown>(withRole ? sql`select ${role}, ${list}, ${planning}` : sql`select ${list}, ${planning}`);
const STATEMENTS = {
  tenants: { plain: build(some, false), role: build(some, true) },
  all: { plain: build(all, false), role: build(all, true) },
};

/** Sends the settings; the statements after it need not wait. */
export function applyScope(session: Session, scope: Scope, hot: boolean, takeRole: boolean): Promise<unknown> {
  if (scope.kind === 'owner') return Promise.resolve();
  const plan = hot ? 'off' : 'on';
  const list = scope.kind === 'tenants' ? scope.list : '';
  return session.run(STATEMENTS[scope.kind][takeRole ? 'role' : 'plain'], {
    list,
    role: RUNTIME_ROLE,
    scan: plan,
    hash: plan,
    merge: plan,
    material: plan,
    memoize: plan,
    cache: hot ? 'force_generic_plan' : 'auto',
  });
}
