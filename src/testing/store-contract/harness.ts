/** What the contract suite needs of a store, and rows for its tests. */
import { randomUUID } from 'node:crypto';
import { RETRY_PROFILES } from '../../core/backoff.js';
import type { JournalEntry } from '../../core/envelope.js';
import type { EventType } from '../../core/events.js';
import type {
  CaseKey,
  CaseRow,
  CaseUpdate,
  ExecutionRow,
  Store,
  TimerRow,
  Unpublished,
  WaitRow,
  WriteBatch,
} from '../../store/port.js';

export interface StoreHarness {
  readonly store: Store;
  /** Makes a tenant that nobody else uses. */
  tenant(): Promise<string>;
  /** Gives the tenant a pack, whose version 1 is active. Absent where packs are not kept. */
  readonly activate?: (tenantId: string) => Promise<void>;
  /** How many transactions wait for a lock now. Absent where transactions run one after the other. */
  readonly waiting?: () => Promise<number>;
  close(): Promise<void>;
}

/** Gives the harness of the running test. */
export type Current = () => StoreHarness;

export const NOTHING: WriteBatch = { cases: [], journal: [] };

/** Creates a case under `tenantId`, commits it, and answers with its key. */
export async function aCase(store: Store, tenantId: string, openKey: string = randomUUID()): Promise<CaseKey> {
  const key = { tenantId, caseId: randomUUID() };
  await store.transaction([tenantId], (tx) =>
    tx.createCases([{ ...key, openKey, source: 'trades', at: 1_700_000_000_000 }]),
  );
  return key;
}

/** The update that leaves a locked case as it is, but for `change`. */
export function updateOf(row: CaseRow, change: Partial<CaseUpdate> = {}): CaseUpdate {
  const { tenantId, caseId, status, count, lastSeenAt } = row.state;
  const { version, seq, seen, sent, awaited, held, blocked, place } = row;
  return {
    ...{ tenantId, caseId, version, place, status, seq, seen, sent, awaited, held, blocked, count, lastSeenAt },
    releaseKey: false,
    set: {},
    ...change,
  };
}

export function entryOf(
  key: CaseKey,
  seq: number,
  type: EventType = 'ExceptionTriaged',
  data: unknown = { seq },
): JournalEntry {
  return {
    ...key,
    seq,
    after: seq - 1,
    eventId: randomUUID(),
    type,
    emitter: 'triage',
    causeId: randomUUID(),
    time: '2026-11-20T10:00:00.123Z',
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    data: JSON.stringify(data),
  };
}

/** Locks the case, appends these entries to it in one transaction, and answers with what `write` left to be published. */
export function append(
  store: Store,
  key: CaseKey,
  entries: readonly JournalEntry[],
  change: Partial<CaseUpdate> = {},
): Promise<Unpublished | null> {
  return store.transaction([key.tenantId], async (tx) => {
    const [row] = await tx.lockCases([key], []);
    if (row === undefined) throw new Error('the case of the test is not there');
    const seq = Math.max(row.seq, ...entries.map((entry) => entry.seq));
    return tx.write({ ...NOTHING, cases: [updateOf(row, { seq, ...change })], journal: entries });
  });
}

/** All that waits in the tenant's outbox, in the order in which it would be published. */
export const waiting = async (store: Store, tenantId: string): Promise<JournalEntry[]> =>
  (await store.transaction([tenantId], (tx) => tx.staleOutbox(-1_000, 1_000))).flatMap(({ entries }) => entries);

/** Takes what a transaction left out of the outbox, as if it were published. */
export const published = (store: Store, ...batches: readonly (Unpublished | null)[]): Promise<unknown> =>
  store.transaction(
    batches.flatMap((batch) => batch?.tenants ?? []),
    (tx) => tx.deleteOutbox(batches.filter((batch) => batch !== null)),
  );

export const executionOf = (key: CaseKey): ExecutionRow => ({
  ...key,
  executionId: randomUUID(),
  runId: randomUUID(),
  step: 'look',
  tool: 'ledger',
  block: 'http.request',
  connection: null,
  input: { url: 'https://ledger.example/x?y="z"', deep: [1, { a: null }] },
  effect: 'idempotent',
  timeoutMs: 5_000,
  retry: RETRY_PROFILES.block,
  priority: 3,
  packVersion: 3,
  traceparent: null,
  causeId: randomUUID(),
});

export const timerOf = (key: CaseKey, dueAt: number): TimerRow => ({
  ...key,
  timerId: randomUUID(),
  kind: 'wait.timeout',
  dueAt,
  data: { step: 'ask' },
});

export const waitOf = (key: CaseKey): WaitRow => ({
  ...key,
  waitId: randomUUID(),
  runId: randomUUID(),
  step: 'ask',
  kind: 'approval',
  title: 'Release the payment?',
  terms: { from: ['ann', 'bob'], quorum: 2, notRequester: true, timeoutMs: 60_000, onTimeout: 'escalate' },
  expiresAt: 1_900_000_000_000,
  packVersion: 3,
});

/** Writes what hangs on a case, without touching the case. */
export const put = (store: Store, key: CaseKey, batch: Partial<WriteBatch>): Promise<unknown> =>
  store.transaction([key.tenantId], (tx) => tx.write({ ...NOTHING, ...batch }));
