/**
 * What a server does beside its clients, and PGlite leaves out: vacuum, statistics, checkpoints. Without them the busy
 * tables and the write-ahead log only grow, and the start after a crash takes ever longer.
 */
import type { PGlite } from '@electric-sql/pglite';

const WAL_BYTES = 64 * 1024 * 1024; // replayed in about a second after a crash
const FREEZE_AGE = 200_000_000; // transactions; a table that is only added to must be vacuumed before two billion

// A server reports its counts while it waits for the next statement; PGlite does not wait.
const REPORT = 'select pg_stat_force_next_flush()';
const DUE = `
  with t as (select oid::regclass::text as name, greatest(reltuples, 0) as rows, pg_stat_get_dead_tuples(oid) as dead,
      pg_stat_get_mod_since_analyze(oid) as changed, age(relfrozenxid) as age
    from pg_class where relkind = 'r' and relpersistence = 'p')
  select 'vacuum ' || name as command from t where dead > 1000 + 0.2 * rows or age > ${FREEZE_AGE}
  union all select 'analyze ' || name from t where changed > 1000 + 0.1 * rows
  union all select 'checkpoint' from pg_control_checkpoint()
    where pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn) > ${WAL_BYTES}`;

/** The commands that are due now, each to be run outside a transaction. */
export async function upkeepDue(db: PGlite): Promise<string[]> {
  await db.exec(REPORT);
  const { rows } = await db.query<{ command: string }>(DUE);
  return rows.map(({ command }) => command);
}
