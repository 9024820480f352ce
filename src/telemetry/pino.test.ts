import { describe, expect, it } from 'vitest';
import { runWaiting } from './after-turn.js';
import { createTelemetry, type TelemetryEvents, type TelemetryName } from './catalogue.js';
import { createLogger, pinoSubscriber } from './pino.js';

const CASE = '11111111-2222-4333-8444-555555555555';
const on = { stage: 'triage', tenantId: 'demo', caseId: CASE } as const;
const chunk = {
  stage: 'triage',
  partitions: [3],
  records: 1,
  advanced: 1,
  ignored: 0,
  duplicates: 0,
  retried: 0,
  rejected: 0,
  parked: 0,
  ms: 41.4,
} as const;
const call = {
  block: 'http.request',
  tool: 'trades.get',
  tenantId: 'demo',
  caseId: CASE,
  executionId: CASE,
  attempt: 1,
} as const;

/** A log that keeps its lines, with a clock that a test moves. */
function openLog(level = 'trace') {
  const lines: string[] = [];
  const logger = createLogger({ level, format: 'json' }, { write: (line) => lines.push(line) });
  const clock = { ms: 0 };
  const telemetry = createTelemetry([pinoSubscriber(logger, () => clock.ms)]);
  const written = () => {
    runWaiting();
    return lines;
  };
  const parsed = () => written().map((line) => JSON.parse(line));
  return { telemetry, clock, parsed, text: () => written().join('') };
}

function lineOf<N extends TelemetryName>(name: N, fields: TelemetryEvents[N]) {
  const { telemetry, parsed } = openLog();
  telemetry.emit(name, fields);
  return parsed()[0];
}

type Case<N extends TelemetryName = TelemetryName> = {
  [K in N]: readonly [K, TelemetryEvents[K], string, string | RegExp];
}[N];

describe('each event has its level and its words', () => {
  it.each<Case>([
    [
      'worker.initialized',
      { worker: 'TriageWorker', stage: 'triage', topics: ['exceptions.triage'], group: 'triage', concurrency: 1 },
      'info',
      'Initialized TriageWorker: topics=[exceptions.triage], group_id=triage',
    ],
    ['worker.assigned', { stage: 'triage', partitions: [0, 3] }, 'info', 'TriageWorker reads partitions [0, 3]'],
    ['worker.stopping', { worker: 'ToolWorker', signal: 'SIGTERM' }, 'info', /^ToolWorker stops on SIGTERM/],
    ['worker.stopped', { worker: 'ToolWorker', ms: 12.2, left: 0 }, 'info', 'ToolWorker stopped after 12 ms'],
    [
      'worker.stopped',
      { worker: 'ToolWorker', ms: 9, left: 2 },
      'warn',
      /2 tool calls unfinished.*SHUTDOWN_TIMEOUT_MS/,
    ],
    ['worker.crashed', { worker: 'ToolWorker', error: 'boom' }, 'fatal', /boom; nothing is lost, start it again$/],
    [
      'event.processing',
      { ...on, type: 'ExceptionNormalized', single: true },
      'info',
      `TriageWorker processing ExceptionNormalized: tenant_id=demo, exception_id=${CASE}`,
    ],
    ['event.processing', { ...on, type: 'ExceptionNormalized', single: false }, 'debug', /^TriageWorker processing/],
    [
      'event.ignored',
      { ...on, type: 'ExceptionNormalized', seq: 2, reason: 'closed' },
      'debug',
      /: closed, tenant_id=demo/,
    ],
    [
      'event.retried',
      { ...on, type: 'ExceptionNormalized', seq: 2, reason: 'no brain' },
      'info',
      /again later: no brain/,
    ],
    ['event.parked', { ...on, type: 'ExceptionNormalized', seq: 9, reason: 'SEQ_GAP' }, 'warn', /from the journal$/],
    [
      'event.rejected',
      { ...on, topic: 'exceptions.triage', code: 'EVENT_NOT_JSON', message: 'Not valid JSON.' },
      'warn',
      /exceptions\.triage.*EVENT_NOT_JSON: Not valid JSON\.,? .*replays or discards it$/,
    ],
    [
      'event.rejected',
      { ...on, topic: 'exceptions.triage', code: 'EVENT_EMPTY', message: 'No value.', tenantId: null, caseId: null },
      'warn',
      /EVENT_EMPTY: No value\.; look at who writes to this topic$/,
    ],
    ['chunk.handled', chunk, 'debug', 'TriageWorker handled 1 events of partition 3 in 41 ms: advanced=1'],
    [
      'chunk.handled',
      { ...chunk, records: 3, duplicates: 2 },
      'info',
      /handled 3 events .*: advanced=1, duplicates=2$/,
    ],
    [
      'chunk.repeated',
      { stage: 'triage', partition: 3, reason: 'connection lost', code: 'connection', delayMs: 200 },
      'warn',
      /again in 200 ms: connection lost \(connection\).*"millrace check"$/,
    ],
    [
      'chunk.split',
      { stage: 'triage', partition: 3, records: 9, code: '22P05' },
      'warn',
      /9 events .* one by one.*22P05$/,
    ],
    [
      'stream.gap',
      { stage: 'triage', partition: 3, expected: 10, found: 20, low: 20 },
      'error',
      /10 .* 20 .*STREAM_EPOCH$/,
    ],
    [
      'dead_letters.storm',
      { stage: 'triage', partition: 3, perMinute: 21, code: 'X' },
      'error',
      /21 dead letters .* X; remove/,
    ],
    ['outbox.published', { by: 'api', events: 5, ms: 3 }, 'debug', 'Published 5 events in 3 ms'],
    [
      'outbox.failed',
      { by: 'api', events: 5, error: 'no broker' },
      'warn',
      /5 events: no broker; they stay in the outbox/,
    ],
    [
      'incidents.correlated',
      { opened: 1, joined: 3, ended: 2 },
      'debug',
      '3 members for incidents, 1 of them new; 2 members waited for one that is over',
    ],
    ['timers.fired', { timers: 2, late: 30 }, 'debug', '2 timers fired, the oldest 30 ms late'],
    [
      'ingest.accepted',
      { tenantId: 'demo', source: 'trades', created: 1, merged: 2, ms: 5 },
      'debug',
      /1 new and 2 merged/,
    ],
    ['call.started', call, 'debug', /^ToolWorker calls trades\.get \(http\.request\), execution_id=/],
    [
      'call.finished',
      { ...call, status: 'succeeded', tries: 1, latencyMs: 20 },
      'debug',
      /succeeded after 20 ms and 1 tries/,
    ],
    [
      'call.finished',
      { ...call, status: 'timeout', tries: 3, latencyMs: 20 },
      'warn',
      /timeout after 20 ms and 3 tries/,
    ],
    ['call.failed_to_end', { executionId: CASE, error: 'no database' }, 'error', /no database.*same idempotency key/],
    [
      'call.lost_lease',
      { block: 'http.request', executionId: CASE, attempt: 2 },
      'warn',
      /another worker's result counts/,
    ],
    [
      'dependency.down',
      { dependency: 'kafka', error: 'refused' },
      'error',
      /^kafka does not answer: refused; .*millrace check/,
    ],
    ['dependency.up', { dependency: 'kafka', downMs: 1_500 }, 'info', 'kafka answers again after 1500 ms'],
    ['http.request', { method: 'GET', route: '/pipeline', status: 200, ms: 2 }, 'debug', 'GET /pipeline 200 in 2 ms'],
    ['http.request', { method: 'GET', route: '/pipeline', status: 500, ms: 2 }, 'warn', 'GET /pipeline 500 in 2 ms'],
  ])('%s %j: %s', (name, fields, level, message) => {
    const line = lineOf(name, fields);
    expect(line).toMatchObject({ level, event: name, component: expect.stringMatching(/^[A-Z]\w+$/) });
    if (typeof message === 'string') expect(line.message).toBe(message);
    else expect(line.message).toMatch(message);
  });
});

