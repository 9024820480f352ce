/** Cases, the journal of their events, what is not published yet, and what was consumed. */
import type { CaseState, CaseStatus } from '../../core/case.js';
import type { Emitter, EventType } from '../../core/events.js';
import type { Priority, Severity } from '../../core/records.js';
import type { StageName } from '../../core/stages.js';
import {
  bigint,
  boolean,
  foreignKey,
  index,
  integer,
  pgTable,
  primaryKey,
  smallint,
  sql,
  text,
  uniqueIndex,
  uuid,
} from '../drizzle.js';
import type { Awaited, Held, Marks } from '../port.js';
import { tenants } from './tenants.js';
import { apart, document, json, time } from './types.js';

/** One row a case. Written by: API (creation) and the six stages through the shell, each its own section. Read by: all. */
export const cases = pgTable(
  'cases',
  {
    tenantId: text('tenant_id').notNull(),
    caseId: uuid('case_id').notNull(),
    kind: text('kind').$type<CaseState['kind']>().notNull().default('exception'),
    status: text('status').$type<CaseStatus>().notNull().default('OPEN'),
    paused: boolean('paused').notNull().default(false),
    blocked: boolean('blocked').notNull().default(false),
    version: integer('version').notNull().default(1),
    seq: integer('seq').notNull().default(0),
    seen: document<Marks>()('seen').notNull().default({}),
    sent: document<Marks>()('sent').notNull().default({}),
    awaited: document<Awaited>()('awaited'),
    held: json<Held>()('held'),
    openKey: text('open_key'),
    source: text('source').notNull(),
    count: integer('count').notNull().default(0),
    type: text('type'), // this, and what follows, for lists: of the exception, then of its triage
    title: text('title'),
    entity: text('entity'),
    reportedSeverity: text('reported_severity').$type<Severity>(),
    category: text('category'),
    severity: text('severity').$type<Severity>(),
    priority: smallint('priority').$type<Priority>(),
    exception: document<CaseState['exception']>()('exception'),
    triage: document<CaseState['triage']>()('triage'),
    policy: document<CaseState['policy']>()('policy'),
    run: document<CaseState['run']>()('run'),
    feedback: document<CaseState['feedback']>()('feedback'),
    createdAt: time('created_at').notNull().default(sql`now()`),
    lastSeenAt: time('last_seen_at').notNull().default(sql`now()`),
    updatedAt: time('updated_at').notNull().default(sql`now()`),
    closedAt: time('closed_at'),
  },
  (t) => [
    primaryKey({ name: 'cases_pkey', columns: [t.tenantId, t.caseId] }),
    uniqueIndex('cases_open').on(apart(t.tenantId), t.openKey).where(sql`${t.openKey} is not null`),
    index('cases_created').on(apart(t.tenantId, 'POSIX'), t.createdAt.desc().nullsFirst()),
    index('cases_unclosed').on(t.tenantId, t.createdAt).where(sql`${t.closedAt} is null`),
    foreignKey({ name: 'cases_tenant_id_fkey', columns: [t.tenantId], foreignColumns: [tenants.tenantId] }),
  ],
);

/** All events, append-only. Written by: API, shell, timers, executors. Read by: publishing, API, replay. */
export const journal = pgTable(
  'journal',
  {
    tenantId: text('tenant_id').notNull(),
    caseId: uuid('case_id').notNull(),
    seq: integer('seq').notNull(),
    eventId: uuid('event_id').notNull(),
    type: text('type').$type<EventType>().notNull(),
    emitter: text('emitter').$type<Emitter>().notNull(),
    stage: text('stage').$type<StageName>(),
    after: integer('after').notNull(),
    causeId: uuid('cause_id'),
    traceparent: text('traceparent'),
    time: time('time').notNull(),
    data: document()('data').notNull(),
  },
  (t) => [
    primaryKey({ name: 'journal_pkey', columns: [t.tenantId, t.caseId, t.seq] }),
    index('journal_time').using('brin', t.time),
  ],
);

/** Journal rows that are not published yet, a row for all of a transaction. Written by: whoever appends. Read by: the sweeper. Deleted by: who published them. */
export const outbox = pgTable(
  'outbox',
  {
    tenantId: text('tenant_id').notNull(),
    batchId: uuid('batch_id').notNull(),
    createdAt: time('created_at').notNull(), // no event of it is older, but for those that are sent again
    takenAt: time('taken_at').notNull().default(sql`now()`), // when somebody last set about publishing it
    caseIds: uuid('case_ids').array().notNull(),
    seqs: integer('seqs').array().notNull(), // of the event of the case at the same place
  },
  (t) => [
    primaryKey({ name: 'outbox_pkey', columns: [t.tenantId, t.batchId] }),
    index('outbox_age').on(t.takenAt),
    index('outbox_since').on(t.tenantId, t.createdAt),
  ],
);

/** The truth about what was consumed. Written and read by: the shell of each worker. */
export const positions = pgTable(
  'positions',
  {
    group: text('consumer_group').notNull(),
    topic: text('topic').notNull(),
    epoch: integer('epoch').notNull(),
    partition: integer('partition').notNull(),
    next: bigint('next_offset', { mode: 'number' }).notNull(),
    updatedAt: time('updated_at').notNull().default(sql`now()`),
  },
  (t) => [primaryKey({ name: 'positions_pkey', columns: [t.group, t.topic, t.epoch, t.partition] })],
);

/** Workers and when they were last seen. Written by: every process. Read by: API (pipeline), CLI (check). */
export const workers = pgTable('workers', {
  workerId: text('worker_id').primaryKey(),
  stage: text('stage').$type<StageName | 'api'>().notNull(),
  group: text('consumer_group').notNull(),
  host: text('host').notNull(),
  pid: integer('pid').notNull(),
  startedAt: time('started_at').notNull(),
  lastSeenAt: time('last_seen_at').notNull().default(sql`now()`),
  stoppedAt: time('stopped_at'),
});
