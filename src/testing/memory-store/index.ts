/** The store's port over a database in memory. It passes the same contract as Postgres and PGlite. */
import { caseKey, isTenantId } from '../../core/ids.js';
import type { IncidentTx } from '../../core/incident-work.js';
import type { LetterSettlement } from '../../core/letters.js';
import type { WorkerBeat } from '../../core/processes.js';
import type { ScheduleTx } from '../../core/schedule.js';
import type { CaseKey, Marks, Store, TenantScope, Tx, WriteBatch } from '../../store/port.js';
import { positionName, SYSTEM_TENANT } from '../../store/port.js';
import { lockBudgets, sweepBudgets } from './budgets.js';
import { claimIdempotencyKeys, createCases, lockCases, lockOpen, openChunk, saveIdempotentAnswers } from './cases.js';
import type { MemoryDatabase } from './database.js';
import { dueWork } from './due.js';
import { countFingerprints, forgetFingerprints } from './fingerprints.js';
import { incidentsOn } from './incidents.js';
import { deleteOutbox, staleOutbox } from './outbox.js';
import { schedulesOn } from './schedules.js';
import { type Context, compare, entryKey, GUARDS, type Guards, type Pause } from './statements.js';
import * as work from './work.js';
import { write } from './write.js';

export {
  MemoryDatabase,
  type Snapshot,
  type StoredCase,
  type StoredIncident,
  type StoredMember,
  type Table,
} from './database.js';
export { refusal } from './locks.js';
export { entryKey, type Guards } from './statements.js';

export interface MemoryStoreOptions {
  /** Who opens the transactions, for `MemoryDatabase.cut`. */
  readonly client?: unknown;
  readonly pause?: Pause;
  /** Sees each batch before it is written; what it throws, the write throws. */
  readonly beforeWrite?: (batch: WriteBatch) => void;
  readonly guards?: Partial<Guards>;
  readonly lockOnRead?: boolean;
  readonly isJson?: boolean;
}

const NO_PAUSE: Pause = () => undefined;

export function createMemoryStore(database: MemoryDatabase, options: MemoryStoreOptions = {}): Store {
  const { client, pause = NO_PAUSE, lockOnRead = true, isJson = false, beforeWrite } = options;
  const guards = { ...GUARDS, ...options.guards };
  return {
    async transaction(scope, body) {
      checkScope(scope);
      const begin = pause('begin', '');
      if (begin) await begin;
      const transaction = database.begin(scope, client);
      let result: Awaited<ReturnType<typeof body>>;
      try {
        result = await body(new MemoryTx({ database, transaction, pause, guards, lockOnRead, isJson, beforeWrite }));
        if (transaction.hasWritten) await pause('commit', '');
        database.commit(transaction);
      } catch (error) {
        database.rollback(transaction);
        throw error;
      }
      if (transaction.hasWritten) await pause('committed', ''); // the end of one that only read changes nothing
      return result;
    },
    ping: async () => undefined,
    close: async () => undefined,
  };
}

function checkScope(scope: TenantScope): void {
  for (const tenant of scope === 'all' ? [] : scope) {
    if (tenant !== SYSTEM_TENANT && !isTenantId(tenant)) throw new TypeError(`${tenant} is no tenant.`);
  }
}

const TIMERS_TURN = 'the timers’ turn';

/** One open transaction as the port sees it. A class, so that a transaction costs one object and not thirty. */
class MemoryTx implements Tx {
  private readonly opened = new Map<string, number | null>(); // shared with objects made of this one
  private running = false;
  private readonly turns: (() => void)[] = []; // of statements that were sent while another ran, in order
  constructor(private readonly context: Context) {}

