/** What there is to do beside the stages, as `sql/due.ts` asks for it. */
import { gathersUntil } from '../../core/incident.js';
import type { DueWork } from '../../core/processes.js';
import type { Table } from './database.js';
import type { Context } from './statements.js';

export function dueWork({ database: { tables, clock }, transaction }: Context, withOutbox: boolean): DueWork {
  const now = clock();
  const some = <Row extends { readonly tenantId: string }>(table: Table<Row>, is: (row: Row) => boolean): boolean =>
    transaction.rows(table).some((row) => transaction.sees(row.tenantId) && is(row));
  const ages = transaction
    .rows(tables.outbox)
    .map(({ tenantId, takenAt }) => (transaction.sees(tenantId) ? now - takenAt : 0));
  return {
    outboxMs: withOutbox ? Math.max(0, ...ages) : null,
    letters: some(tables.letters, ({ published }) => !published),
    timers: some(tables.timers, ({ dueAt }) => dueAt <= now),
    incidents:
      some(tables.incidentMembers, ({ look }) => look) ||
      some(tables.incidents, (one) => one.look || (gathersUntil(one) ?? Number.POSITIVE_INFINITY) <= now),
  };
}
