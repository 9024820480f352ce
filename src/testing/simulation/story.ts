/** What the runtime says of itself, as lines of a story. */
import type { Subscriber, TelemetryEvents } from '../../telemetry/catalogue.js';
import type { World } from './world.js';

type Told = {
  readonly [N in keyof TelemetryEvents]?: (fields: TelemetryEvents[N], name: (id: string) => string) => string;
};

const LINES: Told = {
  'event.ignored': ({ caseId, seq, type, reason }, name) => `ignores ${name(caseId)} #${seq} ${type}: ${reason}`,
  'event.parked': ({ caseId, seq, type, reason }, name) => `parks ${name(caseId)} #${seq} ${type}: ${reason}`,
  'event.rejected': ({ code, message }) => `rejects a record: ${code} ${message}`,
  'chunk.repeated': ({ partition, reason }) => `starts the chunk of partition ${partition} again: ${reason}`,
  'chunk.split': ({ partition }) => `takes the chunk of partition ${partition} one by one`,
  'stream.gap': ({ partition, expected, low }) =>
    `finds a gap on partition ${partition}: ${expected} is gone, ${low} is left`,
  'outbox.published': ({ events }) => `has published ${events} events`,
  'outbox.failed': ({ events }) => `could not publish ${events} events`,
  'call.started': ({ caseId, tool, attempt }, name) => `calls ${tool} for ${name(caseId)}, attempt ${attempt}`,
  'call.finished': ({ caseId, tool, status }, name) => `has the end of ${tool} for ${name(caseId)}: ${status}`,
  'reconciler.resent': ({ stage, events }) => `sends ${events} events to ${stage} again that the log has lost`,
  'call.lost_lease': ({ attempt }) => `has lost the lease of its call, attempt ${attempt}`,
};

export function tellOf(world: World, node: string): Subscriber {
  return (event, fields) => {
    const line = LINES[event] as ((fields: unknown, name: (id: string) => string) => string) | undefined;
    if (line) world.tell(`${node} ${line(fields, (id) => world.nameOf(id))}`);
  };
}

export const countOf =
  (world: World): Subscriber =>
  (event, fields) => {
    if (event === 'reconciler.resent') world.reconciled += (fields as TelemetryEvents['reconciler.resent']).events;
  };
