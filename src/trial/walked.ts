/** What a walk tells: plain JSON. */
import type { CaseStatus } from '../core/case.js';
import type { Problem } from '../core/errors.js';
import type { CaseEvent } from '../core/events.js';
import type { NormalizedException, PolicyRecord, RuleTrace, TriageRecord } from '../core/records.js';
import type { StepState } from '../core/run.js';
import type { CallEffect } from '../core/work.js';
import type { PeopleAnswer } from './given.js';

/** One visit of a run to a step. */
export interface WalkedStep {
  readonly id: string;
  readonly kind: string; // tool, approve, finish …
  readonly visit: number;
  readonly status: StepState['status'];
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

/** A call that would be made. */
export interface WalkedCall {
  readonly step: string;
  readonly tool: string;
  readonly effect: CallEffect;
  readonly connection: string | null;
  readonly input: unknown;
  readonly answered: boolean;
}

/** An approval that would be asked. */
export interface WalkedApproval {
  readonly step: string | null; // null: policy asks, before the first step
  readonly title: string;
  readonly from: readonly string[]; // people, groups expanded
  readonly quorum: number;
  readonly timeoutMs: number;
  readonly onTimeout: string;
  readonly decision: PeopleAnswer['decision'] | null; // null: nobody said
}

/** How it ended; null while it waits for an answer that nobody gave. */
export interface WalkedEnding {
  readonly outcome: string; // resolved, escalated, suppressed, canceled
  readonly code: string | null; // of an escalation
  readonly reason: string | null;
}

/** One case that the input led to, with its decisions and everything that they recorded. */
export interface WalkedCase {
  readonly id: string;
  readonly items: number; // how many of the input's items it took
  readonly status: CaseStatus;
  readonly exception: NormalizedException | null;
  readonly triage: TriageRecord | null;
  readonly policy: PolicyRecord | null;
  readonly playbook: string | null;
  readonly playbooks: readonly RuleTrace[]; // each candidate, and why it was passed over
  readonly steps: readonly WalkedStep[]; // in the order in which the run came to them
  readonly calls: readonly WalkedCall[];
  readonly approvals: readonly WalkedApproval[];
  readonly ending: WalkedEnding | null;
  readonly waitsFor: string | null; // the key of the answer that is missing: `steps.look`, `policy`
  readonly problem: Problem | null; // a decision refused it: outside, a dead letter
  readonly events: readonly CaseEvent[];
}

export interface Walked {
  readonly problems: readonly Problem[]; // of the request: what its source could not read
  readonly cases: readonly WalkedCase[];
}
