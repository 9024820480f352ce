/** What the log says of each telemetry event: its level, who says it, and the words, with what to do about a problem. */
import type { StageName } from '../core/stages.js';
import type { TelemetryEvents, TelemetryName } from './catalogue.js';

export type Level = 'debug' | 'info' | 'warn' | 'error' | 'fatal';

export interface Line<F> {
  readonly level: Level | ((fields: F) => Level);
  readonly by: string | ((fields: F) => string); // the component
  readonly says: (fields: F) => string;
  /** Events of one key are said once in ten seconds: they repeat for as long as the cause lasts. */
  readonly repeats?: (fields: F) => string;
}

type Lines = { readonly [N in TelemetryName]: Line<TelemetryEvents[N]> };

const ofStage = ({ stage }: { stage: StageName }): string => `${stage.charAt(0).toUpperCase()}${stage.slice(1)}Worker`;
const ofWorker = ({ worker }: { worker: string }): string => worker;
const TOOLS = ofStage({ stage: 'tool' });
const ms = (value: number): string => `${Math.round(value)} ms`;

const exception = (fields: { tenantId: string; caseId: string }): string =>
  `tenant_id=${fields.tenantId}, exception_id=${fields.caseId}`;

const call = (fields: { tool: string; block: string; executionId: string }): string =>
  `${fields.tool} (${fields.block}), execution_id=${fields.executionId}`;

const OUTCOMES = ['advanced', 'ignored', 'duplicates', 'retried', 'rejected', 'parked'] as const;
const outcomes = (fields: TelemetryEvents['chunk.handled']): string =>
  OUTCOMES.filter((name) => fields[name] > 0)
    .map((name) => `${name}=${fields[name]}`)
    .join(', ');

const WORKERS = {
  'worker.initialized': {
    level: 'info',
    by: ofWorker,
    says: ({ worker, topics, group }) => `Initialized ${worker}: topics=[${topics.join(', ')}], group_id=${group}`,
  },
  'worker.assigned': {
    level: 'info',
    by: ofStage,
    says: (fields) => `${ofStage(fields)} reads partitions [${fields.partitions.join(', ')}]`,
  },
  'worker.stopping': {
    level: 'info',
    by: ofWorker,
    says: ({ worker, signal }) => `${worker} stops on ${signal}: it takes nothing new and finishes what it has in hand`,
  },
  'worker.stopped': {
    level: ({ left }) => (left === 0 ? 'info' : 'warn'),
    by: ofWorker,
    says: (fields) =>
      fields.left === 0
        ? `${fields.worker} stopped after ${ms(fields.ms)}`
        : `${fields.worker} stopped after ${ms(fields.ms)} with ${fields.left} tool calls unfinished: another worker takes them over when their lease ends; raise SHUTDOWN_TIMEOUT_MS if this is usual`,
  },
  'worker.crashed': {
    level: 'fatal',
    by: ofWorker,
    says: ({ worker, error }) => `${worker} ends: ${error}; nothing is lost, start it again`,
  },
} satisfies Partial<Lines>;

const EVENTS = {
  'event.processing': {
    level: ({ single }) => (single ? 'info' : 'debug'),
    by: ofStage,
    says: (fields) => `${ofStage(fields)} processing ${fields.type}: ${exception(fields)}`,
  },
  'event.ignored': {
    level: 'debug',
    by: ofStage,
    says: (fields) => `${ofStage(fields)} ignored ${fields.type}: ${fields.reason}, ${exception(fields)}`,
  },
  'approval.reminded': {
    level: 'warn',
    by: ofStage({ stage: 'playbook' }),
    says: (fields) =>
      `Nobody has decided "${fields.title}" (reminder ${fields.count}): ${fields.from.join(', ')} may until ${new Date(fields.expiresAt).toISOString()}, wait_id=${fields.waitId}, ${exception(fields)}`,
  },
  'event.retried': {
    level: 'info',
    by: ofStage,
    says: (fields) => `${ofStage(fields)} takes ${fields.type} again later: ${fields.reason}, ${exception(fields)}`,
  },
  'event.parked': {
    level: 'warn',
    by: ofStage,
    says: (fields) =>
      `${ofStage(fields)} parked ${fields.type}: ${fields.reason}, ${exception(fields)}; events before it are sent again from the journal`,
  },
  'event.rejected': {
    level: 'warn',
    by: ofStage,
    says: (fields) => {
      const { code, message, tenantId, caseId } = fields;
      const where = tenantId && caseId ? `, ${exception({ tenantId, caseId })}` : '';
      const next = where
        ? 'the exception waits until somebody replays or discards it'
        : 'look at who writes to this topic';
      return `${ofStage(fields)} put a record of ${fields.topic} on the dead-letter list: ${code}: ${message}${where}; ${next}`;
    },
  },
} satisfies Partial<Lines>;

