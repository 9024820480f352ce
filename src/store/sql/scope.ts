/** The one place that sets whose rows a transaction sees, and how its statements are planned. */
import { isTenantId } from '../../core/ids.js';
import { sql } from '../drizzle.js';
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

// A plan made while a table was small reads all of it; it would be kept while the table grows. One that reads an index as a
// bitmap does not tell it what is dead, and reads that again until the next vacuum. A generic plan is what a
// statement comes to after five others; planning the largest one takes longer than to run it, on every new connection.
// Parallel workers for a question that can wait would take all cores.
const HOT = {
  enable_seqscan: 'off',
  enable_bitmapscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  enable_material: 'off',
  enable_memoize: 'off',
  max_parallel_workers_per_gather: '0',
  plan_cache_mode: 'force_generic_plan',
};

/** What a new connection is told once, since nearly all of its transactions are hot; the others take it back for themselves. */
export const SESSION = [
  'set session characteristics as transaction isolation level read committed, read write',
  ...Object.entries(HOT).map(([name, value]) => `set ${name} = ${value}`),
].join('; ');

const USUAL = Object.keys(HOT)
  .map((name) => `; set local ${name} to default`)
  .join('');

/** BEGIN with what holds for this transaction, sent as one text: a statement of its own would cost more than all that it does. */
export function beginning(scope: Scope, hot: boolean, takeRole: boolean): string {
  const begin = hot ? 'begin' : `begin${USUAL}`;
  if (scope.kind === 'owner') return begin;
  const role = takeRole ? `; set local role ${RUNTIME_ROLE}` : '';
  const whose = scope.kind === 'tenants' ? `; set local app.tenants = '${scope.list}'` : ''; // names are checked above
  return `${begin}${role}${whose}`;
}

const all = statement<unknown>(sql`select set_config('app.tenants', concat_ws(',', ${sql.raw(`'${SYSTEM_TENANT}'`)},
  (select string_agg(${tenants.tenantId}, ',') from ${tenants})), true)`);

/** Sends what only the database can tell of the scope; the statements after it need not wait. */
export async function applyScope(session: Session, scope: Scope): Promise<void> {
  if (scope.kind === 'all') await session.run(all, {});
}
