/** The shell's write: position, states, journal and outbox as one statement, and what hangs on a case. */

import type { JournalEntry } from '../../core/envelope.js';
import { stageFor } from '../../core/events.js';
import { caseKey } from '../../core/ids.js';
import { unpublished } from '../../core/outbox.js';
import { headStart, LEASE_MS, leaseOf } from '../../core/work.js';
import { StaleVersionError } from '../../store/errors.js';
import {
  type CaseUpdate,
  type Earlier,
  type Position,
  positionName,
  type Unpublished,
  type WriteBatch,
} from '../../store/port.js';
import { writeBudgets } from './budgets.js';
import { openLock } from './cases.js';
import type { StoredCase, Table } from './database.js';
import { noteIncidents } from './incidents.js';
import { deleteOutbox, queue, waitsSince } from './outbox.js';
import {
  after,
  bySeq,
  type Context,
  checkDocument,
  checkJson,
  checkTenant,
  compare,
  entryKey,
  lockRow,
} from './statements.js';
import { cancelExecutions, closeWaits, insertLetters, takeTimers } from './work.js';

/** What `openChunk` of the same transaction saw of positions, by name: null where there was none. */
export type Opened = ReadonlyMap<string, number | null>;

export async function write(context: Context, batch: WriteBatch, opened: Opened): Promise<Unpublished | null> {
  const again = againOf(context, batch);
  let updated = 0;
  for (const update of batch.cases) {
    const done = updateCase(context, update);
    if (done === true || (done !== false && (await done))) updated++;
  }
  let moved = true;
  for (const position of batch.positions ?? []) {
    const moving = movePosition(context, position, opened.get(positionName(position)));
    if (!(typeof moving === 'boolean' ? moving : await moving)) moved = false;
  }
  for (const entry of batch.journal) {
    const appended = append(context, entry);
    if (appended !== undefined) await appended;
  }
  const left = unpublished(context.database.newId(), again, batch.journal);
  if (left !== null) queue(context, left, batch.journal);
  await deleteOutbox(context, batch.published ?? []);
  await writeWork(context, batch);
  if (updated !== batch.cases.length || !moved) throw new StaleVersionError();
  return left;
}

function againOf(context: Context, { resend = [], earlier = [] }: WriteBatch): JournalEntry[] {
  const { database, transaction } = context;
  const { cases, journal } = database.tables;
  const found = new Set<JournalEntry>();
  const wanted: readonly (Omit<Earlier, 'below'> & { readonly below?: number })[] = [...resend, ...earlier];
  for (const { tenantId, caseId, stage, above, below } of wanted) {
    if (!transaction.sees(tenantId)) continue;
    const last = below === undefined ? (transaction.get(cases, caseKey(tenantId, caseId))?.seq ?? 0) : below - 1;
    const since = below === undefined ? Number.NEGATIVE_INFINITY : waitsSince(context, tenantId);
    for (let seq = above + 1; seq <= last; seq++) {
      const entry = transaction.get(journal, entryKey({ tenantId, caseId, seq }));
      if (entry !== undefined && stageFor(entry.type) === stage && Date.parse(entry.time) >= since) found.add(entry);
    }
  }
  return [...found].sort(bySeq);
}

function updateCase(context: Context, update: CaseUpdate): boolean | Promise<boolean> {
  const { database, transaction } = context;
  const { tenantId, caseId, version, releaseKey } = update;
  const { cases } = database.tables;
  const name = caseKey(tenantId, caseId);
  if (!transaction.sees(tenantId) || transaction.get(cases, name) === undefined) return false;
  return after(lockRow(context, cases, name), () => {
    const stored = transaction.get(cases, name);
    if (stored === undefined || !context.guards.version(stored.version, version)) return false;
    const key = releaseKey ? stored.openKey : null;
    const wait = key === null ? undefined : lockRow(context, cases, openLock(tenantId, key));
    return after(wait, () => setCase(context, name, stored, update));
  });
}

