/**
 * The event catalogue: every fact about a case, past tense, with its version, its topic and the shape of its data.
 * `topic: null` means journal only: part of the timeline, with no worker waiting for it.
 */
import { z } from 'zod';
import {
  ApprovalTerms,
  INCIDENT_RUNS,
  IncidentPart,
  NormalizedException,
  Occurrences,
  PolicyRecord,
  PRIORITIES,
  RuleTrace,
  TriageRecord,
} from './records.js';
import type { StageName } from './stages.js';
import { CALL_EFFECTS, HOLD_KINDS, WAIT_TIMERS } from './work.js';

const json = z.unknown();
const uuid = z.uuid();
const packVersion = z.int32().nonnegative();

export const ExceptionIngested = z.object({
  source: z.string().min(1), // a source of the tenant's pack, or `generic`
  via: z.enum(['api', 'hook', 'sample', 'reingest', 'kafka', 'schedule', 'correlation']),
  receivedAt: z.string(), // RFC 3339
  item: json, // one exception as it came
  body: json.optional(), // the whole request, only where the source's map reads it
  headers: z.record(z.string(), z.string()).optional(),
  fingerprint: z.string().min(1),
  resolve: z.boolean(), // the source says that it is over
  count: z.int32().positive(), // equal reports that arrived together
  accumulate: z.object({ rule: z.string(), key: z.string(), max: z.int32() }).optional(), // the group that it belongs to
  incident: IncidentPart.optional(), // it is the parent of one
  seen: Occurrences.optional(), // of this fingerprint, this report included; only where the pack asks for it
  packVersion,
});

/** It does not go to triage yet: until a hold is over, a group is complete, or a window has ended. */
const ExceptionHeld = z.object({
  kind: z.enum(HOLD_KINDS),
  rule: z.string(),
  place: z.string(), // `sources.yaml:12:5`
  until: z.number(), // epoch ms
  explain: z.array(RuleTrace).optional(), // what the holds of the pack said
  packVersion,
  policy: PolicyRecord.optional(), // where a policy holds it
});

const AccumulationElapsed = z.object({
  timerId: uuid,
  kind: z.enum(HOLD_KINDS),
  dueAt: z.number(),
  data: z.record(z.string(), z.unknown()),
});

/** A rule of `correlate` matches: it is about to be a member of an incident. */
const ExceptionCorrelated = z.object({
  rule: z.string(),
  place: z.string(),
  by: z.array(json), // the values of the rule's `by`
  run: z.enum(INCIDENT_RUNS), // parent: it waits
  explain: z.array(RuleTrace), // what the rules of the pack said
  packVersion,
});

/** A parent that waits for its members. */
const IncidentOpened = z.object({ rule: z.string(), place: z.string(), run: z.enum(INCIDENT_RUNS) });
const IncidentJoined = z.object({ incidentId: uuid, rule: z.string(), place: z.string(), members: z.int32() });
const IncidentEnded = z.object({
  incidentId: uuid.nullable(), // null: there was none
  rule: z.string(),
  outcome: z.enum(['resolved', 'suppressed', 'canceled', 'alone']), // alone: too few came for an incident
  reason: z.string(),
});

const ExceptionMerged = z.object({ count: z.int32(), lastSeenAt: z.number(), note: z.string() });
const ExceptionNormalized = z.object({
  exception: NormalizedException,
  explain: z.array(RuleTrace).optional(), // what the holds of the pack said, where it has any
  packVersion,
});
const ExceptionTriaged = z.object({ triage: TriageRecord });
const PolicyEvaluated = z.object({ policy: PolicyRecord });
const CaseSuppressed = z.object({ policy: PolicyRecord });

const PlaybookStarted = z.object({
  runId: uuid,
  playbook: z.string(),
  explain: z.array(RuleTrace), // each candidate and why it was passed over
  packVersion,
});

const RetryProfileSchema = z.object({
  tries: z.int32().positive(),
  firstMs: z.number(),
  factor: z.number(),
  maxMs: z.number(),
  jitter: z.number(),
  on: z.array(z.string()),
});

const ToolRequested = z.object({
  runId: uuid,
  step: z.string(),
  executionId: uuid,
  tool: z.string(),
  block: z.string(),
  connection: z.string().nullable(),
  input: json,
  effect: z.enum(CALL_EFFECTS),
  timeoutMs: z.number().int().positive(),
  retry: RetryProfileSchema,
  priority: z.literal(PRIORITIES).optional(), // of the case, where its triage sets one
  packVersion,
});

const ToolCanceled = z.object({ runId: uuid, executionId: uuid, reason: z.string() });

export const TOOL_STATUSES = ['succeeded', 'failed', 'timeout', 'canceled', 'unknown'] as const;
const ToolFinished = z.object({
  runId: uuid,
  step: z.string(),
  executionId: uuid,
  status: z.enum(TOOL_STATUSES),
  result: json.optional(),
  error: z.object({ code: z.string(), errorNumber: z.int32(), message: z.string() }).optional(),
  attempt: z.int32(),
  tries: z.int32(),
  latencyMs: z.number(),
  packVersion,
});

const ApprovalRequested = z.object({
  runId: uuid,
  step: z.string(),
  waitId: uuid,
  title: z.string(),
  terms: ApprovalTerms,
  expiresAt: z.number(),
});

/** Nobody has decided so far: those who may are told again. */
const ApprovalReminded = z.object({
  runId: uuid,
  step: z.string(),
  waitId: uuid,
  title: z.string(),
  from: z.array(z.string()), // people who may still decide it
  count: z.int32().positive(), // how often they were reminded, this time included
  expiresAt: z.number(), // epoch ms
});

