/** Work that hangs on a case: calls on the ledger, waits, timers, dead letters. */
import { caseKey } from '../../core/ids.js';
import type { StageName } from '../../core/stages.js';
import { headStart, leaseOf } from '../../core/work.js';
import type {
  CaseKey,
  ClaimedExecution,
  DeadLetterDraft,
  DeadLetterRecord,
  ExecutionEnd,
  TimerRow,
  Tx,
  WriteBatch,
} from '../../store/port.js';
import type { StoredExecution, StoredLetter } from './database.js';
import { type Context, checkDocument, checkTenant, compare, lockRow, tryRow } from './statements.js';

type ExecutionKey = CaseKey & { readonly executionId: string };
const callName = ({ tenantId, executionId }: { tenantId: string; executionId: string }): string =>
  `${tenantId}:${executionId}`;
const byCall = (a: ExecutionKey, b: ExecutionKey): number => compare(callName(a), callName(b));

/** Locks a call and gives it as it then is, if this transaction may see it. */
async function lockCall(context: Context, key: ExecutionKey): Promise<StoredExecution | undefined> {
  const { executions } = context.database.tables;
  if (!context.transaction.sees(key.tenantId) || context.transaction.get(executions, callName(key)) === undefined)
    return undefined;
  await lockRow(context, executions, callName(key));
  return context.transaction.get(executions, callName(key));
}

export async function cancelExecutions(context: Context, list: readonly ExecutionKey[]): Promise<void> {
  for (const key of [...list].sort(byCall)) {
    const found = await lockCall(context, key);
    if (found?.status !== 'pending' && found?.status !== 'leased') continue;
    context.transaction.set(context.database.tables.executions, callName(key), {
      ...found,
      status: 'canceled',
      owner: null,
      until: 0,
    });
  }
}

/** Where a call stands in line. The time of one that has not begun has its head start already. */
const placeOf = ({ attempt, nextAt, row }: StoredExecution): number =>
  attempt === 0 ? nextAt : nextAt - headStart(row.priority);

export function claimExecutions(context: Context, owner: string, limit: number, leaseMs: number): ClaimedExecution[] {
  const { database, transaction } = context;
  const { executions } = database.tables;
  const now = database.clock();
  const visible = transaction.rows(executions).filter(({ row }) => transaction.sees(row.tenantId));
  const expired = visible.filter((one) => one.status === 'leased' && one.until < now).sort((a, b) => a.until - b.until);
  const pending = visible
    .filter((one) => one.status === 'pending' && one.nextAt <= now)
    .sort((a, b) => placeOf(a) - placeOf(b));
  const claimed: ClaimedExecution[] = [];
  for (const found of [...expired, ...pending]) {
    if (claimed.length >= limit) break;
    const name = callName(found.row);
    if (!tryRow(context, executions, name)) continue;
    const attempt = found.attempt + 1;
    transaction.set(executions, name, {
      ...found,
      status: 'leased',
      attempt,
      owner,
      until: now + leaseOf(found.row.effect, leaseMs),
    });
    claimed.push({ attempt, tries: found.tries, expired: found.status === 'leased', ...found.row });
  }
  return claimed;
}

export async function extendLeases(
  context: Context,
  owner: string,
  list: readonly (ExecutionKey & { readonly attempt: number })[],
  leaseMs: number,
): Promise<ReadonlySet<string>> {
  const { database, transaction } = context;
  const kept = new Set<string>();
  for (const key of [...list].sort(byCall)) {
    const found = await lockCall(context, key);
    if (found?.status !== 'leased' || found.attempt !== key.attempt || found.owner !== owner) continue;
    transaction.set(database.tables.executions, callName(key), {
      ...found,
      until: database.clock() + leaseOf(found.row.effect, leaseMs),
    });
    kept.add(key.executionId);
  }
  return kept;
}

export async function endExecutions(context: Context, ends: readonly ExecutionEnd[]): Promise<ReadonlySet<string>> {
  const { database, transaction } = context;
  const ours = new Set<string>();
  for (const end of ends) if (end.status !== 'pending') checkDocument(JSON.stringify([end.result, end.error]));
  for (const end of [...ends].sort(byCall)) {
    const found = await lockCall(context, end);
    if (found === undefined || !context.guards.attempt(found, end.attempt)) continue;
    const rest =
      end.status === 'pending' ? { nextAt: database.clock() + end.inMs } : { result: end.result, error: end.error };
    const over = { status: end.status, tries: end.tries, owner: null, until: 0 };
    transaction.set(database.tables.executions, callName(end), { ...found, ...over, ...rest });
    ours.add(end.executionId);
  }
  return ours;
}

export async function closeWaits(context: Context, list: NonNullable<WriteBatch['closeWaits']>): Promise<void> {
  const { database, transaction } = context;
  for (const { tenantId, waitId, status } of list) {
    const name = `${tenantId}:${waitId}`;
    if (!transaction.sees(tenantId) || transaction.get(database.tables.waits, name) === undefined) continue;
    await lockRow(context, database.tables.waits, name);
    const found = transaction.get(database.tables.waits, name);
    if (found === undefined || found.closedAt !== null) continue;
    transaction.set(database.tables.waits, name, { ...found, status, closedAt: database.clock() });
  }
}

export async function lockWait(context: Context, tenantId: string, waitId: string) {
  const { database, transaction } = context;
  const name = `${tenantId}:${waitId}`;
  if (!transaction.sees(tenantId) || transaction.get(database.tables.waits, name) === undefined) return null;
  await lockRow(context, database.tables.waits, name);
  return transaction.get(database.tables.waits, name) ?? null;
}

