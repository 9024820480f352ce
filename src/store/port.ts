/**
 * The memory: what the shell, the API and the executors need of Postgres, as few and large operations. Locks are taken
 * in one order everywhere: positions → cases (sorted) → the rest. All methods of `Tx` act within its transaction.
 */

import type { FingerprintReport, IdempotencyClaim, NewCase } from '../core/accepting.js';
import type { WaitDecision } from '../core/approval.js';
import type { BudgetKey, BudgetUses } from '../core/budget.js';
import type { CaseState, CaseStatus, Section } from '../core/case.js';
import type { JournalEntry } from '../core/envelope.js';
import type { IncidentNotes, IncidentTx } from '../core/incident-work.js';
import type { DeadLetterStatus, LetterInput, LetterSettlement } from '../core/letters.js';
import type { BatchRef, Earlier, Unpublished } from '../core/outbox.js';
import type { Tally } from '../core/outcome.js';
import type { DueWork, WorkerBeat } from '../core/processes.js';
import type { Occurrences } from '../core/records.js';
import type { ScheduleTx } from '../core/schedule.js';
import type { StageName } from '../core/stages.js';
import type { ExecutionDraft, TimerDraft, WaitChange, WaitDraft } from '../core/work.js';

export {
  type FingerprintReport,
  fingerprintKey,
  type IdempotencyClaim,
  type NewCase,
} from '../core/accepting.js';
export type { BatchRef, Earlier, Unpublished } from '../core/outbox.js';

export interface CaseKey {
  readonly tenantId: string;
  readonly caseId: string;
}

/** Per stage the seq of the last event: seen by it (`seen`), or sent to it (`sent`). Absent: none yet. */
export type Marks = Readonly<Partial<Record<StageName, number>>>;

/** Per stage the id of the last event it was sent (`sent` has its seq), until it has seen it. */
export type Awaited = Readonly<Partial<Record<StageName, string>>>;

/** Per stage a retry that is under way: how many it had, and until when (epoch ms) its events wait. */
export type Held = Readonly<Partial<Record<StageName, { readonly attempts: number; readonly until: number }>>>;

/** A locked case: its state and the shell's own bookkeeping. */
export interface CaseRow {
  readonly state: CaseState;
  readonly version: number;
  readonly seq: number; // last one given
  readonly seen: Marks;
  readonly sent: Marks;
  readonly awaited: Awaited | null;
  readonly held: Held | null;
  readonly blocked: boolean;
  readonly place: string | null; // where the store has the row while it is locked, in its own words; null: not known
}

/** The new values of a locked case. `set` holds only the sections that change. */
export interface CaseUpdate extends CaseKey {
  readonly version: number; // the version that was read; the row must still have it
  readonly place: string | null; // as it was read
  readonly status: CaseStatus;
  readonly seq: number;
  readonly seen: Marks;
  readonly sent: Marks;
  readonly awaited: Awaited | null;
  readonly held: Held | null;
  readonly blocked: boolean;
  readonly count: number;
  readonly lastSeenAt: number;
  readonly releaseKey: boolean; // the fingerprint is free for a new case from now on
  readonly set: Partial<Pick<CaseState, Section>>;
}

export interface PositionKey {
  readonly group: string;
  readonly topic: string;
  readonly epoch: number;
  readonly partition: number;
}

export type Position = PositionKey & { readonly next: number };

export const positionName = ({ group, topic, epoch, partition }: PositionKey): string =>
  `${group} ${topic} ${epoch} ${partition}`;

/** The place of an event in the journal. */
export interface EventKey extends CaseKey {
  readonly seq: number;
}

/** An event that a chunk brings, for the look into the journal. */
export interface EventRef extends EventKey {
  readonly eventId: string;
}

export interface OpenedChunk {
  readonly next: ReadonlyMap<number, number>; // the next offset of each partition; absent: it was never consumed
  readonly now: number; // the database's clock, epoch ms
  readonly cases: readonly CaseRow[];
  /** Whether the journal has it, for each event of the chunk, in their order. What it has not was never written here. */
  readonly known: readonly boolean[];
}

export interface DeadLetterDraft {
  readonly deadLetterId: string;
  readonly tenantId: string; // SYSTEM_TENANT where the record names no known tenant
  readonly caseId: string | null;
  readonly seq: number | null;
  readonly stage: StageName;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly code: string;
  readonly message: string;
  readonly path: string | null;
  readonly eventType: string | null;
  readonly key: string | null;
  readonly value: string; // base64 of the bytes as they came
  readonly headers: Readonly<Record<string, string>>;
}
export const SYSTEM_TENANT = '~system';

export type ExecutionRow = ExecutionDraft & CaseKey & { readonly traceparent: string | null; readonly causeId: string };
export type TimerRow = TimerDraft & CaseKey;
export type WaitRow = WaitDraft & CaseKey;

