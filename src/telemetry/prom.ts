/** Figures for Prometheus. Labels are bounded: no tenant, no exception, no execution is ever one. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, type Registry } from 'prom-client';
import type { Subscriber, TelemetryEvents, TelemetryName } from './catalogue.js';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const RECORDS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024];
const LATENCY_MS = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000];

const OUTCOMES = {
  advanced: 'advanced',
  ignored: 'ignored',
  duplicates: 'duplicate',
  retried: 'retried',
  rejected: 'rejected',
  parked: 'parked',
} as const;

/** The words that dashboards of the assignment contract know. */
const TASK_STATUS = new Map([
  ['succeeded', 'success'],
  ['failed', 'error'],
]);

const NEVER_MS = 2 ** 31 - 1;

type Handlers = { readonly [N in TelemetryName]: ((fields: TelemetryEvents[N]) => void) | null };

/**
 * The process's own figures. Percentiles of the event loop's lag would be had by waking up a hundred times a second, a third of
 * what an idle worker does; how busy the loop was is known for nothing.
 */
function processFigures(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: NEVER_MS });
  for (const what of ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'])
    registry.removeSingleMetric(`nodejs_eventloop_lag_${what}_seconds`);
  let before = performance.eventLoopUtilization();
  new Gauge({
    name: 'nodejs_eventloop_utilization',
    help: 'The share of the time since the last scrape in which the event loop was busy, 0 to 1.',
    registers: [registry],
    collect() {
      const now = performance.eventLoopUtilization();
      this.set(performance.eventLoopUtilization(now, before).utilization);
      before = now;
    },
  });
}

/** Counts telemetry in `registry`, with the process's own figures beside it. Once per registry. */
export function promSubscriber(registry: Registry): Subscriber {
  processFigures(registry);
  // Complete: an event without an entry does not compile; null means that no figure is kept of it.
  const handlers: Handlers = {
    ...forStages(registry),
    ...forRecords(registry),
    ...forSources(registry),
    ...forCalls(registry),
    ...forEdges(registry),
    'worker.initialized': null,
    'worker.stopping': null,
    'worker.stopped': null,
    'worker.crashed': null,
    'worker.stalled': null,
    'event.processing': null,
    'event.ignored': null,
    'event.retried': null,
    'event.parked': null,
    'call.started': null,
    'pack.activated': null,
    'source.reading': null,
    'source.stopped': null,
    'source.trouble': null,
  };
  return (name, fields) => handlers[name]?.(fields);
}

type Kind<T> = new (settings: {
  name: string;
  help: string;
  labelNames: string[];
  registers: Registry[];
  buckets?: number[];
}) => T;

const maker =
  (registry: Registry) =>
  <T>(of: Kind<T>, name: string, help: string, labelNames: string[] = [], buckets?: number[]): T =>
    new of({ name, help, labelNames, registers: [registry], ...(buckets && { buckets }) });

function forStages(registry: Registry) {
  const make = maker(registry);
  const events = make(Counter, 'millrace_events_total', 'Events by what became of them.', ['stage', 'outcome']);
  const duration = make(Histogram, 'millrace_chunk_duration_seconds', 'Time of a chunk.', ['stage'], SECONDS);
  const records = make(Histogram, 'millrace_chunk_records', 'Records of a chunk.', ['stage'], RECORDS);
  const lag = make(Gauge, 'millrace_consumer_lag', 'Events that wait on a partition.', ['stage', 'partition']);
  const partitions = make(Gauge, 'millrace_partitions', 'Partitions that this process reads.', ['stage']);
  return {
    'chunk.handled': (fields) => {
      const { stage } = fields;
      for (const [field, outcome] of Object.entries(OUTCOMES) as [keyof typeof OUTCOMES, string][]) {
        if (fields[field] > 0) events.inc({ stage, outcome }, fields[field]);
      }
      duration.observe({ stage }, fields.ms / 1_000);
      records.observe({ stage }, fields.records);
    },
    'worker.assigned': ({ stage, partitions: held }) => partitions.set({ stage }, held.length),
    'worker.lag': ({ stage, partition, lag: behind }) => lag.set({ stage, partition: String(partition) }, behind),
  } satisfies Partial<Handlers>;
}

function forRecords(registry: Registry) {
  const make = maker(registry);
  const code = bounded();
  const deadLetters = make(Counter, 'millrace_dead_letters_total', 'Dead letters by their code.', ['stage', 'code']);
  const repeated = make(Counter, 'millrace_chunks_repeated_total', 'Chunks that were tried again.', ['stage']);
  const split = make(Counter, 'millrace_chunks_split_total', 'Chunks handled one event at a time.', ['stage']);
  const gaps = make(Counter, 'millrace_stream_gaps_total', 'Offsets that were not where they should be.', ['stage']);
  const resent = make(Counter, 'millrace_reconciler_resent_total', 'Events that the log lost, sent again.', ['stage']);
  const stranded = make(Gauge, 'millrace_stranded_exceptions', 'Exceptions that nothing will move any more.');
  const storms = make(Counter, 'millrace_dead_letter_storms_total', 'Partitions halted by dead letters.', ['stage']);
  return {
    'reconciler.resent': ({ stage, events: sent }) => resent.inc({ stage }, sent),
    'reconciler.stranded': ({ cases }) => stranded.set(cases),
    'event.rejected': (fields) => deadLetters.inc({ stage: fields.stage, code: code(fields.code) }),
    'chunk.repeated': ({ stage }) => repeated.inc({ stage }),
    'chunk.split': ({ stage }) => split.inc({ stage }),
    'stream.gap': ({ stage }) => gaps.inc({ stage }),
    'dead_letters.storm': ({ stage }) => storms.inc({ stage }),
  } satisfies Partial<Handlers>;
}

