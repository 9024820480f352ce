/** Work that a decision hands to somebody else: tool calls on the ledger, waits for people, timers. */
import { type ApprovalTerms, PRIORITIES, type Priority } from './records.js';

export const CALL_EFFECTS = ['read', 'idempotent', 'at_most_once'] as const;
export type CallEffect = (typeof CALL_EFFECTS)[number];

/** How often and after which pauses a failed call is tried again. Times in ms. */
export interface RetryProfile {
  readonly tries: number; // in all, the first one included
  readonly firstMs: number;
  readonly factor: number;
  readonly maxMs: number;
  readonly jitter: number; // 0 to 1: the part of the pause that is random
  readonly on: readonly string[]; // error classes that are tried again: network, timeout, 5xx, 429, storage
}

/** One tool call for the ledger. Its id is also the idempotency key, the same for every attempt. */
export interface ExecutionDraft {
  readonly executionId: string;
  readonly runId: string;
  readonly step: string;
  readonly tool: string; // as the playbook names it
  readonly block: string; // what performs it: `http.request`
  readonly connection: string | null; // a name in the tenant's tools.yaml
  readonly input: unknown;
  readonly effect: CallEffect;
  readonly timeoutMs: number;
  readonly retry: RetryProfile;
  readonly priority: Priority; // of its case
  readonly packVersion: number;
}

/** A suspended run's reason that people can see and decide. */
export interface WaitDraft {
  readonly waitId: string;
  readonly runId: string;
  readonly step: string;
  readonly kind: 'approval';
  readonly title: string;
  readonly terms: ApprovalTerms; // with groups expanded to people in `from`
  readonly expiresAt: number; // epoch ms
  readonly packVersion: number;
}

export interface WaitChange {
  readonly waitId: string;
  readonly status: 'approved' | 'rejected' | 'expired' | 'canceled';
}

/** What a case waits for before triage: the end of a hold, of a group's window, of a maintenance window. */
export const HOLD_KINDS = ['hold', 'accumulate', 'window'] as const;
export type HoldKind = (typeof HOLD_KINDS)[number];

/** What is due while people are asked: a reminder, the end of their time. */
export const WAIT_TIMERS = ['wait.timeout', 'wait.remind'] as const;
export type WaitTimer = (typeof WAIT_TIMERS)[number];

/**
 * Something that is due at a time. What is due of a wait fires as `TimerFired`; what holds a case before triage fires as
 * `AccumulationElapsed`; `redeliver` sends a stage its events again.
 */
export interface TimerDraft {
  readonly timerId: string;
  readonly kind: WaitTimer | 'redeliver' | HoldKind;
  readonly dueAt: number; // epoch ms
  readonly data: Readonly<Record<string, unknown>>;
}

/** For how long a call is leased to a process, in ms, from the moment when it is written or claimed. */
export const LEASE_MS = 9_000;

/**
 * Leases of calls that may happen only once are so many times as long: when one runs out, a person must look, so a
 * restart of the database must not end it. Any other call of a dead process is taken over soon.
 */
export const AT_MOST_ONCE_LEASES = 4;

export const leaseOf = (effect: CallEffect, leaseMs: number): number =>
  effect === 'at_most_once' ? leaseMs * AT_MOST_ONCE_LEASES : leaseMs;

const HEAD_START_MS = 300_000; // a level
const LAST = Math.max(...PRIORITIES);

/**
 * How much earlier than it came a call is taken to have come, in ms: the more urgent, the earlier. What is not urgent
 * goes after what is, but not for ever: in the end it has waited for longer than any head start.
 */
export const headStart = (priority: Priority): number => (LAST - priority) * HEAD_START_MS;

/** `headStart`, as the database counts it. */
export const HEAD_START = { ms: HEAD_START_MS, last: LAST } as const;
