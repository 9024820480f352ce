/** What goes into the fold of a chunk, and what comes out of it. */
import type { BudgetLedger } from '../core/budget.js';
import type { LogRecord } from '../core/envelope.js';
import type { Problem } from '../core/errors.js';
import type { CaseEvent } from '../core/events.js';
import type { Outcome } from '../core/outcome.js';
import type { Stage } from '../stages/contract.js';
import type { OpenedChunk, PositionKey, WriteBatch } from '../store/port.js';

/** One record of a chunk after decoding: an event with its facts, or what is wrong with it. */
export type Decoded = { readonly record: LogRecord; readonly partition: number } & (
  | { readonly event: CaseEvent; readonly facts: unknown; readonly instead?: Outcome } // no facts could be had: what it comes to
  | { readonly problem: Problem; readonly tenantId: string | null }
);

export type Verdict = 'advanced' | 'ignored' | 'duplicate' | 'retried' | 'rejected' | 'parked';

/** What became of one record, for telemetry. */
export interface Judged {
  readonly verdict: Verdict;
  readonly event: CaseEvent | null;
  readonly detail: string; // reason or message
  readonly code: string; // of a dead letter; empty otherwise
  readonly partition?: number; // of a dead letter
}

export interface Folded {
  readonly batch: WriteBatch;
  readonly judged: readonly Judged[];
}

/** Where the records come from, their partitions apart. */
export type Source = Omit<PositionKey, 'partition'>;

export interface FoldInput {
  readonly stage: Stage;
  readonly source: Source;
  readonly records: readonly Decoded[]; // of one or more partitions, each in its order
  readonly opened: OpenedChunk;
  /** Journal data of duplicates, by `eventKey`, where it was asked for. */
  readonly journalData: ReadonlyMap<string, string>;
  /** What the chunk's claims locked; absent when there were none. */
  readonly budgets?: BudgetLedger;
  /** Set when Postgres refused the chunk's data and its records go one by one: every decision is refused with it. */
  readonly poison?: Problem;
}
