/** What is not published yet: a row for each tenant of a batch. */
import type { JournalEntry } from '../../core/envelope.js';
import { stageFor } from '../../core/events.js';
import { caseKey } from '../../core/ids.js';
import type { BatchRef, Unpublished } from '../../store/port.js';
import type { StoredBatch } from './database.js';
import { bySeq, type Context, compare, entryKey, lockRow, tryRow } from './statements.js';

const batchName = ({ batchId, tenantId }: Pick<StoredBatch, 'batchId' | 'tenantId'>): string =>
  `${batchId} ${tenantId}`;

export function queue(
  { database, transaction }: Context,
  { batchId, tenants, entries }: Unpublished,
  journal: readonly JournalEntry[],
): void {
  const takenAt = database.clock();
  for (const tenantId of tenants) {
    const isOurs = (entry: JournalEntry) => entry.tenantId === tenantId;
    const times = entries
      .filter((entry) => isOurs(entry) && journal.includes(entry))
      .map(({ time }) => Date.parse(time));
    transaction.set(database.tables.outbox, batchName({ batchId, tenantId }), {
      ...{ batchId, tenantId, takenAt, createdAt: Math.min(takenAt, ...times) },
      events: entries.filter(isOurs).map(entryKey),
    });
  }
}

/** No event of the tenant that waits is older, unless it is sent again. */
export function waitsSince({ database, transaction }: Context, tenantId: string): number {
  const mine = transaction.rows(database.tables.outbox).filter((row) => row.tenantId === tenantId);
  return Math.min(Number.POSITIVE_INFINITY, ...mine.map(({ createdAt }) => createdAt));
}

export function staleOutbox(context: Context, olderMs: number, limit: number): Unpublished[] {
  const { database, transaction } = context;
  const { outbox, journal, cases } = database.tables;
  const before = database.clock() - olderMs;
  const old = transaction
    .rows(outbox)
    .filter(({ tenantId, takenAt }) => transaction.sees(tenantId) && takenAt <= before);
  const taken: Unpublished[] = [];
  let events = 0;
  for (const row of old.sort((a, b) => a.createdAt - b.createdAt)) {
    if (events >= limit || !tryRow(context, outbox, batchName(row))) continue;
    events += row.events.length;
    transaction.set(outbox, batchName(row), { ...row, takenAt: database.clock() });
    const entries = row.events.flatMap((name) => {
      const entry = transaction.get(journal, name);
      const stage = entry && stageFor(entry.type);
      if (!entry || !stage) return [];
      const seen = transaction.get(cases, caseKey(entry.tenantId, entry.caseId))?.seen[stage] ?? 0;
      return entry.seq > seen ? [entry] : [];
    });
    taken.push({ batchId: row.batchId, tenants: [row.tenantId], entries: entries.sort(bySeq) });
  }
  return taken;
}

export async function deleteOutbox(context: Context, published: readonly BatchRef[]): Promise<void> {
  const { database, transaction } = context;
  const { outbox } = database.tables;
  const names = published.flatMap(({ batchId, tenants }) =>
    tenants.filter((tenantId) => transaction.sees(tenantId)).map((tenantId) => batchName({ batchId, tenantId })),
  );
  for (const name of names.sort(compare)) {
    if (transaction.get(outbox, name) === undefined) continue;
    await lockRow(context, outbox, name);
    transaction.set(outbox, name, undefined);
  }
}
