/** One event of each type, for tests: ids, times and data that are valid and stay the same. */
import type { JournalEntry } from '../core/envelope.js';
import type { EventData, EventType } from '../core/events.js';

export const NOW = Date.UTC(2026, 10, 20);
export const ID = '0b8f5c1e-8a55-4f0e-9d3c-2f1e6a7b8c9d';
export const CASE = '11111111-2222-4333-8444-555555555555';
export const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

const policy: EventData['PolicyEvaluated']['policy'] = {
  effect: 'require_approval',
  reason: 'month end',
  winner: 'freeze',
  approval: { from: ['group:desk'], quorum: 2, notRequester: true, timeoutMs: 60_000, onTimeout: 'escalate' },
  explain: [{ name: 'freeze', place: 'policies.yaml:3:5', matched: true, effect: 'require_approval' }],
  packVersion: 3,
};
const run = { runId: ID, step: 'look', packVersion: 3 };

/** Data of one event of each type. */
export const DATA: { readonly [T in EventType]: EventData[T] } = {
  ExceptionIngested: {
    source: 'trades',
    via: 'hook',
    receivedAt: '2026-11-19T10:00:00.000Z',
    item: { tradeId: 'T-1', reason: 'SSI "missing" 日本' },
    headers: { 'x-kind': 'fail' },
    fingerprint: 'f'.repeat(40),
    resolve: false,
    count: 2,
    packVersion: 3,
  },
  ExceptionMerged: { count: 3, lastSeenAt: NOW, note: 'same fingerprint' },
  ExceptionHeld: {
    kind: 'hold',
    rule: 'small ones',
    place: 'sources.yaml:9:5',
    until: NOW,
    explain: [],
    packVersion: 3,
  },
  AccumulationElapsed: { timerId: ID, kind: 'hold', dueAt: NOW, data: { packVersion: 3 } },
  ExceptionCorrelated: {
    ...{ rule: 'one a desk', place: 'sources.yaml:12:5', by: ['rates', 2], run: 'parent', packVersion: 3 },
    explain: [{ name: 'one a desk', place: 'sources.yaml:12:5', matched: true }],
  },
  IncidentOpened: { rule: 'one a desk', place: 'sources.yaml:12:5', run: 'members' },
  IncidentJoined: { incidentId: ID, rule: 'one a desk', place: 'sources.yaml:12:5', members: 3 },
  IncidentEnded: { incidentId: null, rule: 'one a desk', outcome: 'alone', reason: 'too few came' },
  ExceptionNormalized: {
    exception: {
      type: 'SETTLEMENT_FAIL',
      title: 'Trade T-1 failed',
      severity: 'high',
      entity: 'T-1',
      source: 'trades',
      occurredAt: '2026-11-19T10:00:00.000Z',
      fingerprint: 'f'.repeat(40),
      fields: { amount: 2_500_000.5, nested: { deep: [1, null, true] } },
    },
    packVersion: 3,
  },
  ExceptionTriaged: {
    triage: {
      category: 'settlement',
      severity: 'critical',
      confidence: 0.95,
      labels: ['big'],
      extra: { owner: 'desk-1' },
      by: 'rules',
      explain: [
        {
          name: 'big',
          place: 'triage.yaml:12:5',
          matched: false,
          falsePart: { expression: 'a > 1', values: { a: 0 } },
        },
      ],
      packVersion: 3,
    },
  },
  PolicyEvaluated: { policy },
  CaseSuppressed: { policy: { ...policy, effect: 'suppress', approval: null } },
  PlaybookStarted: { runId: ID, playbook: 'repair-trade', explain: [], packVersion: 3 },
  ToolRequested: {
    ...run,
    executionId: ID,
    tool: 'trades.get',
    block: 'http.request',
    connection: 'trades-api',
    input: { method: 'GET', path: '/trades/T-1' },
    effect: 'read',
    timeoutMs: 15_000,
    retry: { tries: 3, firstMs: 100, factor: 2, maxMs: 10_000, jitter: 0, on: ['network'] },
  },
  ToolCanceled: { runId: ID, executionId: ID, reason: 'the case was canceled' },
  ToolFinished: {
    ...run,
    executionId: ID,
    status: 'failed',
    error: { code: 'HTTP_404', errorNumber: 3003, message: 'not found' },
    attempt: 1,
    tries: 3,
    latencyMs: 12.5,
  },
  ApprovalRequested: {
    runId: ID,
    step: 'ok',
    waitId: ID,
    title: 'Repair T-1',
    terms: { from: ['ann'], quorum: 1, notRequester: false, timeoutMs: 60_000, onTimeout: 'reject' },
    expiresAt: NOW,
  },
  ApprovalReminded: {
    runId: ID,
    step: 'ok',
    waitId: ID,
    title: 'Repair T-1',
    from: ['ann'],
    count: 2,
    expiresAt: NOW,
  },
  WaitResolved: { ...run, waitId: ID, decision: 'approved', by: ['ann'], comment: null },
  TimerFired: { timerId: ID, kind: 'wait.timeout', dueAt: NOW, data: { waitId: ID } },
  CaseCommanded: { command: 'cancel', by: 'ann', reason: 'test trade' },
  PlaybookFinished: { runId: ID, playbook: 'repair-trade', outcome: 'resolved', note: 'amended', packVersion: 3 },
  CaseEscalated: {
    code: 'NO_PLAYBOOK',
    reason: 'no playbook matches',
    runId: null,
    playbook: null,
    explain: [],
    packVersion: null,
  },
  FeedbackCaptured: {
    outcome: 'resolved',
    note: null,
    durationMs: 1_234,
    used: { rules: ['big'], policies: [], effect: 'allow', playbook: 'repair-trade' },
  },
  ScheduleSkipped: { schedule: 'nightly', dueAt: '2026-11-20T22:00:00.000Z', missed: 0 },
  CaseUnblocked: { deadLetterId: ID, action: 'replayed', by: 'ann' },
};

/** The journal entry of an event of `type` with that data. */
export const entryOf = (type: EventType): JournalEntry => ({
  tenantId: 'demo',
  caseId: CASE,
  seq: 7,
  after: 5,
  eventId: ID,
  type,
  emitter: 'api',
  causeId: ID,
  time: '2026-11-19T10:00:00.123Z',
  traceparent: TRACEPARENT,
  data: JSON.stringify(DATA[type]),
});
