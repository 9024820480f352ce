/** What a backtest tells: plain JSON. */
import type { Cause, Difference } from './difference.js';
import type { Mark } from './past.js';

/** How many exceptions came to each word, by what was asked of them. */
export interface Counts {
  readonly result: Words; // policy's effect for a case of its own; else merged, member, dropped, refused, unknown
  readonly category: Words;
  readonly severity: Words;
  readonly playbook: Words;
  readonly escalation: Words; // by code
  readonly approvals: Words; // by person who would be asked
  readonly calls: Words; // by the class of their effect
  readonly suppressed: Words; // by severity
}
export type Words = Readonly<Record<string, number>>;
export type Dimension = keyof Counts;

/** So many exceptions went from one word to the other; equal words: they stayed. */
export interface Move {
  readonly before: string;
  readonly after: string;
  readonly cases: number;
}
export const MATRICES = ['result', 'category', 'severity', 'playbook'] as const satisfies readonly Dimension[];
export type Matrix = (typeof MATRICES)[number];

/** One exception that the candidate decides in another way than the active version. */
export interface Change {
  readonly id: string;
  readonly at: string; // RFC 3339
  readonly title: string | null;
  readonly type: string | null;
  readonly differences: readonly Difference[];
  readonly cause: Cause;
  readonly marks: readonly Mark[]; // what people did to it
  readonly really: string; // what really came of it, in a word
}

/** All changes that one rule made. */
export interface CauseCount extends Cause {
  readonly cases: number;
  readonly marked: number; // of them, those that people corrected or that were escalated
  readonly moves: readonly Move[]; // of the result; the most frequent first
  readonly example: string; // an id
}

export interface BacktestReport {
  readonly tenant: string;
  readonly since: string; // RFC 3339
  readonly until: string;
  readonly complete: boolean;
  readonly replayedUntil: string; // as far as it came
  readonly candidate: { readonly name: string; readonly hash: string };
  readonly active: { readonly name: string; readonly version: number };
  readonly cases: number; // exceptions of that time
  readonly reports: number; // with all that was reported again
  readonly carried: number; // cases from before that were still open: replayed, not counted
  readonly changed: number; // candidate against active version
  readonly changedMarked: number; // of them, those that people corrected or that were escalated
  readonly changedFromReal: number; // candidate against what really happened
  readonly activeFromReal: number; // the active version against what really happened
  readonly unknown: number; // the candidate reads what was not kept
  readonly mergedReports: { readonly really: number; readonly active: number; readonly candidate: number };
  readonly counts: { readonly really: Counts; readonly active: Counts; readonly candidate: Counts };
  readonly matrices: Readonly<Record<Matrix, readonly Move[]>>; // active → candidate
  readonly causes: readonly CauseCount[]; // the most cases first
  readonly changes: readonly Change[]; // the first ones; the rest is counted
  readonly notListed: number;
  readonly notes: readonly string[]; // what to know about the figures
}