function forSources(registry: Registry) {
  const make = maker(registry);
  const records = make(Counter, 'millrace_source_records_total', 'Records of topics that are sources.', ['outcome']);
  const topic = bounded();
  const lag = make(Gauge, 'millrace_source_lag', 'Records that wait on a topic that is a source.', [
    'topic',
    'partition',
  ]);
  const repeated = make(Counter, 'millrace_source_repeats_total', 'Transactions over such records, tried again.');
  const schedules = make(Counter, 'millrace_schedules_total', 'Times of schedules that came.', ['outcome']);
  const gaps = make(Counter, 'millrace_source_gaps_total', 'Topics that lost records before they were read.');
  return {
    'source.handled': ({ records: all, skipped, rejected }) => {
      records.inc({ outcome: 'accepted' }, all - skipped - rejected);
      records.inc({ outcome: 'skipped' }, skipped);
      records.inc({ outcome: 'rejected' }, rejected);
    },
    'source.lag': (fields) => lag.set({ topic: topic(fields.topic), partition: String(fields.partition) }, fields.lag),
    'source.repeated': () => repeated.inc(),
    'schedule.fired': ({ outcome }) => schedules.inc({ outcome }),
    'source.gap': () => gaps.inc(),
    'source.restarted': () => gaps.inc(),
  } satisfies Partial<Handlers>;
}

function forCalls(registry: Registry) {
  const make = maker(registry);
  const type = bounded();
  const tasks = make(Counter, 'worker_tasks_total', 'Tool calls by block and how they ended.', ['type', 'status']);
  const latency = make(
    Histogram,
    'worker_task_latency_ms',
    'Time of a tool call, tries included.',
    ['type'],
    LATENCY_MS,
  );
  const lost = make(Counter, 'millrace_calls_lost_total', 'Tool calls that ended after their lease.');
  const unrecorded = make(Counter, 'millrace_calls_unrecorded_total', 'Tool calls whose end could not be recorded.');
  return {
    'call.finished': ({ block, status, latencyMs }) => {
      tasks.inc({ type: type(block), status: TASK_STATUS.get(status) ?? status });
      latency.observe({ type: type(block) }, latencyMs);
    },
    'call.lost_lease': () => lost.inc(),
    'call.failed_to_end': () => unrecorded.inc(),
  } satisfies Partial<Handlers>;
}

function forEdges(registry: Registry) {
  const make = maker(registry);
  const published = make(Counter, 'millrace_outbox_published_total', 'Events published to the log.');
  const unpublished = make(Counter, 'millrace_outbox_failures_total', 'Attempts to publish that failed.');
  const incidents = make(Counter, 'millrace_incidents_total', 'Incidents that were opened.');
  const timers = make(Counter, 'millrace_timers_fired_total', 'Timers that fired.');
  const reminders = make(
    Counter,
    'millrace_approval_reminders_total',
    'Reminders of approvals that nobody has decided.',
  );
  const ingested = make(Counter, 'millrace_ingested_total', 'Accepted exceptions, new or merged.', ['result']);
  const ingest = make(Histogram, 'millrace_ingest_duration_seconds', 'Time of an ingestion.', [], SECONDS);
  const up = make(Gauge, 'millrace_dependency_up', '1 while it answers, as far as was seen.', ['dependency']);
  const labels = ['method', 'route', 'status'];
  const http = make(Histogram, 'millrace_http_request_duration_seconds', 'Time of a request.', labels, SECONDS);
  return {
    'outbox.published': ({ events }) => published.inc(events),
    'outbox.failed': () => unpublished.inc(),
    'approval.reminded': () => reminders.inc(),
    'incidents.correlated': ({ opened }) => incidents.inc(opened),
    'timers.fired': (fields) => timers.inc(fields.timers),
    'ingest.accepted': ({ created, merged, ms }) => {
      ingested.inc({ result: 'created' }, created);
      ingested.inc({ result: 'merged' }, merged);
      ingest.observe(ms / 1_000);
    },
    'dependency.down': ({ dependency }) => up.set({ dependency }, 0),
    'dependency.up': ({ dependency }) => up.set({ dependency }, 1),
    'http.request': ({ method, route, status, ms }) => http.observe({ method, route, status }, ms / 1_000),
  } satisfies Partial<Handlers>;
}

const MOST = 100;

/** A label that keeps its first hundred values; whatever comes after them is `other`. */
function bounded(): (value: string) => string {
  const known = new Set<string>();
  return (value) => {
    if (known.size < MOST) known.add(value);
    return known.has(value) ? value : 'other';
  };
}
