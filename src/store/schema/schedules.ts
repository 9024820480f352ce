/** When the schedules of the active packs are due. */
import type { ScheduleMove } from '../../core/schedule.js';
import { foreignKey, index, integer, pgTable, primaryKey, text, uuid } from '../drizzle.js';
import { tenants } from './tenants.js';
import { time } from './types.js';

/** Written and read by: intake workers. */
export const schedules = pgTable(
  'schedules',
  {
    tenantId: text('tenant_id').notNull(),
    name: text('name').notNull(),
    spec: text('spec').notNull(),
    nextAt: time('next_at'),
    lastAt: time('last_at'),
    outcome: text('outcome').$type<ScheduleMove['outcome']>(),
    caseId: uuid('case_id'),
    fired: integer('fired').notNull().default(0),
    skipped: integer('skipped').notNull().default(0),
    missed: integer('missed').notNull().default(0),
  },
  (t) => [
    primaryKey({ name: 'schedules_pkey', columns: [t.tenantId, t.name] }),
    foreignKey({ name: 'schedules_tenant_id_fkey', columns: [t.tenantId], foreignColumns: [tenants.tenantId] }),
    index('schedules_due').on(t.nextAt),
  ],
);
