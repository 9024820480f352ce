/** A run's checkpoint and the feedback record: what the playbook and the feedback stage keep on the case. */
import type { PolicyEffect, RuleTrace } from './records.js';

export const RUN_STATUSES = ['RUNNING', 'WAITING', 'SUCCEEDED', 'FAILED', 'CANCELED'] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

/** What is known of one step of a run. `visit` counts how often the run came to it. */
export interface StepState {
  readonly status: 'requested' | 'waiting' | 'done' | 'failed' | 'skipped';
  readonly visit: number;
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

/** How often people were reminded, and the timer of the next time. */
export interface Reminders {
  readonly timerId: string;
  readonly count: number;
  readonly title: string; // what was asked
  readonly expiresAt: number; // epoch ms
}

/** A question to people that is open. */
export interface PendingApproval {
  readonly kind: 'approval';
  readonly step: string;
  readonly waitId: string;
  readonly timerId: string;
  readonly remind?: Reminders; // where the approval asks for them
}

/** The pending reason of a suspended run: the tool call or wait that its next event must name. */
export type Pending = { readonly kind: 'tool'; readonly step: string; readonly executionId: string } | PendingApproval;

/** One execution of a playbook for a case, pinned to a pack version: the checkpoint it resumes from. */
export interface RunState {
  readonly runId: string;
  readonly playbook: string;
  readonly packVersion: number;
  readonly status: RunStatus;
  readonly at: number; // index of the step that is being worked on
  readonly steps: Readonly<Record<string, StepState>>;
  readonly pending: Pending | null;
  readonly gate: 'none' | 'asked' | 'passed'; // an approval that policy put before the first step
  readonly startedAt: number; // epoch ms
  readonly finishedAt: number | null;
}

/** What feedback captured when a case ended: the outcome, how long each part took, and what was used. */
export interface FeedbackRecord {
  readonly outcome: string; // resolved | escalated | suppressed | canceled, or the playbook's own word
  readonly note: string | null;
  readonly durationMs: number; // from acceptance to the end
  readonly used: {
    readonly rules: readonly string[]; // triage rules that matched
    readonly policies: readonly string[]; // policies that matched
    readonly effect: PolicyEffect | null;
    readonly playbook: string | null;
  };
  readonly explain: readonly RuleTrace[]; // why it was escalated or suppressed, where that is known
  readonly packVersion: number | null;
}