  openChunk(...[positions, refs, sections, stage]: Parameters<Tx['openChunk']>): ReturnType<Tx['openChunk']> {
    return this.run('openChunk', async (context) => {
      const chunk = await openChunk(context, positions, refs, sections, stage);
      for (const one of positions) this.opened.set(positionName(one), chunk.next.get(one.partition) ?? null);
      return chunk;
    });
  }
  lockCases(...[keys, sections]: Parameters<Tx['lockCases']>): ReturnType<Tx['lockCases']> {
    return this.run('lockCases', (context) => lockCases(context, keys, sections));
  }
  write(batch: WriteBatch): ReturnType<Tx['write']> {
    return this.run('write', (context) => {
      context.beforeWrite?.(batch);
      return write(context, batch, this.opened);
    });
  }
  last<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }
  journalData(refs: Parameters<Tx['journalData']>[0]): ReturnType<Tx['journalData']> {
    return this.run('journalData', (context) => journalData(context, refs));
  }
  now(): Promise<number> {
    return this.run('now', ({ database }) => database.clock());
  }
  lockOpen(keys: Parameters<Tx['lockOpen']>[0]): ReturnType<Tx['lockOpen']> {
    return this.run('lockOpen', (context) => lockOpen(context, keys));
  }
  createCases(cases: Parameters<Tx['createCases']>[0]): ReturnType<Tx['createCases']> {
    return this.run('createCases', (context) => createCases(context, cases));
  }
  countFingerprints(reports: Parameters<Tx['countFingerprints']>[0]): ReturnType<Tx['countFingerprints']> {
    return this.run('countFingerprints', (context) => countFingerprints(context, reports));
  }
  forgetFingerprints(ms: number, limit: number): Promise<number> {
    return this.run('forgetFingerprints', (context) => forgetFingerprints(context, ms, limit));
  }
  claimIdempotencyKeys(claims: Parameters<Tx['claimIdempotencyKeys']>[0]): ReturnType<Tx['claimIdempotencyKeys']> {
    return this.run('claimIdempotencyKeys', (context) => claimIdempotencyKeys(context, claims));
  }
  saveIdempotentAnswers(answers: Parameters<Tx['saveIdempotentAnswers']>[0]): Promise<void> {
    return this.run('saveIdempotentAnswers', (context) => saveIdempotentAnswers(context, answers));
  }
  dueWork(withOutbox: boolean): ReturnType<Tx['dueWork']> {
    return this.run('dueWork', (context) => dueWork(context, withOutbox));
  }
  staleOutbox(ms: number, limit: number): ReturnType<Tx['staleOutbox']> {
    return this.run('staleOutbox', (context) => staleOutbox(context, ms, limit));
  }
  deleteOutbox(published: Parameters<Tx['deleteOutbox']>[0]): Promise<void> {
    return this.run('deleteOutbox', (context) => deleteOutbox(context, published));
  }
  unseen(after: CaseKey | null, limit: number): ReturnType<Tx['unseen']> {
    const above = after === null ? '' : caseKey(after.tenantId, after.caseId);
    return this.run('unseen', (context) => unseen(context, above, limit));
  }
  sentTo(...args: Parameters<Tx['sentTo']>): ReturnType<Tx['sentTo']> {
    return this.run('sentTo', (context) => work.sentTo(context, ...args));
  }
  claimTimerTurn(): Promise<boolean> {
    return this.run('claimTimerTurn', ({ database, transaction }) =>
      database.locks.tryTake(transaction, TIMERS_TURN, ''),
    );
  }
  dueTimers(limit: number): ReturnType<Tx['dueTimers']> {
    return this.run('dueTimers', (context) => work.dueTimers(context, limit));
  }
  takeTimers(timers: Parameters<Tx['takeTimers']>[0]): ReturnType<Tx['takeTimers']> {
    return this.run('takeTimers', (context) => work.takeTimers(context, timers));
  }
  claimExecutions(owner: string, limit: number, leaseMs: number): ReturnType<Tx['claimExecutions']> {
    return this.run('claimExecutions', (context) => work.claimExecutions(context, owner, limit, leaseMs));
  }
  extendLeases(...[owner, list, leaseMs]: Parameters<Tx['extendLeases']>): ReturnType<Tx['extendLeases']> {
    return this.run('extendLeases', (context) => work.extendLeases(context, owner, list, leaseMs));
  }
  endExecutions(ends: Parameters<Tx['endExecutions']>[0]): ReturnType<Tx['endExecutions']> {
    return this.run('endExecutions', (context) => work.endExecutions(context, ends));
  }
  lockWait(tenantId: string, waitId: string): ReturnType<Tx['lockWait']> {
    return this.run('lockWait', (context) => work.lockWait(context, tenantId, waitId));
  }
  saveDecision(wait: Parameters<Tx['saveDecision']>[0]): Promise<void> {
    return this.run('saveDecision', (context) => work.saveDecision(context, wait));
  }
  lockDeadLetter(tenantId: string, id: string): ReturnType<Tx['lockDeadLetter']> {
    return this.run('lockDeadLetter', (context) => work.lockLetter(context, tenantId, id));
  }
  settleDeadLetter({ tenantId, deadLetterId, status, parks }: LetterSettlement): Promise<void> {
    return this.run('settleDeadLetter', (context) =>
      work.settleLetter(context, tenantId, deadLetterId, { status, parks }),
    );
  }
  editDeadLetter(...[tenantId, id, edited]: Parameters<Tx['editDeadLetter']>): Promise<void> {
    return this.run('editDeadLetter', (context) => work.editLetter(context, tenantId, id, edited));
  }
  unpublishedDeadLetters(limit: number): ReturnType<Tx['unpublishedDeadLetters']> {
    return this.run('unpublishedDeadLetters', (context) => work.unpublishedLetters(context, limit));
  }
  markDeadLettersPublished(letters: Parameters<Tx['markDeadLettersPublished']>[0]): Promise<void> {
    return this.run('markDeadLettersPublished', async (context) => {
      for (const one of letters) await work.settleLetter(context, one.tenantId, one.deadLetterId, { published: true });
    });
  }
  lockBudgets(keys: Parameters<Tx['lockBudgets']>[0]): ReturnType<Tx['lockBudgets']> {
    return this.run('lockBudgets', (context) => lockBudgets(context, keys));
  }
  sweepBudgets(limit: number): Promise<number> {
    return this.run('sweepBudgets', (context) => sweepBudgets(context, limit));
  }
  knownTenants(tenants: readonly string[]): ReturnType<Tx['knownTenants']> {
    const { rows } = this.context.database.tables.tenants;
    return this.run('knownTenants', () => new Set(tenants.filter((one) => rows.has(one))));
  }
  beat(worker: WorkerBeat): Promise<void> {
    const { workers } = this.context.database.tables;
    return this.run('beat', ({ transaction }) => transaction.set(workers, worker.workerId, worker));
  }

  get schedules(): ScheduleTx {
    return schedulesOn((what, statement) => this.run(what, statement));
  }

  get incidents(): IncidentTx {
    return incidentsOn((what, statement) => this.run(what, statement));
  }

  /** Statements that are sent together run one after the other, as on a connection. */
  private async run<T>(what: string, statement: (context: Context) => T | Promise<T>): Promise<T> {
    if (this.running) await new Promise<void>((resolve) => this.turns.push(resolve));
    this.running = true;
    const { transaction, pause } = this.context;
    try {
      const paused = pause('statement', what);
      if (paused !== undefined) await paused;
      if (transaction.dead) throw transaction.dead;
      const answer = statement(this.context);
      return answer instanceof Promise ? await answer : answer;
    } catch (error) {
      transaction.dead ??= error as Error;
      throw error;
    } finally {
      const next = this.turns.shift();
      if (next === undefined) this.running = false;
      else next();
    }
  }
}

function journalData({ database, transaction }: Context, refs: Parameters<Tx['journalData']>[0]): Map<string, string> {
  const { journal } = database.tables;
  const found = refs.flatMap((ref) => {
    const entry = transaction.sees(ref.tenantId) ? transaction.get(journal, entryKey(ref)) : undefined;
    return entry?.eventId === ref.eventId ? [[entryKey(ref), entry.data] as const] : [];
  });
  return new Map(found);
}

function unseen({ database, transaction }: Context, above: string, limit: number) {
  const isBehind = (sent: Marks, seen: Marks): boolean =>
    Object.entries(sent).some(([stage, seq]) => seq > (seen[stage as keyof Marks] ?? 0));
  return transaction
    .rows(database.tables.cases)
    .filter(({ state, sent, seen }) => transaction.sees(state.tenantId) && isBehind(sent, seen))
    .map(({ state: { tenantId, caseId }, sent, seen }) => ({
      tenantId,
      caseId,
      sent,
      seen,
      name: `${tenantId}:${caseId}`,
    }))
    .filter(({ name }) => name > above)
    .sort((a, b) => compare(a.name, b.name))
    .slice(0, limit)
    .map(({ name: _, ...row }) => row);
}