export type ExecutionStatus = 'pending' | 'leased' | ExecutionResult;
export type ExecutionResult = 'succeeded' | 'failed' | 'timeout' | 'canceled' | 'unknown';

/** `decided`: people have decided, the run has not taken it up yet. The last four are the run's word. */
export type WaitStatus = 'open' | 'decided' | WaitChange['status'];

export interface WaitRecord extends WaitRow {
  readonly status: WaitStatus;
  readonly decisions: readonly WaitDecision[];
  readonly createdAt: number; // epoch ms
  readonly closedAt: number | null;
}

export interface DeadLetterRecord extends DeadLetterDraft {
  readonly status: DeadLetterStatus;
  readonly attempts: number; // how often it failed
  readonly firstAt: number; // epoch ms
  readonly lastAt: number; // of the last failure
  readonly edited: LetterInput | null;
}

export type TallyRow = Tally & { readonly tenantId: string };

/** Everything that one transaction writes. Rows of `cases` were locked by it before. */
export interface WriteBatch {
  readonly positions?: readonly Position[]; // sorted by partition
  readonly cases: readonly CaseUpdate[];
  readonly journal: readonly JournalEntry[]; // those for a stage are also the transaction's batch in the outbox
  readonly published?: readonly BatchRef[]; // the log has them: they leave the outbox
  /** Stages of cases whose unseen events must be sent again: (case, stage) with the last seq it has seen. */
  readonly resend?: readonly (CaseKey & { readonly stage: StageName; readonly above: number })[];
  /** What stages have not seen of cases that tell them something new: of these events those that may wait in the outbox are published first. */
  readonly earlier?: readonly Earlier[];
  readonly executions?: readonly (ExecutionRow & { readonly leaseOwner: string | null })[];
  readonly cancelExecutions?: readonly (CaseKey & { readonly executionId: string })[];
  readonly waits?: readonly WaitRow[];
  readonly closeWaits?: readonly (WaitChange & CaseKey)[];
  readonly timers?: readonly TimerRow[];
  readonly cancelTimers?: readonly (CaseKey & { readonly timerId: string })[];
  readonly deadLetters?: readonly DeadLetterDraft[];
  readonly tally?: readonly TallyRow[];
  readonly budgets?: readonly BudgetUses[]; // locked before by `lockBudgets`
  readonly incidents?: IncidentNotes;
}

export interface ClaimedExecution extends ExecutionRow {
  readonly attempt: number; // the fencing token
  readonly tries: number; // made under earlier attempts
  readonly expired: boolean; // the lease before ran out: whether that call happened is unknown
}

/** How a claimed call ended, or when it is to be tried again. */
export type ExecutionEnd = CaseKey & {
  readonly executionId: string;
  readonly attempt: number;
  readonly tries: number;
} & (
    | {
        readonly status: ExecutionResult;
        readonly result: unknown;
        readonly error: unknown;
        readonly latencyMs: number;
      }
    | { readonly status: 'pending'; readonly inMs: number }
  );

/** One transaction. Statements that are not awaited one by one are sent together, and run in the order given. */
export interface Tx {
  readonly schedules: ScheduleTx;
  readonly incidents: IncidentTx;
  /** Locks the rows of these positions of one topic (sorted) and the cases of these events, in this order; reads the sections. With `stage`, whose events they are, the journal is asked only for those that it does not await. */
  openChunk(
    positions: readonly PositionKey[],
    refs: readonly EventRef[],
    sections: readonly Section[],
    stage?: StageName,
  ): Promise<OpenedChunk>;
  /** Locks cases in sorted order; a case that does not exist (or is another tenant's) is absent from the answer. */
  lockCases(keys: readonly CaseKey[], sections: readonly Section[]): Promise<readonly CaseRow[]>;
  /** Writes the batch; answers with what is to be published after the commit, what is older first, or null. Throws StaleVersionError. */
  write(batch: WriteBatch): Promise<Unpublished | null>;
  /** The last statements: COMMIT goes with them. `work` throws, or has sent all when it returns, and awaits none. */
  last<T>(work: () => Promise<T>): Promise<T>;
  /** The data (JSON text) of these events as the journal has it, by `tenant:case:seq`; for judging duplicates. */
  journalData(refs: readonly EventRef[]): Promise<ReadonlyMap<string, string>>;
  /** The database's clock, epoch ms. */
  now(): Promise<number>;

