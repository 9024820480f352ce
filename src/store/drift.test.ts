/** The SQL in `migrations/` and the Drizzle schema must make the same tables; and no tenant's table may be open. */
import { PGlite } from '@electric-sql/pglite';
import { generateDrizzleJson, generateMigration } from 'drizzle-kit/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readMigrations } from './migrate.js';
import * as schema from './schema.js';

const COLUMNS = `select c.relname as table, a.attname as column, format_type(a.atttypid, a.atttypmod) as type,
    a.attnotnull as required, pg_get_expr(d.adbin, d.adrelid) as default
  from pg_attribute a join pg_class c on c.oid = a.attrelid
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
  order by 1, 2`;
const CONSTRAINTS = `select conrelid::regclass::text as table, conname as name, pg_get_constraintdef(oid) as definition
  from pg_constraint where connamespace = 'public'::regnamespace and contype <> 'n' order by 1, 2`;
const INDEXES = `select tablename as table, indexname as name, indexdef as definition from pg_indexes
  where schemaname = 'public' order by 1, 2`;

async function catalogue(db: PGlite) {
  const [columns, constraints, indexes] = await Promise.all(
    [COLUMNS, CONSTRAINTS, INDEXES].map((text) => db.query(text)),
  );
  return { columns: columns?.rows, constraints: constraints?.rows, indexes: indexes?.rows };
}

describe('the tables', () => {
  let migrated: PGlite;
  let drawn: PGlite;
  beforeAll(async () => {
    [migrated, drawn] = await Promise.all([PGlite.create(), PGlite.create()]);
    for (const { text } of await readMigrations()) await migrated.exec(text);
    const statements = await generateMigration(generateDrizzleJson({}), generateDrizzleJson({ ...schema }));
    for (const text of statements) await drawn.exec(text);
  });
  afterAll(async () => {
    await Promise.all([migrated.close(), drawn.close()]);
  });

  it('of the migrations are those of the Drizzle schema', async () => {
    const [sql, drizzle] = await Promise.all([catalogue(migrated), catalogue(drawn)]);
    expect(sql.columns?.length).toBeGreaterThan(100);
    expect(drizzle.columns).toEqual(sql.columns);
    expect(drizzle.constraints).toEqual(sql.constraints);
    expect(drizzle.indexes).toEqual(sql.indexes);
  });

  it('that hold a tenant’s rows have row-level security enabled and forced, and a policy on all commands', async () => {
    const { rows } = await migrated.query<{ name: string; guarded: boolean }>(`
      select c.relname as name, c.relrowsecurity and c.relforcerowsecurity and exists (
        select from pg_policy p where p.polrelid = c.oid and p.polcmd = '*' and p.polroles = '{0}'
          and pg_get_expr(p.polqual, p.polrelid) like '%app.tenants%') as guarded
      from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
      where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace order by 1`);
    expect(rows.length).toBe(18);
    expect(rows.filter((table) => !table.guarded)).toEqual([]);
  });

  it('start each key with the tenant, where they have one', async () => {
    const { rows } = await migrated.query(`
      select i.indexrelid::regclass::text as index
      from pg_index i join pg_attribute t on t.attrelid = i.indrelid and t.attname = 'tenant_id'
      where i.indisunique and i.indkey[0] <> t.attnum and i.indrelid::regclass::text not like 'pg_%'`);
    expect(rows).toEqual([]);
  });

  it('that grow with each exception are analysed by samples of 3,000 rows, and no document by any', async () => {
    const { rows } = await migrated.query(`
      select attrelid::regclass::text as table, attname as column from pg_attribute
      where attrelid in ('cases'::regclass, 'executions'::regclass, 'journal'::regclass)
        and attnum > 0 and not attisdropped
        and attstattarget is distinct from case when atttypid in ('json'::regtype, 'jsonb'::regtype) then 0 else 10 end`);
    expect(rows).toEqual([]); // a new column of theirs says so in its migration
  });
});
