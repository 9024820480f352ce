/** One turn of the wheel on the small, busy tables: a chunk writes, publishes, calls and times, and all of it goes again. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_PRIORITY } from '../../src/core/records.js';
import { CaseDraft } from '../../src/runtime/draft.js';
import type { CaseKey, ExecutionRow, Position, Store, TimerRow } from '../../src/store/port.js';
import { TENANT } from './pack.js';

export const A_TURN = 100; // cases in one
const LEASE_MS = 30_000;
const RETRY = { tries: 3, firstMs: 100, factor: 2, maxMs: 1_000, jitter: 0.5, on: ['network'] } as const;

/** Cases to turn, each with its first event. */
export async function makeCases(store: Store, count: number): Promise<readonly CaseKey[]> {
  const at = Date.now();
  const cases = Array.from({ length: count }, (_, i) => ({
    tenantId: TENANT,
    caseId: randomUUID(),
    openKey: `k${i}`,
    source: 'generic',
    at,
  }));
  for (let from = 0; from < count; from += 500)
    await store.transaction([TENANT], (tx) => tx.createCases(cases.slice(from, from + 500)));
  return cases.map(({ tenantId, caseId }) => ({ tenantId, caseId }));
}

/** What one worker does to its cases, over and over, until `isOver`; `turned` hears of each turn. */
export async function turnWheel(
  store: Store,
  partition: number,
  cases: readonly CaseKey[],
  isOver: () => boolean,
  turned: (ms: number) => void,
): Promise<void> {
  const position = { group: 'churn', topic: 'churn', epoch: 1, partition };
  let next = 0;
  for (let at = 0; !isOver(); at = (at + A_TURN) % cases.length) {
    const started = performance.now();
    next += A_TURN;
    const some = cases.slice(at, at + A_TURN);
    const left = await writeChunk(store, { ...position, next }, some);
    await store.transaction([TENANT], (tx) => tx.deleteOutbox(left === null ? [] : [left]));
    await endCalls(store, `churn-${partition}`);
    await fireTimers(store);
    turned(performance.now() - started);
    await sleep(0);
  }
}

function writeChunk(store: Store, position: Position, keys: readonly CaseKey[]) {
  return store.transaction([TENANT], async (tx) => {
    const opened = await tx.openChunk(
      [position],
      keys.map((key) => ({ ...key, seq: 1, eventId: key.caseId })),
      [],
    );
    const drafts = opened.cases.map((row) => new CaseDraft(row));
    for (const draft of drafts) draft.append(EMISSION, originOf(opened.now));
    return tx.write({
      positions: [position],
      cases: drafts.flatMap((draft) => draft.update() ?? []),
      journal: drafts.flatMap(({ entries }) => entries),
      executions: keys.map((key) => ({ ...callOf(key), leaseOwner: null })),
      timers: keys.map((key) => timerOf(key, opened.now)),
    });
  });
}

const EMISSION = {
  type: 'TimerFired',
  data: { timerId: randomUUID(), kind: 'wait.timeout', dueAt: 0, data: {} },
} as const;

const originOf = (now: number) => ({
  ...({ eventId: randomUUID(), emitter: 'timers', causeId: null, traceparent: null } as const),
  time: new Date(now).toISOString(),
});

const callOf = (key: CaseKey): ExecutionRow => ({
  ...key,
  ...{ executionId: randomUUID(), runId: randomUUID(), step: 'churn', tool: 'churn', block: 'none', connection: null },
  ...{ input: { id: key.caseId }, effect: 'idempotent', timeoutMs: 1_000, retry: RETRY, packVersion: 1 },
  ...{ priority: DEFAULT_PRIORITY, traceparent: null, causeId: key.caseId },
});

const timerOf = (key: CaseKey, now: number): TimerRow => ({
  ...key,
  ...{ timerId: randomUUID(), kind: 'wait.timeout', dueAt: now - 1, data: {} },
});

async function endCalls(store: Store, owner: string): Promise<void> {
  const claimed = await store.transaction('all', (tx) => tx.claimExecutions(owner, A_TURN, LEASE_MS));
  await store.transaction('all', (tx) => tx.extendLeases(owner, claimed, LEASE_MS));
  const end = { status: 'succeeded', result: { ok: true }, error: null, latencyMs: 5 } as const;
  await store.transaction([TENANT], (tx) => tx.endExecutions(claimed.map((call) => ({ ...call, ...end, tries: 1 }))));
}

async function fireTimers(store: Store): Promise<void> {
  await store.transaction('all', async (tx) => {
    if (!(await tx.claimTimerTurn())) return;
    await tx.takeTimers(await tx.dueTimers(2 * A_TURN));
  });
}