  /** Locks the open cases that hold these fingerprints, sorted by case. */
  lockOpen(
    keys: readonly { readonly tenantId: string; readonly openKey: string }[],
  ): Promise<readonly (CaseRow & { readonly openKey: string })[]>;
  /** Inserts cases whose fingerprint is free; answers with the ids that were inserted. */
  createCases(cases: readonly NewCase[]): Promise<ReadonlySet<string>>;
  /** Counts reports of fingerprints, each named once; answers with their histories by `fingerprintKey`. */
  countFingerprints(reports: readonly FingerprintReport[]): Promise<ReadonlyMap<string, Occurrences>>;
  /** Forgets up to `limit` fingerprints that nobody reported for `ms`; answers how many. */
  forgetFingerprints(ms: number, limit: number): Promise<number>;
  /** Claims keys; answers with those that were claimed before, with what was answered then. */
  claimIdempotencyKeys(
    claims: readonly IdempotencyClaim[],
  ): Promise<readonly (IdempotencyClaim & { readonly answer: unknown })[]>;
  saveIdempotentAnswers(
    answers: readonly { readonly tenantId: string; readonly key: string; readonly answer: unknown }[],
  ): Promise<void>;

  /** What there is to do beside the stages, in one look; the outbox is read to its end, and only when it is wanted. */
  dueWork(withOutbox: boolean): Promise<DueWork>;
  /**
   * Batches that have waited in the outbox for longer than `ms`, the oldest first, of about `limit` events; without those that
   * their stage has seen. Taking them makes them young again, so that no second process publishes them at the same time.
   */
  staleOutbox(ms: number, limit: number): Promise<readonly Unpublished[]>;
  deleteOutbox(published: readonly BatchRef[]): Promise<unknown>;
  /** Cases that were sent events which their stage has not seen, for refilling a log that lost them. */
  unseen(
    after: CaseKey | null,
    limit: number,
  ): Promise<readonly (CaseKey & { readonly seen: Marks; readonly sent: Marks })[]>;
  /** Cases that were sent something for `stage` and were created at or after `since` (epoch ms), in key order. */
  sentTo(stage: StageName, since: number, after: CaseKey | null, limit: number): Promise<readonly CaseKey[]>;
  /** False when another process has the timers of this moment in hand. */
  claimTimerTurn(): Promise<boolean>;
  dueTimers(limit: number): Promise<readonly TimerRow[]>;
  /** Removes timers; answers with the ids that were still there. Their cases must be locked. */
  takeTimers(timers: readonly TimerRow[]): Promise<ReadonlySet<string>>;

  claimExecutions(owner: string, limit: number, leaseMs: number): Promise<readonly ClaimedExecution[]>;
  extendLeases(
    owner: string,
    executions: readonly (CaseKey & { readonly executionId: string; readonly attempt: number })[],
    leaseMs: number,
  ): Promise<ReadonlySet<string>>;
  /** Compare-and-set on (execution, attempt); answers with the ids that were still ours. */
  endExecutions(ends: readonly ExecutionEnd[]): Promise<ReadonlySet<string>>;

  /** Locks a wait for a decision; null if there is none. Its case must be locked. */
  lockWait(tenantId: string, waitId: string): Promise<WaitRecord | null>;
  saveDecision(
    wait: Pick<WaitRecord, 'tenantId' | 'waitId' | 'decisions'> & { readonly status: 'open' | 'decided' },
  ): Promise<void>;

  /** Locks a dead letter for replay or discard; null if there is none. Its case must be locked. */
  lockDeadLetter(tenantId: string, deadLetterId: string): Promise<DeadLetterRecord | null>;
  settleDeadLetter(settlement: LetterSettlement): Promise<void>;
  /** Keeps what is to be sent instead; the letter is open again if it was parked. */
  editDeadLetter(tenantId: string, deadLetterId: string, input: LetterInput, by: string): Promise<void>;
  /** Dead letters that `dlq.<topic>` has not got yet. */
  unpublishedDeadLetters(limit: number): Promise<readonly DeadLetterRecord[]>;
  markDeadLettersPublished(letters: readonly DeadLetterDraft[]): Promise<void>;

  /** Locks these budgets, sorted, after the cases; answers their uses, those that nobody used yet included. */
  lockBudgets(keys: readonly BudgetKey[]): Promise<readonly BudgetUses[]>;
  /** Forgets up to `limit` budgets whose uses have all left their windows; answers how many. */
  sweepBudgets(limit: number): Promise<number>;

  /** Of these tenants those that exist and are not disabled. */
  knownTenants(tenants: readonly string[]): Promise<ReadonlySet<string>>;
  beat(worker: WorkerBeat): Promise<void>;
}

/** Whose rows a transaction may see: these tenants, or all of them for the housekeeping of the system itself. */
export type TenantScope = readonly string[] | 'all';

export interface Store {
  /** Runs `body` in one transaction (read committed); commits when it returns, rolls back when it throws. */
  transaction<T>(scope: TenantScope, body: (tx: Tx) => Promise<T>): Promise<T>;
  ping(): Promise<void>;
  close(): Promise<void>;
}
