import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { createTelemetry, type Telemetry, type TelemetryEvents } from './catalogue.js';
import { promSubscriber } from './prom.js';

const CASE = '11111111-2222-4333-8444-555555555555';
const call: TelemetryEvents['call.finished'] = {
  block: 'http.request',
  tool: 'trades.get',
  status: 'succeeded',
  tenantId: 'demo',
  caseId: CASE,
  executionId: CASE,
  attempt: 1,
  tries: 1,
  latencyMs: 80,
};

async function figuresOf(emit: (telemetry: Telemetry) => void): Promise<string[]> {
  const registry = new Registry();
  emit(createTelemetry([promSubscriber(registry)]));
  return (await registry.metrics()).split('\n');
}

it('a chunk counts its events by outcome, its time and its size', async () => {
  const lines = await figuresOf(({ emit }) => {
    const chunk = { stage: 'triage', partitions: [0], ignored: 0, retried: 0, rejected: 0, parked: 0, ms: 20 } as const;
    emit('chunk.handled', { ...chunk, records: 5, advanced: 3, duplicates: 2 });
    emit('chunk.handled', { ...chunk, records: 1, advanced: 1, duplicates: 0 });
  });
  expect(lines).toEqual(
    expect.arrayContaining([
      'millrace_events_total{stage="triage",outcome="advanced"} 4',
      'millrace_events_total{stage="triage",outcome="duplicate"} 2',
      'millrace_chunk_duration_seconds_bucket{le="0.025",stage="triage"} 2',
      'millrace_chunk_duration_seconds_sum{stage="triage"} 0.04',
      'millrace_chunk_records_sum{stage="triage"} 6',
    ]),
  );
  expect(lines.join()).not.toContain('outcome="parked"');
});

it('tool calls are counted in the words of the assignment contract', async () => {
  const lines = await figuresOf(({ emit }) => {
    emit('call.finished', call);
    emit('call.finished', { ...call, status: 'failed', latencyMs: 400 });
    emit('call.finished', { ...call, status: 'timeout', latencyMs: 400 });
    emit('call.lost_lease', call);
    emit('call.failed_to_end', { executionId: CASE, error: 'x' });
  });
  expect(lines).toEqual(
    expect.arrayContaining([
      'worker_tasks_total{type="http.request",status="success"} 1',
      'worker_tasks_total{type="http.request",status="error"} 1',
      'worker_tasks_total{type="http.request",status="timeout"} 1',
      'worker_task_latency_ms_bucket{le="100",type="http.request"} 1',
      'worker_task_latency_ms_bucket{le="500",type="http.request"} 3',
      'millrace_calls_lost_total 1',
      'millrace_calls_unrecorded_total 1',
    ]),
  );
});

it('what goes wrong with records is counted by stage', async () => {
  const on = { stage: 'policy', partition: 1 } as const;
  const lines = await figuresOf(({ emit }) => {
    emit('event.rejected', { ...on, topic: 't', code: 'EVENT_EMPTY', message: 'm', tenantId: 'demo', caseId: CASE });
    emit('chunk.repeated', { ...on, reason: 'r', code: 'connection', delayMs: 1 });
    emit('chunk.split', { ...on, records: 3, code: '22P05' });
    emit('stream.gap', { ...on, expected: 1, found: 2, low: 2 });
    emit('dead_letters.storm', { ...on, perMinute: 21, code: 'X' });
    emit('worker.assigned', { stage: 'policy', partitions: [1, 2] });
    emit('worker.assigned', { stage: 'policy', partitions: [1] });
  });
  expect(lines).toEqual(
    expect.arrayContaining([
      'millrace_dead_letters_total{stage="policy",code="EVENT_EMPTY"} 1',
      'millrace_chunks_repeated_total{stage="policy"} 1',
      'millrace_chunks_split_total{stage="policy"} 1',
      'millrace_stream_gaps_total{stage="policy"} 1',
      'millrace_dead_letter_storms_total{stage="policy"} 1',
      'millrace_partitions{stage="policy"} 1',
    ]),
  );
});

it('the edges are counted: ingestion, outbox, timers, requests, dependencies', async () => {
  const lines = await figuresOf(({ emit }) => {
    emit('ingest.accepted', { tenantId: 'demo', source: 'trades', created: 3, merged: 1, ms: 4 });
    emit('outbox.published', { by: 'api', events: 7, ms: 1 });
    emit('outbox.failed', { by: 'api', events: 7, error: 'x' });
    emit('timers.fired', { timers: 2, late: 10 });
    emit('incidents.correlated', { opened: 2, joined: 9, ended: 0 });
    emit('http.request', { method: 'POST', route: '/exceptions/:tenantId', status: 202, ms: 4 });
    emit('dependency.down', { dependency: 'kafka', error: 'x' });
    emit('dependency.down', { dependency: 'postgres', error: 'x' });
    emit('dependency.up', { dependency: 'kafka', downMs: 5 });
  });
  expect(lines).toEqual(
    expect.arrayContaining([
      'millrace_ingested_total{result="created"} 3',
      'millrace_ingested_total{result="merged"} 1',
      'millrace_ingest_duration_seconds_count 1',
      'millrace_outbox_published_total 7',
      'millrace_outbox_failures_total 1',
      'millrace_timers_fired_total 2',
      'millrace_incidents_total 2',
      'millrace_http_request_duration_seconds_count{method="POST",route="/exceptions/:tenantId",status="202"} 1',
      'millrace_dependency_up{dependency="kafka"} 1',
      'millrace_dependency_up{dependency="postgres"} 0',
    ]),
  );
});

it('no label grows without bound, and none is a tenant or an exception', async () => {
  const lines = await figuresOf(({ emit }) => {
    for (let index = 0; index < 500; index++) emit('call.finished', { ...call, block: `block-${index}` });
    emit('event.processing', {
      stage: 'intake',
      type: 'ExceptionIngested',
      tenantId: 'demo',
      caseId: CASE,
      single: true,
    });
  });
  const tasks = lines.filter((line) => line.startsWith('worker_tasks_total{'));
  expect(tasks).toHaveLength(101);
  expect(tasks).toContain('worker_tasks_total{type="other",status="success"} 400');
  expect(lines.join()).not.toMatch(/demo|11111111/);
});

it('the figures of the process are there', async () => {
  const lines = await figuresOf(() => undefined);
  expect(lines.join('\n')).toMatch(/^process_cpu_seconds_total \d/m);
});

it('the process tells how busy its loop was, and is not woken up to know how late it is', async () => {
  const text = (await figuresOf(() => undefined)).join('\n');
  expect(text).toMatch(/^nodejs_eventloop_utilization (0(\.\d+)?|1)$/m);
  expect(text).toMatch(/^nodejs_eventloop_lag_seconds /m);
  expect(text).not.toContain('nodejs_eventloop_lag_p99_seconds');
});
