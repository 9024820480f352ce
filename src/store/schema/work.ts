/** Work beside the cases: tool calls, waits, timers, dead letters, figures and remembered answers. */
import type { WaitDecision } from '../../core/approval.js';
import type { History } from '../../core/history.js';
import type { DeadLetterStatus, LetterInput, LetterStep } from '../../core/letters.js';
import { type ApprovalTerms, DEFAULT_PRIORITY } from '../../core/records.js';
import type { StageName } from '../../core/stages.js';
import type { CallEffect, RetryProfile, TimerDraft, WaitDraft } from '../../core/work.js';
import {
  bigint,
  boolean,
  doublePrecision,
  foreignKey,
  index,
  integer,
  pgTable,
  primaryKey,
  smallint,
  sql,
  text,
  uuid,
} from '../drizzle.js';
import type { ExecutionStatus, WaitStatus } from '../port.js';
import { cases } from './cases.js';
import { tenants } from './tenants.js';
import { apart, document, json, time } from './types.js';

/** Tool calls. Written by: the tool worker's shell and executors. Read by: executors, API. */
export const executions = pgTable(
  'executions',
  {
    tenantId: text('tenant_id').notNull(),
    executionId: uuid('execution_id').notNull(),
    caseId: uuid('case_id').notNull(),
    runId: uuid('run_id').notNull(),
    step: text('step').notNull(),
    tool: text('tool').notNull(),
    block: text('block').notNull(),
    connection: text('connection'),
    input: document()('input').notNull(),
    effect: text('effect').$type<CallEffect>().notNull(),
    timeoutMs: integer('timeout_ms').notNull(),
    retry: document<RetryProfile>()('retry').notNull(),
    packVersion: integer('pack_version').notNull(),
    traceparent: text('traceparent'),
    causeId: uuid('cause_id').notNull(),
    status: text('status').$type<ExecutionStatus>().notNull().default('pending'),
    attempt: integer('attempt').notNull().default(0),
    tries: integer('tries').notNull().default(0),
    leaseOwner: text('lease_owner'),
    leaseUntil: time('lease_until'),
    nextAt: time('next_at').notNull().default(sql`now()`),
    result: document()('result'),
    error: document()('error'),
    latencyMs: doublePrecision('latency_ms'),
    createdAt: time('created_at').notNull().default(sql`now()`),
    finishedAt: time('finished_at'),
    priority: smallint('priority').notNull().default(DEFAULT_PRIORITY),
  },
  (t) => [
    primaryKey({ name: 'executions_pkey', columns: [t.tenantId, t.executionId] }),
    index('executions_fresh').on(t.nextAt).where(sql`${t.status} = 'pending' and ${t.attempt} = 0`),
    index('executions_again').on(t.nextAt).where(sql`${t.status} = 'pending' and ${t.attempt} > 0`),
    index('executions_leased').on(t.leaseUntil).where(sql`${t.leaseUntil} is not null`),
    index('executions_case').on(apart(t.tenantId), t.caseId),
  ],
);

/** Suspended runs' reasons. Written by: playbook's shell, API (decisions). Read by: API, console. */
export const waits = pgTable(
  'waits',
  {
    tenantId: text('tenant_id').notNull(),
    waitId: uuid('wait_id').notNull(),
    caseId: uuid('case_id').notNull(),
    runId: uuid('run_id').notNull(),
    step: text('step').notNull(),
    kind: text('kind').$type<WaitDraft['kind']>().notNull(),
    title: text('title').notNull(),
    terms: json<ApprovalTerms>()('terms').notNull(),
    packVersion: integer('pack_version').notNull(),
    status: text('status').$type<WaitStatus>().notNull().default('open'),
    decisions: json<readonly WaitDecision[]>()('decisions').notNull().default([]),
    createdAt: time('created_at').notNull().default(sql`now()`),
    expiresAt: time('expires_at').notNull(),
    closedAt: time('closed_at'),
  },
  (t) => [
    primaryKey({ name: 'waits_pkey', columns: [t.tenantId, t.waitId] }),
    index('waits_case').on(apart(t.tenantId), t.caseId),
    foreignKey({
      name: 'waits_tenant_id_case_id_fkey',
      columns: [t.tenantId, t.caseId],
      foreignColumns: [cases.tenantId, cases.caseId],
    }),
  ],
);

/** Due work. Written by: the shell. Read and deleted by: the timer loop of every process. */
export const timers = pgTable(
  'timers',
  {
    tenantId: text('tenant_id').notNull(),
    timerId: uuid('timer_id').notNull(),
    caseId: uuid('case_id').notNull(),
    kind: text('kind').$type<TimerDraft['kind']>().notNull(),
    dueAt: time('due_at').notNull(),
    data: json<TimerDraft['data']>()('data').notNull(),
  },
  (t) => [
    primaryKey({ name: 'timers_pkey', columns: [t.tenantId, t.timerId] }),
    index('timers_due').on(t.dueAt),
    foreignKey({
      name: 'timers_tenant_id_case_id_fkey',
      columns: [t.tenantId, t.caseId],
      foreignColumns: [cases.tenantId, cases.caseId],
    }),
  ],
);