export async function saveDecision(context: Context, wait: Parameters<Tx['saveDecision']>[0]): Promise<void> {
  const { database, transaction } = context;
  const found = await lockWait(context, wait.tenantId, wait.waitId);
  if (found === null) return;
  const { decisions, status } = wait;
  transaction.set(database.tables.waits, `${wait.tenantId}:${wait.waitId}`, { ...found, decisions, status });
}

export function dueTimers({ database, transaction }: Context, limit: number): TimerRow[] {
  const now = database.clock();
  const due = transaction
    .rows(database.tables.timers)
    .filter((one) => transaction.sees(one.tenantId) && one.dueAt <= now);
  return due.sort((a, b) => a.dueAt - b.dueAt).slice(0, limit);
}

export async function takeTimers(
  context: Context,
  list: readonly (CaseKey & { readonly timerId: string })[],
): Promise<ReadonlySet<string>> {
  const { database, transaction } = context;
  const { timers } = database.tables;
  const taken = new Set<string>();
  for (const { tenantId, timerId } of [...list].sort((a, b) => compare(a.timerId, b.timerId))) {
    const name = `${tenantId}:${timerId}`;
    if (!transaction.sees(tenantId) || transaction.get(timers, name) === undefined) continue;
    await lockRow(context, timers, name);
    if (transaction.get(timers, name) === undefined) continue;
    transaction.set(timers, name, undefined);
    taken.add(timerId);
  }
  return taken;
}

const letterName = (one: { tenantId: string; deadLetterId: string }): string => `${one.tenantId}:${one.deadLetterId}`;

export async function insertLetters(context: Context, letters: readonly DeadLetterDraft[]): Promise<void> {
  const { database, transaction } = context;
  for (const letter of [...letters].sort((a, b) => compare(letterName(a), letterName(b)))) {
    checkTenant(context, letter.tenantId);
    await lockRow(context, database.tables.letters, letterName(letter));
    const before = transaction.get(database.tables.letters, letterName(letter));
    const now = database.clock();
    const fresh: StoredLetter = {
      attempts: 0,
      firstAt: now,
      lastAt: now,
      edited: null,
      status: 'open',
      parks: false,
      published: false,
      ...letter,
    };
    const { code, message, path } = letter;
    const { attempts, parks, status } = before ?? fresh;
    transaction.set(database.tables.letters, letterName(letter), {
      ...(before ?? fresh),
      code,
      message,
      path,
      attempts: attempts + 1,
      lastAt: now,
      status: parks || status === 'parked' ? 'parked' : 'open',
      parks: false,
      published: false,
    });
  }
}

export async function lockLetter(
  context: Context,
  tenantId: string,
  deadLetterId: string,
): Promise<DeadLetterRecord | null> {
  const { database, transaction } = context;
  const name = letterName({ tenantId, deadLetterId });
  if (!transaction.sees(tenantId) || transaction.get(database.tables.letters, name) === undefined) return null;
  await lockRow(context, database.tables.letters, name);
  return withoutMark(transaction.get(database.tables.letters, name));
}

function withoutMark(stored: StoredLetter | undefined): DeadLetterRecord | null {
  if (stored === undefined) return null;
  const { published: _, parks: __, ...letter } = stored;
  return letter;
}

export async function settleLetter(
  context: Context,
  tenantId: string,
  deadLetterId: string,
  change: Partial<Pick<StoredLetter, 'status' | 'parks' | 'published' | 'edited'>>,
): Promise<void> {
  const { database, transaction } = context;
  if ((await lockLetter(context, tenantId, deadLetterId)) === null) return;
  const name = letterName({ tenantId, deadLetterId });
  const found = transaction.get(database.tables.letters, name);
  if (found !== undefined) transaction.set(database.tables.letters, name, { ...found, ...change });
}

export function unpublishedLetters({ database, transaction }: Context, limit: number): DeadLetterRecord[] {
  const all = transaction
    .rows(database.tables.letters)
    .filter((one) => !one.published && transaction.sees(one.tenantId));
  return all
    .sort((a, b) => a.firstAt - b.firstAt)
    .slice(0, limit)
    .map((one) => withoutMark(one) as DeadLetterRecord);
}

export async function editLetter(
  context: Context,
  tenantId: string,
  deadLetterId: string,
  edited: DeadLetterRecord['edited'],
): Promise<void> {
  const found = await lockLetter(context, tenantId, deadLetterId);
  if (found === null) return;
  const status = found.status === 'parked' ? 'open' : found.status;
  await settleLetter(context, tenantId, deadLetterId, { edited, status });
}

export function sentTo(
  { database, transaction }: Context,
  stage: StageName,
  since: number,
  after: CaseKey | null,
  limit: number,
): CaseKey[] {
  const above = after === null ? '' : caseKey(after.tenantId, after.caseId);
  return transaction
    .rows(database.tables.cases)
    .filter(({ state, sent }) => transaction.sees(state.tenantId) && stage in sent && state.createdAt >= since)
    .map(({ state: { tenantId, caseId } }) => ({ tenantId, caseId }))
    .filter(({ tenantId, caseId }) => caseKey(tenantId, caseId) > above)
    .sort((a, b) => compare(caseKey(a.tenantId, a.caseId), caseKey(b.tenantId, b.caseId)))
    .slice(0, limit);
}
