/**
 * A database in memory, with as much of Postgres' read committed as the store relies on: what a transaction writes is
 * its own until it commits, each statement sees what is committed when it runs, rows stay locked to the end.
 */

import type { BudgetUses } from '../../core/budget.js';
import type { CaseState, CaseStatus } from '../../core/case.js';
import type { JournalEntry } from '../../core/envelope.js';
import type { History } from '../../core/history.js';
import type { Incident } from '../../core/incident.js';
import type { IncidentMember } from '../../core/incident-work.js';
import type { WorkerBeat } from '../../core/processes.js';
import type { ScheduleDraft } from '../../core/schedule.js';
import type {
  CaseRow,
  DeadLetterRecord,
  ExecutionRow,
  ExecutionStatus,
  FingerprintReport,
  IdempotencyClaim,
  TallyRow,
  TenantScope,
  TimerRow,
  WaitRecord,
} from '../../store/port.js';
import { SYSTEM_TENANT } from '../../store/port.js';
import { type Lock, type LockOwner, Locks, refusal } from './locks.js';

export interface StoredCase extends Omit<CaseRow, 'place'> {
  readonly state: CaseState & { readonly status: CaseStatus };
  readonly openKey: string | null;
}

export interface StoredExecution {
  readonly row: ExecutionRow;
  readonly status: ExecutionStatus;
  readonly attempt: number;
  readonly tries: number;
  readonly owner: string | null;
  readonly until: number; // of the lease
  readonly nextAt: number;
  readonly result: unknown;
  readonly error: unknown;
}

export interface StoredLetter extends DeadLetterRecord {
  readonly published: boolean;
  readonly parks: boolean;
}

export type StoredIncident = Incident & { readonly look: boolean };
export type StoredMember = IncidentMember & { readonly look: boolean; readonly at: number };

/** A tenant's events of a batch in the outbox, by `batch tenant`. */
export interface StoredBatch {
  readonly batchId: string;
  readonly tenantId: string;
  readonly createdAt: number;
  readonly takenAt: number;
  readonly events: readonly string[]; // names of journal entries
}

/** Rows by key. Rows are never changed, only replaced. */
export class Table<Row> {
  rows = new Map<string, Row>();
  constructor(readonly name: string) {}
}

export class Tables {
  readonly tenants = new Table<{ readonly tenantId: string }>('tenants');
  readonly cases = new Table<StoredCase>('cases');
  readonly journal = new Table<JournalEntry>('journal');
  readonly outbox = new Table<StoredBatch>('outbox');
  readonly positions = new Table<{ readonly next: number }>('positions');
  readonly executions = new Table<StoredExecution>('executions');
  readonly waits = new Table<WaitRecord>('waits');
  readonly timers = new Table<TimerRow>('timers');
  readonly letters = new Table<StoredLetter>('dead_letters');
  readonly figures = new Table<TallyRow & { readonly cases: number }>('figures');
  readonly idempotency = new Table<IdempotencyClaim & { readonly answer: unknown }>('idempotency_keys');
  readonly workers = new Table<WorkerBeat>('workers');
  readonly schedules = new Table<ScheduleDraft & { readonly tenantId: string }>('schedules');
  readonly fingerprints = new Table<History & Pick<FingerprintReport, 'tenantId' | 'fingerprint'>>('fingerprints');
  readonly incidents = new Table<StoredIncident>('incidents');
  readonly incidentMembers = new Table<StoredMember>('incident_members');
  readonly budgets = new Table<BudgetUses>('budgets');
  readonly all: readonly Table<unknown>[] = [
    ...[this.tenants, this.cases, this.journal, this.outbox, this.positions, this.executions],
    ...[this.waits, this.timers, this.letters, this.figures, this.idempotency, this.workers, this.budgets],
    this.schedules,
    this.incidents,
    this.incidentMembers,
    this.fingerprints,
  ] as readonly Table<unknown>[];
}

/** What is committed at one moment. */
export type Snapshot = ReadonlyMap<string, ReadonlyMap<string, unknown>>;

/** An open transaction. */
export class Transaction implements LockOwner {
  readonly held: Lock[] = [];
  waitsFor: Lock | null = null;
  /** Why nothing more can be done in it. */
  dead: Error | null = null;
  private readonly written = new Map<Table<unknown>, Map<string, unknown>>();

  constructor(
    readonly scope: TenantScope,
    readonly client: unknown,
    private readonly database: MemoryDatabase,
  ) {}

  get hasWritten(): boolean {
    return this.written.size > 0;
  }

  sees(tenantId: string): boolean {
    if (this.scope !== 'all') return this.scope.includes(tenantId);
    return tenantId === SYSTEM_TENANT || this.database.tables.tenants.rows.has(tenantId);
  }

  get<Row>(table: Table<Row>, key: string): Row | undefined {
    const own = this.written.size === 0 ? undefined : this.written.get(table as Table<unknown>);
    return own?.has(key) ? (own.get(key) as Row | undefined) : table.rows.get(key);
  }

  /** All rows that the transaction sees of a table, its own changes included. */
  rows<Row>(table: Table<Row>): Row[] {
    const own = this.written.get(table as Table<unknown>) as Map<string, Row | undefined> | undefined;
    if (own === undefined) return [...table.rows.values()];
    const all = new Map<string, Row | undefined>(table.rows);
    for (const [key, row] of own) all.set(key, row);
    return [...all.values()].filter((row): row is Row => row !== undefined);
  }

  set<Row>(table: Table<Row>, key: string, row: Row | undefined): void {
    let own = this.written.get(table as Table<unknown>);
    if (own === undefined) {
      own = new Map();
      this.written.set(table as Table<unknown>, own);
    }
    own.set(key, row);
  }

  apply(): void {
    for (const [table, own] of this.written) {
      for (const [key, row] of own) {
        if (row === undefined) table.rows.delete(key);
        else table.rows.set(key, row);
      }
    }
  }
}

export class MemoryDatabase {
  readonly tables = new Tables();
  readonly locks = new Locks();
  private readonly open = new Set<Transaction>();
  private ids = 0;

  /** @param clock the database's clock, epoch ms */
  constructor(readonly clock: () => number = Date.now) {}

  newId(): string {
    return `batch-${++this.ids}`;
  }

  addTenant(tenantId: string): void {
    this.tables.tenants.rows.set(tenantId, { tenantId });
  }

  begin(scope: TenantScope, client: unknown): Transaction {
    const transaction = new Transaction(scope, client, this);
    this.open.add(transaction);
    return transaction;
  }

  commit(transaction: Transaction): void {
    if (transaction.dead) throw transaction.dead;
    transaction.apply();
    this.end(transaction);
  }

  rollback(transaction: Transaction): void {
    this.end(transaction);
  }

  /** Ends the open transactions of a client, or of all, as a lost connection does. Answers how many. */
  cut(client?: unknown): number {
    const lost = [...this.open].filter((one) => client === undefined || one.client === client);
    for (const transaction of lost) {
      transaction.dead = refusal('57P01');
      this.locks.giveUp(transaction, transaction.dead);
      this.end(transaction);
    }
    return lost.length;
  }

  snapshot(): Snapshot {
    return new Map(this.tables.all.map(({ name, rows }) => [name, new Map(rows)]));
  }

  /** Everything is as it was at the snapshot; who is in the middle of something loses the connection. */
  restore(snapshot: Snapshot): void {
    this.cut();
    for (const table of this.tables.all) table.rows = new Map(snapshot.get(table.name));
  }

  private end(transaction: Transaction): void {
    this.open.delete(transaction);
    this.locks.releaseAll(transaction);
  }
}
