/** `millrace show <tenant> <id>`: one exception and its timeline. */
import type { Command } from 'commander';
import { ExceptionDetail, Timeline, type TimelineEvent } from '../../api/schemas.js';
import { type Client, createClient } from '../client.js';
import { describeEvent } from '../describe.js';
import { type Common, colorsOf, duration, type Io, printJson, shortTime, tableLines } from '../io.js';

export function addShow(program: Command, io: Io): void {
  program
    .command('show <tenant> <id>')
    .description('print an exception and everything that happened to it')
    .action(async (tenant: string, id: string, _: object, command: Command) => {
      const options = command.optsWithGlobals<Common>();
      const client = createClient(io, options);
      const path = `/exceptions/${encodeURIComponent(tenant)}/${encodeURIComponent(id)}`;
      const detail = await client.get(path, ExceptionDetail);
      const events = await wholeTimeline(client, path);
      if (options.json) return printJson(io, { ...detail, events });
      return print(io, detail, events);
    });
}

const PAGE = 1_000;
const MOST_MEMBERS = 100; // as the API shows them

async function wholeTimeline(client: Client, path: string): Promise<TimelineEvent[]> {
  const first = await client.get(`${path}/timeline?limit=${PAGE}`, Timeline);
  const events = [...first.events];
  for (let last = events.length; last === PAGE; ) {
    const next = await client.get(`${path}/timeline?limit=${PAGE}&after=${events.at(-1)?.seq ?? 0}`, Timeline);
    events.push(...next.events);
    last = next.events.length;
  }
  return events;
}

/** `Nodes of eu-1 are gone (ESCALATED, 2 of 5 members open), 8f…; it waits for its end`. */
function incidentText({ incident, members }: ExceptionDetail): string | null {
  if (members !== undefined) return `${members.length}${members.length === MOST_MEMBERS ? ' or more' : ''} members`;
  if (!incident) return null;
  const { id, title, status, waits, members: all, over } = incident;
  const open = `${all - over} of ${all} members open`;
  return `part of "${title}" (${status}, ${open}), ${id}${waits ? '; it waits for its end' : ''}`;
}

function print(io: Io, detail: ExceptionDetail, events: readonly TimelineEvent[]): void {
  const color = colorsOf(io);
  const { id, status, type, title, severity, category, priority, entity, source, count, createdAt, blocked } = detail;
  const facts: readonly (readonly [string, string | null])[] = [
    ['status', blocked ? `${status}, blocked by a dead letter` : status],
    ['what', [type, title].filter(Boolean).join(': ')],
    ['severity', severity],
    ['category', category],
    ['priority', priority === null ? null : String(priority)],
    ['entity', entity],
    ['source', source],
    ['incident', incidentText(detail)],
    ['reported', `${shortTime(createdAt)}${count > 1 ? `, ${count} times` : ''}`],
  ];
  io.out(color.bold(id));
  for (const [name, value] of facts)
    if (value !== null && value !== '') io.out(`${color.dim(name.padEnd(9))} ${value}`);
  io.out('');
  const began = Date.parse(events[0]?.time ?? createdAt);
  const seqOf = new Map(events.map((event) => [event.id, event.seq]));
  const rows = events.map((event) => [
    String(event.seq),
    `+${duration(Math.max(0, Date.parse(event.time) - began))}`,
    event.type + (event.published ? '' : ' (not sent yet)'),
    event.emitter,
    event.cause === null ? '' : String(seqOf.get(event.cause) ?? '-'),
    describeEvent(event.type, event.data),
  ]);
  for (const line of tableLines(io, ['#', 'after', 'event', 'by', 'cause', ''], rows)) io.out(line);
  printMembers(io, detail);
}

function printMembers(io: Io, { members = [] }: ExceptionDetail): void {
  if (members.length === 0) return;
  io.out('');
  const rows = members.map(({ id, title, status, joinedAt }) => [id, status, shortTime(joinedAt), title ?? '']);
  for (const line of tableLines(io, ['member', 'status', 'joined', 'what'], rows)) io.out(line);
}
