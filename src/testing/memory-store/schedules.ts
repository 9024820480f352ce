/** Schedules, as `sql/schedules.ts` keeps them. The pack that is active is not known here: every version counts. */
import type { ScheduleDraft, ScheduleMove, ScheduleRow, ScheduleTx } from '../../core/schedule.js';
import { type Context, checkTenant, lockRow, tryRow } from './statements.js';

const keyOf = (tenantId: string, name: string): string => `${tenantId}\n${name}`;

async function syncSchedules(context: Context, tenantId: string, list: readonly ScheduleDraft[]): Promise<void> {
  const { transaction, database } = context;
  checkTenant(context, tenantId);
  for (const one of list) {
    const key = keyOf(tenantId, one.name);
    await lockRow(context, database.tables.schedules, key);
    if (transaction.get(database.tables.schedules, key)?.spec === one.spec) continue;
    transaction.set(database.tables.schedules, key, { tenantId, ...one });
  }
}

const isDue = (context: Context, row: { readonly nextAt: number | null } | undefined): row is ScheduleRow =>
  row !== undefined && row.nextAt !== null && row.nextAt <= context.database.clock();

const dueSchedules = (context: Context, limit: number): ScheduleRow[] =>
  context.transaction
    .rows(context.database.tables.schedules)
    .filter((row): row is ScheduleRow => context.transaction.sees(row.tenantId) && isDue(context, row))
    .sort((a, b) => a.nextAt - b.nextAt)
    .slice(0, limit);

function untilNext({ transaction, database }: Context): number | null {
  const times = transaction
    .rows(database.tables.schedules)
    .flatMap(({ tenantId, nextAt }) => (nextAt === null || !transaction.sees(tenantId) ? [] : [nextAt]));
  return times.length === 0 ? null : Math.min(...times) - database.clock();
}

function lockSchedule(context: Context, { tenantId, name }: ScheduleRow): ScheduleRow | null {
  const { schedules } = context.database.tables;
  const key = keyOf(tenantId, name);
  if (!context.transaction.sees(tenantId) || !tryRow(context, schedules, key)) return null;
  const row = context.transaction.get(schedules, key);
  return isDue(context, row) ? row : null;
}

function moveSchedule(context: Context, { tenantId, name, nextAt }: ScheduleMove): void {
  const { schedules } = context.database.tables;
  const row = context.transaction.get(schedules, keyOf(tenantId, name));
  if (row !== undefined) context.transaction.set(schedules, keyOf(tenantId, name), { ...row, nextAt });
}

function dropSchedule(context: Context, { tenantId, name }: ScheduleRow): void {
  context.transaction.set(context.database.tables.schedules, keyOf(tenantId, name), undefined);
}

type Run = <T>(what: string, statement: (context: Context) => T | Promise<T>) => Promise<T>;

export const schedulesOn = (run: Run): ScheduleTx => ({
  sync: (tenantId, _version, list) => run('sync', (context) => syncSchedules(context, tenantId, list)),
  due: (limit) => run('due', (context) => dueSchedules(context, limit)),
  untilNext: () => run('untilNext', untilNext),
  lock: (row) => run('lock', (context) => lockSchedule(context, row)),
  move: (move) => run('move', (context) => moveSchedule(context, move)),
  drop: (row) => run('drop', (context) => dropSchedule(context, row)),
});
