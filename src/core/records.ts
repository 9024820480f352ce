/**
 * The records that stages decide and the case row keeps: plain JSON, written by one stage each.
 * A record always carries its reasons (`explain`), because every decision must be explainable later.
 */
import { z } from 'zod';

export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info'] as const;
export const Severity = z.enum(SEVERITIES);
export type Severity = z.infer<typeof Severity>;

/** How often a fingerprint was reported. Times are RFC 3339; the last hour and day are rounded up to five minutes. */
export const Occurrences = z.object({
  count: z.int32(),
  first: z.string(),
  last: z.string(),
  in1h: z.int32(),
  in24h: z.int32(),
});
export type Occurrences = z.infer<typeof Occurrences>;

/** One of the exceptions that a group gathered. */
export const GroupItem = z.object({
  type: z.string(),
  title: z.string(),
  severity: Severity,
  entity: z.string().nullable(),
  source: z.string(),
  occurredAt: z.string(),
  fingerprint: z.string(),
  fields: z.record(z.string(), z.unknown()), // empty where all of them would be too much
  count: z.int32(), // reports of it
});
export type GroupItem = z.infer<typeof GroupItem>;

/** Who is worked on while an incident is open: its parent while the members wait, the members while it waits, or all. */
export const INCIDENT_RUNS = ['parent', 'members', 'both'] as const;
export type IncidentRun = (typeof INCIDENT_RUNS)[number];

/** What an exception is in an incident. */
export const IncidentPart = z.object({
  role: z.enum(['parent', 'member']),
  rule: z.string(),
  place: z.string(), // `sources.yaml:12:5`
  key: z.string(),
  run: z.enum(INCIDENT_RUNS),
});
export type IncidentPart = z.infer<typeof IncidentPart>;

/** An exception after intake: the same shape whatever source it came from. */
export const NormalizedException = z.object({
  type: z.string().min(1),
  title: z.string(),
  severity: Severity,
  entity: z.string().nullable(),
  source: z.string(),
  occurredAt: z.string(), // RFC 3339
  fingerprint: z.string(),
  fields: z.record(z.string(), z.unknown()),
  items: z.array(GroupItem).optional(), // what a group gathered
  history: Occurrences.optional(), // of its fingerprint, where the pack asks for it
  incident: IncidentPart.optional(),
});
export type NormalizedException = z.infer<typeof NormalizedException>;

/** The first part of a condition that was false, with the values it saw. */
export const FalsePart = z.object({
  expression: z.string(), // `exception.fields.amount > 1000000`
  values: z.record(z.string(), z.unknown()), // { 'exception.fields.amount': 250000 }
  error: z.string().optional(), // the part could not be evaluated: why
  failed: z.literal(true).optional(), // for another reason than a field that is not there
});
export type FalsePart = z.infer<typeof FalsePart>;

/** What one rule, policy or playbook did when it was tried. */
export const RuleTrace = z.object({
  name: z.string(),
  place: z.string(), // `triage.yaml:12:5`
  matched: z.boolean(),
  falsePart: FalsePart.optional(),
  set: z.record(z.string(), z.unknown()).optional(), // triage: what it set
  effect: z.string().optional(), // policy: the effect it asked for
  note: z.string().optional(), // why it was passed over though it matched
  skipped: z.int32().optional(), // this line stands for so many further rules, which the note sums up
  rules: z.array(z.string()).optional(), // their names: all begin with a test of one path, and want another value than it has
  budget: z // policy: how much of its budget was used, before this decision
    .object({ by: z.string(), key: z.string(), used: z.int32(), limit: z.int32(), perMs: z.number() })
    .optional(),
  window: z.object({ from: z.number(), until: z.number() }).optional(), // policy: the window it was in, epoch ms
});
export type RuleTrace = z.infer<typeof RuleTrace>;

/** How urgent a case is among others, 1 before 5; a case whose triage does not say has the one in the middle. */
export const PRIORITIES = [1, 2, 3, 4, 5] as const;
export type Priority = (typeof PRIORITIES)[number];
export const DEFAULT_PRIORITY = 3 satisfies Priority;

export const TriageRecord = z.object({
  category: z.string(),
  severity: Severity,
  confidence: z.number().min(0).max(1),
  labels: z.array(z.string()),
  priority: z.literal(PRIORITIES).optional(), // DEFAULT_PRIORITY where no rule sets it
  extra: z.record(z.string(), z.unknown()), // further words that rules set, e.g. owner
  by: z.string(), // `rules`, or the brain that decided
  explain: z.array(RuleTrace),
  packVersion: z.int32(),
});
export type TriageRecord = z.infer<typeof TriageRecord>;

export const EFFECTS = ['suppress', 'deny', 'hold', 'require_approval', 'allow'] as const; // strictest first
export const PolicyEffect = z.enum(EFFECTS);
export type PolicyEffect = z.infer<typeof PolicyEffect>;

/** Who may decide an approval, how many of them, and what happens when nobody does. */
export const ApprovalTerms = z.object({
  title: z.string().optional(),
  from: z.array(z.string()), // `group:desk` or a principal's name; groups are expanded when the wait is made
  quorum: z.int32().min(1),
  notRequester: z.boolean(),
  timeoutMs: z.number().int().positive(),
  remindMs: z.number().int().positive().optional(), // they are asked again so often
  onTimeout: z.enum(['escalate', 'approve', 'reject']),
});
export type ApprovalTerms = z.infer<typeof ApprovalTerms>;

/** What becomes of a held case when its time has come: decided anew, or let go. */
export const AFTERWARDS = ['reprocess', 'drop'] as const;
export type Afterwards = (typeof AFTERWARDS)[number];

export const PolicyHold = z.object({
  until: z.number(), // epoch ms
  afterwards: z.enum(AFTERWARDS),
  place: z.string(), // of the policy: `policies.yaml:12:5`
  timerId: z.uuid().optional(), // set when the case begins to wait
});
export type PolicyHold = z.infer<typeof PolicyHold>;

export const OnlyPlaybooks = z.object({
  policy: z.string().nullable(), // which says so; null: the default
  playbooks: z.array(z.string()),
});
export type OnlyPlaybooks = z.infer<typeof OnlyPlaybooks>;

export const PolicyRecord = z.object({
  effect: PolicyEffect,
  reason: z.string(),
  winner: z.string().nullable(), // the policy that won; null: the default
  approval: ApprovalTerms.nullable(), // the obligation when effect is require_approval
  only: z.array(OnlyPlaybooks).optional(), // when a playbook may run, but not every one: it must be in each of these
  hold: PolicyHold.optional(), // when effect is hold
  held: z.array(z.string()).optional(), // policies that have held the case for as long as they may
  code: z.string().optional(), // why a denial escalates, where it is not POLICY_DENIED
  explain: z.array(RuleTrace),
  packVersion: z.int32(),
});
export type PolicyRecord = z.infer<typeof PolicyRecord>;
