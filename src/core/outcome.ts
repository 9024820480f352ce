/**
 * What a decision can come to: a closed set. "Exhausted" is computed by the shell, "not now" is not an error,
 * and an unknown outcome is a compile error.
 */
import type { Spend } from './budget.js';
import type { CaseStatus, Sections } from './case.js';
import type { EventData, EventType } from './events.js';
import type { Joining } from './incident.js';
import type { ExecutionDraft, TimerDraft, WaitChange, WaitDraft } from './work.js';

/** An event that a decision produces; the shell adds id, seq, cause and topic. */
export type Emission = { [T in EventType]: { readonly type: T; readonly data: EventData[T] } }[EventType];

export interface Advance {
  readonly kind: 'advance';
  readonly status?: CaseStatus;
  readonly set?: Partial<Sections>;
  readonly release?: boolean; // intake: the fingerprint is free for a new case, though this one goes on
  readonly merged?: { readonly count: number; readonly lastSeenAt: number }; // intake: the new totals
  readonly emit?: readonly Emission[];
  readonly executions?: readonly ExecutionDraft[];
  readonly cancelExecutions?: readonly string[]; // ids of calls that need not start any more
  readonly waits?: readonly WaitDraft[];
  readonly closeWaits?: readonly WaitChange[];
  readonly timers?: readonly TimerDraft[];
  readonly cancelTimers?: readonly string[];
  readonly tally?: readonly Tally[];
  readonly spend?: readonly Spend[]; // of budgets that the stage claimed
  readonly joins?: Joining; // intake: the incident that the case asks to be a member of
}

/** One count for the effectiveness figures of what was used. */
export interface Tally {
  readonly kind: 'rule' | 'policy' | 'playbook';
  readonly name: string;
  readonly outcome: string;
  readonly durationMs: number;
}

export type Outcome =
  | Advance
  | { readonly kind: 'ignore'; readonly reason: string }
  | { readonly kind: 'retry'; readonly reason: string; readonly afterMs: number; readonly code?: string } // code: of the dead letter that it becomes in the end
  | { readonly kind: 'reject'; readonly code: string; readonly message: string; readonly path?: string };

export const advance = (what: Omit<Advance, 'kind'>): Advance => ({ kind: 'advance', ...what });
export const ignore = (reason: string): Outcome => ({ kind: 'ignore', reason });
export const retry = (reason: string, afterMs: number): Outcome => ({ kind: 'retry', reason, afterMs });
export const reject = (code: string, message: string, path?: string): Outcome =>
  path === undefined ? { kind: 'reject', code, message } : { kind: 'reject', code, message, path };
