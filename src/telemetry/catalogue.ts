/**
 * Every event of telemetry by name, with its fields: an interface for dashboards and logs, so names are for life.
 * Code emits; subscribers (pino, prom-client) turn events into lines and figures. Durations are ms.
 */
import type { StageName } from '../core/stages.js';

export interface TelemetryEvents {
  'worker.initialized': {
    worker: string;
    stage: StageName;
    topics: readonly string[];
    group: string;
    concurrency: number;
  };
  'worker.assigned': { stage: StageName; partitions: readonly number[] };
  'worker.stopping': { worker: string; signal: string };
  'worker.stopped': { worker: string; ms: number; left: number };
  'worker.crashed': { worker: string; error: string };
  'chunk.handled': {
    stage: StageName;
    partitions: readonly number[]; // that its events come from
    records: number;
    advanced: number;
    ignored: number;
    duplicates: number;
    retried: number;
    rejected: number;
    parked: number;
    ms: number;
  };
  'event.processing': {
    stage: StageName;
    type: string;
    tenantId: string;
    caseId: string;
    single: boolean; // it came alone, not among others of a chunk
    traceparent?: string | null;
  };
  'event.ignored': { stage: StageName; type: string; tenantId: string; caseId: string; seq: number; reason: string };
  'approval.reminded': {
    tenantId: string;
    caseId: string;
    waitId: string;
    title: string;
    from: readonly string[]; // who may decide
    count: number; // how often they were reminded
    expiresAt: number; // epoch ms
  };
  'event.retried': { stage: StageName; type: string; tenantId: string; caseId: string; seq: number; reason: string };
  'event.parked': { stage: StageName; type: string; tenantId: string; caseId: string; seq: number; reason: string };
  'event.rejected': {
    stage: StageName;
    topic: string;
    code: string;
    message: string;
    tenantId: string | null;
    caseId: string | null;
  };
  'chunk.repeated': { stage: StageName; partition: number; reason: string; code: string; delayMs: number };
  'chunk.split': { stage: StageName; partition: number; records: number; code: string };
  'stream.gap': { stage: StageName; partition: number; expected: number; found: number; low: number };
  'worker.lag': { stage: StageName; partition: number; lag: number };
  'worker.stalled': { stage: StageName; reason: string };
  'reconciler.resent': { stage: StageName; cases: number; events: number };
  'reconciler.stranded': { stage: StageName; cases: number; example: string };
  'dead_letters.storm': { stage: StageName; partition: number; perMinute: number; code: string };
  'outbox.published': { by: string; events: number; ms: number };
  'outbox.failed': { by: string; events: number; error: string };
  'timers.fired': { timers: number; late: number };
  'incidents.correlated': { opened: number; joined: number; ended: number };
  'ingest.accepted': { tenantId: string; source: string; created: number; merged: number; ms: number };
  'source.reading': { tenantId: string; source: string; topic: string; group: string };
  'source.stopped': { tenantId: string; source: string; topic: string };
  'source.trouble': { tenantId: string; source: string; topic: string; reason: string };
  'source.handled': {
    tenantId: string;
    source: string;
    topic: string;
    partition: number;
    records: number;
    exceptions: number;
    skipped: number; // without a value
    rejected: number; // became dead letters
    ms: number;
  };
  'source.repeated': SourceAt & { reason: string; delayMs: number };
  'source.restarted': SourceAt & { expected: number; high: number };
  'source.gap': SourceAt & { expected: number; low: number };
  'source.lag': SourceAt & { lag: number };
  'schedule.fired': {
    tenantId: string;
    schedule: string;
    outcome: 'created' | 'skipped' | 'missed';
    dueAt: number; // epoch ms
    missed: number; // times before it that nobody saw
  };
  'call.started': {
    block: string;
    tool: string;
    tenantId: string;
    caseId: string;
    executionId: string;
    attempt: number;
  };
  'call.finished': {
    block: string;
    tool: string;
    status: string;
    tenantId: string;
    caseId: string;
    executionId: string;
    attempt: number;
    tries: number;
    latencyMs: number;
  };
  'call.failed_to_end': { executionId: string; error: string };
  'call.lost_lease': { block: string; executionId: string; attempt: number };
  'dependency.down': { dependency: 'postgres' | 'kafka'; error: string };
  'dependency.up': { dependency: 'postgres' | 'kafka'; downMs: number };
  'pack.activated': { tenantId: string; version: number; previous: number | null; by: string };
  'http.request': { method: string; route: string; status: number; ms: number };
}

interface SourceAt {
  tenantId: string;
  source: string;
  topic: string;
  partition: number;
}
export type TelemetryName = keyof TelemetryEvents;

export type Subscriber = <N extends TelemetryName>(name: N, fields: TelemetryEvents[N]) => void;

/** Hands each event to every subscriber. */
export interface Telemetry {
  emit<N extends TelemetryName>(name: N, fields: TelemetryEvents[N]): void;
}

export function createTelemetry(subscribers: readonly Subscriber[]): Telemetry {
  return {
    emit: (name, fields) => {
      for (const subscriber of subscribers) subscriber(name, fields);
    },
  };
}