function setCase({ database, transaction }: Context, name: string, stored: StoredCase, update: CaseUpdate): true {
  const { set, status, count, lastSeenAt, releaseKey, seq, seen, sent, awaited, held, blocked } = update;
  transaction.set(database.tables.cases, name, {
    state: { ...stored.state, ...set, status, count, lastSeenAt },
    version: stored.version + 1,
    seq,
    seen,
    sent,
    awaited,
    held,
    blocked,
    openKey: releaseKey ? null : stored.openKey,
  });
  return true;
}

/** `read`: undefined where it was not opened. */
function movePosition(
  context: Context,
  position: Position,
  read: number | null | undefined,
): boolean | Promise<boolean> {
  const { database, transaction } = context;
  const name = positionName(position);
  return after(lockRow(context, database.tables.positions, name), () => {
    const now = transaction.get(database.tables.positions, name)?.next ?? null;
    if (read !== undefined && !context.guards.position(now, read)) return false;
    transaction.set(database.tables.positions, name, { next: position.next });
    return true;
  });
}

type Done = Promise<undefined> | undefined;

function append(context: Context, entry: JournalEntry): Done {
  checkTenant(context, entry.tenantId);
  checkJson(context, entry.data);
  const { database, transaction } = context;
  const name = entryKey(entry);
  return after(lockRow(context, database.tables.journal, name), () => {
    const before = transaction.get(database.tables.journal, name);
    if (before !== undefined) context.guards.sequence(before, entry);
    transaction.set(database.tables.journal, name, entry);
    return undefined;
  }) as Done;
}

async function writeWork(context: Context, batch: WriteBatch): Promise<void> {
  const { database, transaction } = context;
  const { executions, waits, timers } = database.tables;
  for (const { leaseOwner, ...row } of batch.executions ?? []) {
    checkDocument(JSON.stringify(row.input ?? null));
    const leased = leaseOwner !== null;
    await insert(context, executions, row.tenantId, row.executionId, {
      row,
      status: leased ? 'leased' : 'pending',
      attempt: leased ? 1 : 0,
      tries: 0,
      owner: leaseOwner,
      until: leased ? database.clock() + leaseOf(row.effect, LEASE_MS) : 0,
      nextAt: database.clock() - headStart(row.priority),
      result: null,
      error: null,
    });
  }
  if (batch.cancelExecutions?.length) await cancelExecutions(context, batch.cancelExecutions);
  for (const wait of batch.waits ?? []) {
    const createdAt = database.clock();
    const open = { status: 'open', decisions: [], createdAt, closedAt: null, ...wait } as const;
    await insert(context, waits, wait.tenantId, wait.waitId, open);
  }
  if (batch.closeWaits?.length) await closeWaits(context, batch.closeWaits);
  for (const timer of batch.timers ?? []) await insert(context, timers, timer.tenantId, timer.timerId, timer);
  if (batch.cancelTimers?.length) await takeTimers(context, batch.cancelTimers);
  if (batch.deadLetters?.length) await insertLetters(context, batch.deadLetters);
  if (batch.incidents) await noteIncidents(context, batch.incidents);
  writeBudgets(context, batch.budgets ?? []);
  const tally = [...(batch.tally ?? [])].sort((a, b) => compare(figureName(a), figureName(b)));
  for (const one of tally) {
    checkTenant(context, one.tenantId);
    await lockRow(context, database.tables.figures, figureName(one));
    const before = transaction.get(database.tables.figures, figureName(one));
    transaction.set(database.tables.figures, figureName(one), {
      tenantId: one.tenantId,
      kind: one.kind,
      name: one.name,
      outcome: one.outcome,
      durationMs: (before?.durationMs ?? 0) + one.durationMs,
      cases: (before?.cases ?? 0) + 1,
    });
  }
}

const figureName = (one: { tenantId: string; kind: string; name: string; outcome: string }): string =>
  [one.tenantId, one.kind, one.name, one.outcome].join('\n');

/** `on conflict do nothing`. */
async function insert<Row>(context: Context, table: Table<Row>, tenantId: string, id: string, row: Row): Promise<void> {
  checkTenant(context, tenantId);
  const name = `${tenantId}:${id}`;
  await lockRow(context, table, name);
  if (context.transaction.get(table, name) === undefined) context.transaction.set(table, name, row);
}
