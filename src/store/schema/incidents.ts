/** Incidents and their members. */
import type { Incident, Joining } from '../../core/incident.js';
import type { IncidentMember } from '../../core/incident-work.js';
import { boolean, foreignKey, index, pgTable, primaryKey, sql, text, uniqueIndex, uuid } from '../drizzle.js';
import { cases } from './cases.js';
import { tenants } from './tenants.js';
import { apart, json, time } from './types.js';

/** Cases that belong together. Written by: correlator; `look` by the shell. Read by: correlator, API. */
export const incidents = pgTable(
  'incidents',
  {
    tenantId: text('tenant_id').notNull(),
    incidentId: uuid('incident_id').notNull(),
    key: text('key').notNull(),
    taking: boolean('taking').notNull(),
    look: boolean('look').notNull().default(false),
    dueAt: time('due_at'),
    record: json<Incident>()('record').notNull(),
    createdAt: time('created_at').notNull().default(sql`now()`),
  },
  (t) => [
    primaryKey({ name: 'incidents_pkey', columns: [t.tenantId, t.incidentId] }),
    uniqueIndex('incidents_taking').on(apart(t.tenantId), t.key).where(sql`${t.taking}`),
    index('incidents_look').on(t.tenantId, t.incidentId).where(sql`${t.look}`),
    index('incidents_due').on(t.dueAt),
    foreignKey({ name: 'incidents_tenant_id_fkey', columns: [t.tenantId], foreignColumns: [tenants.tenantId] }),
  ],
);

/** Which incident a case is a member of. Written by: intake's shell, every shell (`look`), correlator. Read by: correlator, API. */
export const incidentMembers = pgTable(
  'incident_members',
  {
    tenantId: text('tenant_id').notNull(),
    caseId: uuid('case_id').notNull(),
    incidentId: uuid('incident_id'),
    state: text('state').$type<IncidentMember['state']>().notNull().default('new'),
    look: boolean('look').notNull().default(true),
    joining: json<Joining>()('joining'),
    joinedAt: time('joined_at').notNull().default(sql`now()`),
  },
  (t) => [
    primaryKey({ name: 'incident_members_pkey', columns: [t.tenantId, t.caseId] }),
    index('incident_members_look').on(t.joinedAt).where(sql`${t.look}`),
    index('incident_members_incident').on(apart(t.tenantId), t.incidentId, t.joinedAt),
    foreignKey({
      name: 'incident_members_tenant_id_case_id_fkey',
      columns: [t.tenantId, t.caseId],
      foreignColumns: [cases.tenantId, cases.caseId],
    }),
  ],
);
