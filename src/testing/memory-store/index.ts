/** The store's port over a database in memory. It passes the same contract as Postgres and PGlite. */
import { isTenantId } from '../../core/ids.js';
import type { Marks, Store, TenantScope, Tx } from '../../store/port.js';
import { SYSTEM_TENANT } from '../../store/port.js';
import { claimIdempotencyKeys, createCases, lockCases, lockOpen, openChunk, saveIdempotentAnswers } from './cases.js';
import type { MemoryDatabase } from './database.js';
import { type Context, compare, entryKey, GUARDS, type Guards, type Pause } from './statements.js';
import * as work from './work.js';
import { type Opened, write } from './write.js';

export { MemoryDatabase } from './database.js';

export interface MemoryStoreOptions {
  /** Who opens the transactions, for `MemoryDatabase.cut`. */
  readonly client?: unknown;
  readonly pause?: Pause;
  readonly guards?: Partial<Guards>;
  readonly lockOnRead?: boolean;
}

const NO_PAUSE: Pause = () => undefined;

export function createMemoryStore(database: MemoryDatabase, options: MemoryStoreOptions = {}): Store {
  const { client, pause = NO_PAUSE, lockOnRead = true } = options;
  const guards = { ...GUARDS, ...options.guards };
  return {
    async transaction(scope, body) {
      checkScope(scope);
      await pause('begin', '');
      const transaction = database.begin(scope, client);
      let result: Awaited<ReturnType<typeof body>>;
      try {
        result = await body(transactionOf({ database, transaction, pause, guards, lockOnRead }));
        await pause('commit', '');
        database.commit(transaction);
      } catch (error) {
        database.rollback(transaction);
        throw error;
      }
      await pause('committed', '');
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

function transactionOf(context: Context): Tx {
  const { database, transaction } = context;
  let opened: Opened;
  const run = async <T>(what: string, statement: () => T | Promise<T>): Promise<T> => {
    await context.pause('statement', what);
    if (transaction.dead) throw transaction.dead;
    try {
      return await statement();
    } catch (error) {
      transaction.dead ??= error as Error;
      throw error;
    }
  };
  return {
    openChunk: (position, refs, sections) =>
      run('openChunk', async () => {
        const chunk = await openChunk(context, position, refs, sections);
        opened = { position, next: chunk.next };
        return chunk;
      }),
    lockCases: (keys, sections) => run('lockCases', () => lockCases(context, keys, sections)),
    write: (batch) => run('write', () => write(context, batch, opened)),
    journalData: (refs) =>
      run('journalData', () => {
        const found = refs.flatMap((ref) => {
          const entry = transaction.sees(ref.tenantId)
            ? transaction.get(database.tables.journal, entryKey(ref))
            : undefined;
          return entry?.eventId === ref.eventId ? [[entryKey(ref), entry.data] as const] : [];
        });
        return new Map(found);
      }),
    now: async () => database.clock(),
    lockOpen: (keys) => run('lockOpen', () => lockOpen(context, keys)),
    createCases: (cases) => run('createCases', () => createCases(context, cases)),
    claimIdempotencyKeys: (claims) => run('claimIdempotencyKeys', () => claimIdempotencyKeys(context, claims)),
    saveIdempotentAnswers: (answers) => run('saveIdempotentAnswers', () => saveIdempotentAnswers(context, answers)),
    staleOutbox: (ms, limit) => run('staleOutbox', () => work.staleOutbox(context, ms, limit)),
    deleteOutbox: (published) => run('deleteOutbox', () => work.deleteOutbox(context, published)),
    unseen: (after, limit) =>
      run('unseen', () => unseen(context, after === null ? '' : `${after.tenantId}:${after.caseId}`, limit)),
    claimTimerTurn: () => run('claimTimerTurn', () => database.locks.tryTake(transaction, TIMERS_TURN)),
    dueTimers: (limit) => run('dueTimers', () => work.dueTimers(context, limit)),
    takeTimers: (timers) => run('takeTimers', () => work.takeTimers(context, timers)),
    claimExecutions: (owner, limit, ms) =>
      run('claimExecutions', () => work.claimExecutions(context, owner, limit, ms)),
    extendLeases: (owner, list, ms) => run('extendLeases', () => work.extendLeases(context, owner, list, ms)),
    endExecutions: (ends) => run('endExecutions', () => work.endExecutions(context, ends)),
    lockWait: (tenantId, waitId) => run('lockWait', () => work.lockWait(context, tenantId, waitId)),
    saveDecision: (wait) => run('saveDecision', () => work.saveDecision(context, wait)),
    lockDeadLetter: (tenantId, id) => run('lockDeadLetter', () => work.lockLetter(context, tenantId, id)),
    settleDeadLetter: (tenantId, id, status) =>
      run('settleDeadLetter', () => work.settleLetter(context, tenantId, id, { status })),
    unpublishedDeadLetters: (limit) => run('unpublishedDeadLetters', () => work.unpublishedLetters(context, limit)),
    markDeadLettersPublished: (letters) =>
      run('markDeadLettersPublished', async () => {
        for (const one of letters)
          await work.settleLetter(context, one.tenantId, one.deadLetterId, { published: true });
      }),
    knownTenants: (tenants) =>
      run('knownTenants', () => new Set(tenants.filter((one) => database.tables.tenants.rows.has(one)))),
    beat: (worker) => run('beat', () => transaction.set(database.tables.workers, worker.workerId, worker)),
  };
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
