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
  history: Occurrences.optional(), // of its fingerprint, where the pack asks for it
});
export type NormalizedException = z.infer<typeof NormalizedException>;

/** The first part of a condition that was false, with the values it saw. */
export const FalsePart = z.object({
  expression: z.string(), // `exception.fields.amount > 1000000`
  values: z.record(z.string(), z.unknown()), // { 'exception.fields.amount': 250000 }
  error: z.string().optional(), // the part could not be evaluated: why
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
});
export type RuleTrace = z.infer<typeof RuleTrace>;

export const TriageRecord = z.object({
  category: z.string(),
  severity: Severity,
  confidence: z.number().min(0).max(1),
  labels: z.array(z.string()),
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
  onTimeout: z.enum(['escalate', 'approve', 'reject']),
});
export type ApprovalTerms = z.infer<typeof ApprovalTerms>;

export const PolicyRecord = z.object({
  effect: PolicyEffect,
  reason: z.string(),
  winner: z.string().nullable(), // the policy that won; null: the default
  approval: ApprovalTerms.nullable(), // the obligation when effect is require_approval
  explain: z.array(RuleTrace),
  packVersion: z.int32(),
});
export type PolicyRecord = z.infer<typeof PolicyRecord>;