describe('a line', () => {
  it('has its fields beside the message, under the names of the log', () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const line = lineOf('event.processing', { ...on, type: 'ExceptionNormalized', single: true, traceparent });
    expect(Object.keys(line)).toEqual([
      'level',
      'timestamp',
      'component',
      'event',
      'stage',
      'tenant_id',
      'exception_id',
      'type',
      'trace_id',
      'message',
    ]);
    expect(line.trace_id).toBe('4bf92f3577b34da6a3ce929d0e0e4736');
    expect(new Date(line.timestamp).toISOString()).toBe(line.timestamp);
  });

  it('leaves out what is null, and keeps a message of the event apart from its own', () => {
    const line = lineOf('event.rejected', {
      ...on,
      topic: 't',
      code: 'X',
      message: 'no',
      tenantId: null,
      caseId: null,
    });
    expect(line).not.toHaveProperty('tenant_id');
    expect(line.problem).toBe('no');
  });

  it('is not written below the level', () => {
    const { telemetry, text } = openLog('warn');
    telemetry.emit('event.processing', { ...on, type: 'ExceptionNormalized', single: true });
    telemetry.emit('outbox.failed', { by: 'api', events: 1, error: 'x' });
    expect(text().trim().split('\n')).toHaveLength(1);
  });

  it('that repeats is written once in ten seconds, for each cause', () => {
    const { telemetry, clock, parsed } = openLog();
    const down = (dependency: 'kafka' | 'postgres') =>
      telemetry.emit('dependency.down', { dependency, error: 'refused' });
    for (const at of [0, 500, 9_999, 10_000, 10_500]) {
      clock.ms = at;
      down('kafka');
    }
    down('postgres');
    expect(parsed().map(({ dependency }) => dependency)).toEqual(['kafka', 'kafka', 'postgres']);
  });
});

describe('on a terminal', () => {
  const pretty = (write: (logger: ReturnType<typeof createLogger>) => void): string => {
    const lines: string[] = [];
    write(createLogger({ level: 'trace', format: 'pretty' }, { write: (line) => lines.push(line) }));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colors are control characters
    return lines.join('').replace(/\u001b\[\d+m/g, '');
  };

  it.each(['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const)('a line of level %s is short', (level) => {
    const text = pretty((logger) => logger[level]({ component: 'Api', tenant_id: 'demo' }, 'started'));
    expect(text).toMatch(new RegExp(`^\\d\\d:\\d\\d:\\d\\d\\.\\d{3} ${level.toUpperCase().padEnd(5)} started\n$`));
  });

  it('an error shows its stack, on lines of its own', () => {
    const text = pretty((logger) => logger.error(new Error('boom')));
    expect(text).toMatch(/ERROR boom\nError: boom\n {4}at /);
  });

  it('control characters from outside stay on their line', () => {
    const text = pretty((logger) => logger.info('a\u001b[2Jb\nFAKE INFO line'));
    expect(text).toContain('a\\u001b[2Jb\\u000aFAKE INFO line\n');
  });

  it('a line without words is still a line', () => {
    expect(pretty((logger) => logger.info({ tenant_id: 'demo' }))).toMatch(/INFO {2}\n$/);
  });
});
