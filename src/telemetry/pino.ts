/** The log: JSON lines for machines, short ones for a terminal, and the subscriber that writes telemetry to it. */
import { type Logger, pino } from 'pino';
import { afterTurn, runWaiting } from './after-turn.js';
import type { Subscriber, TelemetryEvents, TelemetryName } from './catalogue.js';
import { LINES, type Line } from './lines.js';
import { prettyLine } from './pretty.js';

export interface LogSettings {
  readonly level: string; // trace, debug, info, warn, error, fatal, silent
  readonly format: 'json' | 'pretty';
}

/** Where finished lines go, each with its line end. */
export interface LineSink {
  write(line: string): void;
}

const SECRET_NAMES = new Set([
  'password',
  'secret',
  'token',
  'apiKey',
  'api_key',
  'authorization',
  'cookie',
  'x-api-key',
  'set-cookie',
]);
const underAny = (path: string): string => (path.startsWith('[') ? `*${path}` : `*.${path}`);
const pathOf = (name: string): string => (name.includes('-') ? `["${name}"]` : name);
const PATHS = [...SECRET_NAMES].map(pathOf).flatMap((path) => [path, underAny(path), `*.${underAny(path)}`]);

/**
 * A logger; each line has `timestamp`, `level`, `component` and `message`. Fields named like secrets, passwords in URLs
 * and bearer tokens are redacted; `redact` may take out more. Lines go to standard output unless `sink` is given.
 */
export function createLogger(
  { level, format }: LogSettings,
  sink: LineSink = process.stdout,
  redact: (text: string) => string = (text) => text,
): Logger {
  const destination = format === 'pretty' ? { write: (line: string) => void sink.write(prettyLine(line)) } : sink;
  const options = {
    base: null,
    messageKey: 'message',
    errorKey: 'error',
    timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    hooks: { streamWrite: (line: string) => redact(withoutCredentials(line)) },
  };
  const logger = pino({ ...options, level, redact: { paths: PATHS, censor: '[redacted]' } }, destination);
  unsearched.set(logger, pino({ ...options, level: 'trace' }, destination));
  return logger;
}

/** Of each logger one that looks for no names of secrets, which takes as long as to write a line. */
const unsearched = new WeakMap<Logger, Logger>();

const isScalar = (value: unknown): boolean => typeof value !== 'object' || value === null;

/** No field is named like a secret, and none has fields of its own. */
function isHarmless(fields: Readonly<Record<string, unknown>>): boolean {
  for (const name in fields) {
    const value = fields[name];
    if (SECRET_NAMES.has(name) || !(isScalar(value) || (Array.isArray(value) && value.every(isScalar)))) return false;
  }
  return true;
}

/** Text without the passwords of URLs and without bearer tokens. */
const withoutCredentials = (text: string): string =>
  text.replace(/(\/\/[^\s:@/"]*):[^\s@/"]+@/g, '$1:***@').replace(/\b(bearer)\s+[\w.~+/=-]{8,}/gi, '$1 [redacted]');

const QUIET_MS = 10_000;

/** Those that tell of trouble are written at once, after what waits. */
const CAN_WAIT = new Set(['trace', 'debug', 'info']);

/** Writes each event as a line of its level; `now` (ms) tells how long a repeated one has been quiet. */
export function pinoSubscriber(logger: Logger, now: () => number = () => performance.now()): Subscriber {
  const said = new Map<string, number>();
  const isQuiet = (key: string): boolean => {
    const at = now();
    if (at - (said.get(key) ?? Number.NEGATIVE_INFINITY) < QUIET_MS) return true;
    said.set(key, at);
    return false;
  };
  return (name, fields) => {
    const line: Line<TelemetryEvents[typeof name]> = LINES[name];
    const level = typeof line.level === 'function' ? line.level(fields) : line.level;
    if (!logger.isLevelEnabled(level)) return;
    if (line.repeats !== undefined && isQuiet(`${name} ${line.repeats(fields)}`)) return;
    const write = () => {
      const component = typeof line.by === 'function' ? line.by(fields) : line.by;
      const named = { component, event: name, ...namedForLogs(fields) };
      const by = isHarmless(named) ? (unsearched.get(logger) ?? logger) : logger;
      by[level](named, line.says(fields));
    };
    afterTurn(write);
    if (!CAN_WAIT.has(level)) runWaiting();
  };
}

/** Names that the log has instead of the catalogue's; others become snake_case. `message` is the line's own. */
const NAMES: Readonly<Record<string, string>> = {
  caseId: 'exception_id',
  group: 'group_id',
  ms: 'duration_ms',
  message: 'problem',
};
const names = new Map(Object.entries(NAMES));

function namedForLogs(fields: TelemetryEvents[TelemetryName]): Record<string, unknown> {
  const named: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields)) {
    if (key === 'single' || key === 'worker' || value === null) continue;
    if (key === 'traceparent') named.trace_id = String(value).split('-')[1];
    else named[logName(key)] = value;
  }
  return named;
}

function logName(key: string): string {
  const known = names.get(key);
  if (known !== undefined) return known;
  const name = key.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
  names.set(key, name);
  return name;
}
