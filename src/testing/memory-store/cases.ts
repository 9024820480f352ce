/** Cases: locking them, opening a chunk, ingestion by fingerprint and Idempotency-Key. */
import type { CaseState, Section } from '../../core/case.js';
import { caseKey } from '../../core/ids.js';
import type { StageName } from '../../core/stages.js';
import { awaitedOf } from '../../store/awaited.js';
import {
  type CaseKey,
  type CaseRow,
  type EventRef,
  type IdempotencyClaim,
  type NewCase,
  type OpenedChunk,
  type PositionKey,
  positionName,
  type Tx,
} from '../../store/port.js';
import type { StoredCase } from './database.js';
import { type Context, checkTenant, compare, entryKey, lockRow } from './statements.js';

export async function lockCases(
  context: Context,
  keys: readonly CaseKey[],
  sections: readonly Section[],
): Promise<CaseRow[]> {
  const { database, transaction } = context;
  const names = new Map(
    keys.filter(({ tenantId }) => transaction.sees(tenantId)).map((key) => [caseKey(key.tenantId, key.caseId), key]),
  );
  const found: CaseRow[] = [];
  for (const name of [...names.keys()].sort(compare)) {
    if (transaction.get(database.tables.cases, name) === undefined) continue;
    if (context.lockOnRead) await lockRow(context, database.tables.cases, name);
    const stored = transaction.get(database.tables.cases, name);
    if (stored !== undefined) found.push(toRow(stored, sections));
  }
  return found;
}

function toRow(stored: StoredCase, sections: readonly Section[]): CaseRow {
  const { state, version, seq, seen, sent, awaited, held, blocked } = stored;
  const read: CaseState = {
    ...state,
    exception: sections.includes('exception') ? state.exception : null,
    triage: sections.includes('triage') ? state.triage : null,
    policy: sections.includes('policy') ? state.policy : null,
    run: sections.includes('run') ? state.run : null,
    feedback: sections.includes('feedback') ? state.feedback : null,
  };
  return { state: read, version, seq, seen, sent, awaited, held, blocked, place: null };
}

export async function openChunk(
  context: Context,
  places: readonly PositionKey[],
  refs: readonly EventRef[],
  sections: readonly Section[],
  stage?: StageName,
): Promise<OpenedChunk> {
  const { database, transaction } = context;
  const { positions, journal } = database.tables;
  const next = new Map<number, number>();
  for (const place of places) {
    const name = positionName(place);
    if (transaction.get(positions, name) !== undefined) await lockRow(context, positions, name);
    const stored = transaction.get(positions, name);
    if (stored !== undefined) next.set(place.partition, stored.next);
  }
  const cases = await lockCases(context, refs, sections);
  const awaited = stage === undefined ? [] : awaitedOf(cases, refs, stage);
  const isJournaled = (ref: EventRef): boolean =>
    transaction.sees(ref.tenantId) && transaction.get(journal, entryKey(ref))?.eventId === ref.eventId;
  return { next, now: database.clock(), cases, known: refs.map((ref, i) => awaited[i] || isJournaled(ref)) };
}

export async function lockOpen(context: Context, keys: Parameters<Tx['lockOpen']>[0]) {
  const { database, transaction } = context;
  const wanted = new Set(keys.map(({ tenantId, openKey }) => `${tenantId}\n${openKey}`));
  const names = transaction
    .rows(database.tables.cases)
    .filter(({ state, openKey }) => transaction.sees(state.tenantId) && wanted.has(`${state.tenantId}\n${openKey}`))
    .map(({ state }) => caseKey(state.tenantId, state.caseId))
    .sort(compare);
  const found: (CaseRow & { openKey: string })[] = [];
  for (const name of names) {
    if (context.lockOnRead) await lockRow(context, database.tables.cases, name);
    const stored = transaction.get(database.tables.cases, name);
    if (stored?.openKey != null && wanted.has(`${stored.state.tenantId}\n${stored.openKey}`)) {
      found.push({ openKey: stored.openKey, ...toRow(stored, []) });
    }
  }
  return found;
}

/** The lock that an uncommitted use, or release, of a fingerprint holds. */
export const openLock = (tenantId: string, openKey: string): string => `open ${tenantId} ${openKey}`;

export async function createCases(context: Context, cases: readonly NewCase[]): Promise<ReadonlySet<string>> {
  const { database, transaction } = context;
  const made = new Set<string>();
  const sorted = [...cases].sort((a, b) => compare(a.tenantId, b.tenantId) || compare(a.openKey, b.openKey));
  for (const one of sorted) {
    checkTenant(context, one.tenantId);
    const name = caseKey(one.tenantId, one.caseId);
    const lock = openLock(one.tenantId, one.openKey);
    if (isHeld(context, one) && !database.locks.isTakenByOther(transaction, 'cases', lock)) continue;
    await lockRow(context, database.tables.cases, lock);
    if (isHeld(context, one) || transaction.get(database.tables.cases, name) !== undefined) {
      database.locks.release(transaction, 'cases', lock);
      continue;
    }
    await lockRow(context, database.tables.cases, name);
    transaction.set(database.tables.cases, name, storedCase(one));
    made.add(one.caseId);
  }
  return made;
}

const isHeld = ({ database, transaction }: Context, { tenantId, openKey }: NewCase): boolean =>
  transaction.rows(database.tables.cases).some((row) => row.state.tenantId === tenantId && row.openKey === openKey);

const storedCase = ({ tenantId, caseId, openKey, at }: NewCase): StoredCase => ({
  state: {
    tenantId,
    caseId,
    kind: 'exception',
    status: 'OPEN',
    paused: false,
    count: 0,
    createdAt: at,
    lastSeenAt: at,
    exception: null,
    triage: null,
    policy: null,
    run: null,
    feedback: null,
  },
  version: 1,
  seq: 0,
  seen: {},
  sent: {},
  awaited: null,
  held: null,
  blocked: false,
  openKey,
});

export async function claimIdempotencyKeys(context: Context, claims: readonly IdempotencyClaim[]) {
  const { database, transaction } = context;
  const table = database.tables.idempotency;
  const distinct = new Map(claims.map((one) => [`${one.tenantId}\n${one.key}`, one]));
  const before: (IdempotencyClaim & { readonly answer: unknown })[] = [];
  for (const [name, claim] of [...distinct].sort(([a], [b]) => compare(a, b))) {
    checkTenant(context, claim.tenantId);
    if (transaction.get(table, name) === undefined) await lockRow(context, table, name);
    const found = transaction.get(table, name);
    if (found !== undefined) before.push(found);
    else transaction.set(table, name, { answer: null, ...claim });
  }
  return before;
}

export async function saveIdempotentAnswers(
  context: Context,
  answers: Parameters<Tx['saveIdempotentAnswers']>[0],
): Promise<void> {
  const { database, transaction } = context;
  const table = database.tables.idempotency;
  for (const { tenantId, key, answer } of answers) {
    const name = `${tenantId}\n${key}`;
    await lockRow(context, table, name);
    const found = transaction.get(table, name);
    if (found !== undefined) transaction.set(table, name, { ...found, answer });
  }
}