const CHUNKS = {
  'chunk.handled': {
    level: ({ records }) => (records > 1 ? 'info' : 'debug'),
    by: ofStage,
    says: (fields) =>
      `${ofStage(fields)} handled ${fields.records} events of partition ${fields.partitions.join(', ')} in ${ms(fields.ms)}: ${outcomes(fields)}`,
  },
  'chunk.repeated': {
    level: 'warn',
    by: ofStage,
    repeats: ({ stage, partition }) => `${stage} ${partition}`,
    says: (fields) =>
      `${ofStage(fields)} tries partition ${fields.partition} again in ${ms(fields.delayMs)}: ${fields.reason} (${fields.code}); if this goes on, run "millrace check"`,
  },
  'chunk.split': {
    level: 'warn',
    by: ofStage,
    says: (fields) =>
      `${ofStage(fields)} handles ${fields.records} events of partition ${fields.partition} one by one, because the database refused one of them: ${fields.code}`,
  },
  'stream.gap': {
    level: 'error',
    by: ofStage,
    says: (fields) =>
      `${ofStage(fields)} expected offset ${fields.expected} of partition ${fields.partition} and found ${fields.found} (the log begins at ${fields.low}): records were deleted before they were read, lengthen the topic's retention; if the topic was created anew, raise STREAM_EPOCH`,
  },
  'worker.lag': {
    level: 'debug',
    by: ofStage,
    says: (fields) => `${ofStage(fields)} is ${fields.lag} events behind on partition ${fields.partition}`,
  },
  'worker.stalled': { level: 'error', by: ofStage, says: (fields) => `${ofStage(fields)} ${fields.reason}` },
  'reconciler.resent': {
    level: 'warn',
    by: ofStage,
    says: (fields) =>
      `${ofStage(fields)} never got ${fields.events} events of ${fields.cases} exceptions that were published: the log lost them, and the journal has sent them again`,
  },
  'reconciler.stranded': {
    level: 'error',
    by: ofStage,
    says: (fields) =>
      `${fields.cases} exceptions run without a call or wait without a timer, for example ${fields.example}: work them again with millrace reingest`,
  },
  'dead_letters.storm': {
    level: 'error',
    by: ofStage,
    says: (fields) =>
      `${ofStage(fields)} halts partition ${fields.partition}: ${fields.perMinute} dead letters in a minute, the last ${fields.code}; remove the cause, then start the worker again`,
  },
} satisfies Partial<Lines>;

const ofSource = (fields: { tenantId: string; source: string; topic: string }): string =>
  `source ${fields.source} (topic ${fields.topic}), tenant_id=${fields.tenantId}`;
const SOURCES = 'Sources';

const TOPICS = {
  'source.reading': {
    level: 'info',
    by: SOURCES,
    says: (fields) => `Reads ${ofSource(fields)}, group ${fields.group}`,
  },
  'source.stopped': { level: 'info', by: SOURCES, says: (fields) => `Reads no more: ${ofSource(fields)}` },
  'source.trouble': {
    level: 'error',
    by: SOURCES,
    says: (fields) => `Cannot read: ${fields.reason}; ${ofSource(fields)}`,
  },
  'source.handled': {
    level: ({ rejected }) => (rejected > 0 ? 'warn' : 'debug'),
    by: SOURCES,
    says: (fields) =>
      `${fields.records} records of partition ${fields.partition} in ${ms(fields.ms)}: exceptions=${fields.exceptions}, dead_letters=${fields.rejected}, skipped=${fields.skipped}, ${ofSource(fields)}`,
  },
  'source.repeated': {
    level: 'warn',
    by: SOURCES,
    repeats: ({ tenantId, source, partition }) => `${tenantId} ${source} ${partition}`,
    says: (fields) =>
      `Tries partition ${fields.partition} again in ${ms(fields.delayMs)}: ${fields.reason}; ${ofSource(fields)}`,
  },
  'source.restarted': {
    level: 'error',
    by: SOURCES,
    says: (fields) =>
      `Partition ${fields.partition} ends at ${fields.high}, but ${fields.expected} was reached before: the topic was made anew, and is read from its beginning; ${ofSource(fields)}`,
  },
  'source.gap': {
    level: 'error',
    by: SOURCES,
    says: (fields) =>
      `Records ${fields.expected} to ${fields.low - 1} of partition ${fields.partition} were deleted before they were read: lengthen the topic's retention; ${ofSource(fields)}`,
  },
  'schedule.fired': {
    level: ({ outcome, missed }) => (outcome === 'created' && missed === 0 ? 'info' : 'warn'),
    by: 'Schedules',
    says: (fields) => {
      const before = fields.missed === 0 ? '' : `, ${fields.missed} times before it were missed`;
      const what = {
        created: 'made an exception',
        skipped: 'made none: the one before is still open',
        missed: 'came while nobody was there, and its pack wants no other time for it',
      }[fields.outcome];
      return `${fields.schedule} of ${new Date(fields.dueAt).toISOString()} ${what}${before}, tenant_id=${fields.tenantId}`;
    },
  },
  'source.lag': {
    level: 'debug',
    by: SOURCES,
    says: (fields) => `${fields.lag} records behind on partition ${fields.partition}: ${ofSource(fields)}`,
  },
} satisfies Partial<Lines>;