const WaitResolved = z.object({
  runId: uuid,
  step: z.string(),
  waitId: uuid,
  decision: z.enum(['approved', 'rejected']),
  by: z.array(z.string()),
  comment: z.string().nullable(),
  packVersion,
});

const TimerFired = z.object({
  timerId: uuid,
  kind: z.enum(WAIT_TIMERS),
  dueAt: z.number(),
  data: z.record(z.string(), z.unknown()),
});

/** What somebody outside may ask of a case that is open. */
export const COMMANDS = ['resolve', 'cancel', 'escalate'] as const;
export type Command = (typeof COMMANDS)[number];

const CaseCommanded = z.object({
  command: z.enum(COMMANDS),
  by: z.string(),
  reason: z.string(),
});

const PlaybookFinished = z.object({
  runId: uuid.nullable(), // null: it ended before a playbook ran
  playbook: z.string().nullable(),
  outcome: z.string(),
  note: z.string().nullable(),
  packVersion: packVersion.nullable(),
});

const CaseEscalated = z.object({
  code: z.string(), // why, as a word: NO_PLAYBOOK, POLICY_DENIED, STEP_FAILED, APPROVAL_EXPIRED …
  reason: z.string(),
  runId: uuid.nullable(),
  playbook: z.string().nullable(),
  explain: z.array(RuleTrace),
  packVersion: packVersion.nullable(),
});

const FeedbackCaptured = z.object({
  outcome: z.string(),
  note: z.string().nullable(),
  durationMs: z.number(),
  used: z.object({
    rules: z.array(z.string()),
    policies: z.array(z.string()),
    effect: z.string().nullable(),
    playbook: z.string().nullable(),
  }),
});

/** A person replayed or discarded the dead letter that held the case. */
const CaseUnblocked = z.object({ deadLetterId: uuid, action: z.enum(['replayed', 'discarded']), by: z.string() });

/** A schedule came while the case of its last time is still open, so it made none. */
const ScheduleSkipped = z.object({ schedule: z.string(), dueAt: z.string(), missed: z.int32() });

const define = <S extends z.ZodType>(version: number, to: StageName | null, data: S) =>
  ({ version, to, data }) as const;

export const EVENTS = {
  ExceptionIngested: define(1, 'intake', ExceptionIngested),
  ExceptionMerged: define(1, null, ExceptionMerged),
  ExceptionHeld: define(1, null, ExceptionHeld),
  AccumulationElapsed: define(1, 'intake', AccumulationElapsed),
  ExceptionCorrelated: define(1, null, ExceptionCorrelated),
  IncidentOpened: define(1, null, IncidentOpened),
  IncidentJoined: define(1, null, IncidentJoined),
  IncidentEnded: define(1, 'intake', IncidentEnded),
  ExceptionNormalized: define(1, 'triage', ExceptionNormalized),
  ExceptionTriaged: define(1, 'policy', ExceptionTriaged),
  PolicyEvaluated: define(1, 'playbook', PolicyEvaluated),
  CaseSuppressed: define(1, 'feedback', CaseSuppressed),
  PlaybookStarted: define(1, null, PlaybookStarted),
  ToolRequested: define(1, 'tool', ToolRequested),
  ToolCanceled: define(1, 'tool', ToolCanceled),
  ToolFinished: define(1, 'playbook', ToolFinished),
  ApprovalRequested: define(1, null, ApprovalRequested),
  ApprovalReminded: define(1, null, ApprovalReminded),
  WaitResolved: define(1, 'playbook', WaitResolved),
  TimerFired: define(1, 'playbook', TimerFired),
  CaseCommanded: define(1, 'playbook', CaseCommanded),
  PlaybookFinished: define(1, 'feedback', PlaybookFinished),
  CaseEscalated: define(1, 'feedback', CaseEscalated),
  FeedbackCaptured: define(1, null, FeedbackCaptured),
  CaseUnblocked: define(1, null, CaseUnblocked),
  ScheduleSkipped: define(1, null, ScheduleSkipped),
} as const;

export type EventType = keyof typeof EVENTS;
export type EventData = { readonly [T in EventType]: z.infer<(typeof EVENTS)[T]['data']> };

export const isEventType = (name: string): name is EventType => Object.hasOwn(EVENTS, name);

/** The stage that an event of this type is for, or null for one that only the journal keeps. */
export const stageFor = (type: EventType): StageName | null => EVENTS[type].to;

/** A fact about a case on its way. `T` narrows `data` by `type`. */
export type CaseEvent<T extends EventType = EventType> = {
  [K in T]: {
    readonly id: string;
    readonly type: K;
    readonly emitter: Emitter;
    readonly tenantId: string;
    readonly caseId: string;
    readonly seq: number; // of the case, from 1
    readonly after: number; // seq of the case's previous event on the same topic; 0: the first
    readonly causeId: string | null; // id of the event that led to this one
    readonly time: string; // RFC 3339
    readonly traceparent: string | null;
    readonly data: EventData[K];
  };
}[T];

/** Who appends events: the six stages, the API, timers, the correlator of incidents, and the executors of tool calls. */
export const EMITTERS = [
  'intake',
  'triage',
  'policy',
  'playbook',
  'tool',
  'feedback',
  'api',
  'timers',
  'correlator',
  'executor',
] as const;
export type Emitter = (typeof EMITTERS)[number];