/** Inputs that could not be handled. Written by: the shell, API (edit, replay, discard). Read by: API, CLI, replay. */
export const deadLetters = pgTable(
  'dead_letters',
  {
    tenantId: text('tenant_id').notNull(),
    deadLetterId: uuid('dead_letter_id').notNull(),
    caseId: uuid('case_id'),
    seq: integer('seq'),
    stage: text('stage').$type<StageName>().notNull(),
    topic: text('topic').notNull(),
    partition: integer('partition').notNull(),
    offset: bigint('record_offset', { mode: 'number' }).notNull(),
    code: text('code').notNull(),
    message: text('message').notNull(),
    path: text('path'),
    eventType: text('event_type'),
    key: text('key'),
    value: text('value').notNull(),
    headers: json<Readonly<Record<string, string>>>()('headers').notNull(),
    status: text('status').$type<DeadLetterStatus>().notNull().default('open'),
    attempts: integer('attempts').notNull().default(1),
    firstAt: time('first_at').notNull().default(sql`now()`),
    lastAt: time('last_at').notNull().default(sql`now()`),
    publishedAt: time('published_at'),
    edited: json<LetterInput>()('edited'),
    parks: boolean('parks').notNull().default(false),
    settledBy: text('settled_by'),
    settledAt: time('settled_at'),
    reason: text('reason'),
    history: json<readonly LetterStep[]>()('history').notNull().default([]),
  },
  (t) => [
    primaryKey({ name: 'dead_letters_pkey', columns: [t.tenantId, t.deadLetterId] }),
    index('dead_letters_unpublished').on(t.firstAt).where(sql`${t.publishedAt} is null`),
    index('dead_letters_first').on(t.tenantId, t.firstAt.desc().nullsFirst(), t.deadLetterId),
    index('dead_letters_case').on(t.tenantId, t.caseId).where(sql`${t.caseId} is not null`),
    index('dead_letters_open').on(t.tenantId, t.firstAt, t.deadLetterId).where(sql`${t.status} in ('open', 'parked')`),
  ],
);

/** How well what was used did. Written by: feedback's shell. Read by: API. */
export const figures = pgTable(
  'figures',
  {
    tenantId: text('tenant_id').notNull(),
    kind: text('kind').notNull(),
    name: text('name').notNull(),
    outcome: text('outcome').notNull(),
    cases: bigint('cases', { mode: 'number' }).notNull(),
    totalMs: doublePrecision('total_ms').notNull(),
  },
  (t) => [
    primaryKey({ name: 'figures_pkey', columns: [t.tenantId, t.kind, t.name, t.outcome] }),
    foreignKey({ name: 'figures_tenant_id_fkey', columns: [t.tenantId], foreignColumns: [tenants.tenantId] }),
  ],
);

/** How often each fingerprint was reported. Written and read by: ingestion. Deleted by: housekeeping. */
export const fingerprints = pgTable(
  'fingerprints',
  {
    tenantId: text('tenant_id').notNull(),
    fingerprint: text('fingerprint').notNull(),
    count: bigint('count', { mode: 'number' }).notNull(),
    firstAt: time('first_at').notNull(),
    lastAt: time('last_at').notNull(),
    buckets: json<History['buckets']>()('buckets').notNull(),
  },
  (t) => [primaryKey({ name: 'fingerprints_pkey', columns: [t.tenantId, t.fingerprint] })],
);

/** How often what a policy allows was used. Written by: policy's shell, under the row's lock. Deleted by: housekeeping. */
export const budgets = pgTable(
  'budgets',
  {
    tenantId: text('tenant_id').notNull(),
    budget: text('budget').notNull(),
    key: text('key').notNull(),
    uses: json<readonly number[]>()('uses').notNull().default([]),
    expiresAt: time('expires_at').notNull(),
  },
  (t) => [primaryKey({ name: 'budgets_pkey', columns: [t.tenantId, t.budget, t.key] })],
);

/** Answers to requests with an Idempotency-Key. Written and read by: API. */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    tenantId: text('tenant_id').notNull(),
    key: text('key').notNull(),
    bodyHash: text('body_hash').notNull(),
    answer: json()('answer'),
    createdAt: time('created_at').notNull().default(sql`now()`),
  },
  (t) => [
    primaryKey({ name: 'idempotency_keys_pkey', columns: [t.tenantId, t.key] }),
    foreignKey({ name: 'idempotency_keys_tenant_id_fkey', columns: [t.tenantId], foreignColumns: [tenants.tenantId] }),
  ],
);