const REST = {
  'outbox.published': {
    level: 'debug',
    by: 'Outbox',
    says: ({ events, ms: took }) => `Published ${events} events in ${ms(took)}`,
  },
  'outbox.failed': {
    level: 'warn',
    by: 'Outbox',
    repeats: ({ by }) => by,
    says: ({ events, error }) =>
      `Could not publish ${events} events: ${error}; they stay in the outbox and are sent when Kafka answers: see that it runs`,
  },
  'timers.fired': {
    level: 'debug',
    by: 'Timers',
    says: ({ timers, late }) => `${timers} timers fired, the oldest ${ms(late)} late`,
  },
  'incidents.correlated': {
    level: 'debug',
    by: 'Correlator',
    says: ({ opened, joined, ended }) =>
      `${joined} members for incidents, ${opened} of them new; ${ended} members waited for one that is over`,
  },
  'ingest.accepted': {
    level: 'debug',
    by: 'Ingest',
    says: (fields) =>
      `Accepted ${fields.created} new and ${fields.merged} merged exceptions of source ${fields.source} in ${ms(fields.ms)}: tenant_id=${fields.tenantId}`,
  },
  'call.started': {
    level: 'debug',
    by: TOOLS,
    says: (fields) => `${TOOLS} calls ${call(fields)}, ${exception(fields)}`,
  },
  'call.finished': {
    level: ({ status }) => (status === 'succeeded' ? 'debug' : 'warn'),
    by: TOOLS,
    says: (fields) =>
      `${TOOLS}: ${call(fields)} ${fields.status} after ${ms(fields.latencyMs)} and ${fields.tries} tries, ${exception(fields)}`,
  },
  'call.failed_to_end': {
    level: 'error',
    by: TOOLS,
    says: ({ executionId, error }) =>
      `${TOOLS} could not record how a call ended: ${error}, execution_id=${executionId}; it is called again, with the same idempotency key, when its lease ends`,
  },
  'call.lost_lease': {
    level: 'warn',
    by: TOOLS,
    says: ({ block, executionId }) =>
      `${TOOLS} finished a call of ${block} after its lease had ended, so another worker's result counts: execution_id=${executionId}`,
  },
  'dependency.down': {
    level: 'error',
    by: 'Dependencies',
    repeats: ({ dependency }) => dependency,
    says: ({ dependency, error }) =>
      `${dependency} does not answer: ${error}; work waits and goes on when it is back; run "millrace check"`,
  },
  'dependency.up': {
    level: 'info',
    by: 'Dependencies',
    says: ({ dependency, downMs }) => `${dependency} answers again after ${ms(downMs)}`,
  },
  'pack.activated': {
    level: 'info',
    by: 'Packs',
    says: ({ tenantId, version, previous, by }) =>
      `Version ${version} of the pack decides now, activated by ${by}; before: ${previous ?? 'none'}: tenant_id=${tenantId}`,
  },
  'http.request': {
    level: ({ status }) => (status >= 500 ? 'warn' : 'debug'),
    by: 'Api',
    says: (fields) => `${fields.method} ${fields.route} ${fields.status} in ${ms(fields.ms)}`,
  },
} satisfies Partial<Lines>;

/** Complete: an event without a line does not compile. */
export const LINES: Lines = { ...WORKERS, ...EVENTS, ...CHUNKS, ...TOPICS, ...REST };
