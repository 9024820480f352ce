/** `millrace tail <tenant>`: what happens, as it happens, until Ctrl-C. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import pLimit from 'p-limit';
import { ExceptionPage, type Summary, Timeline, type TimelineEvent } from '../../api/schemas.js';
import { type Client, createClient } from '../client.js';
import { describeEvent } from '../describe.js';
import { type Common, colorsOf, type Io } from '../io.js';

const EVERY_MS = 1_000;
const FOLLOWED = 200; // the newest exceptions; what happens to older ones is not seen here
const AT_ONCE = 8;

export function addTail(program: Command, io: Io): void {
  program
    .command('tail <tenant>')
    .description(`follow what happens to the newest ${FOLLOWED} exceptions, until Ctrl-C`)
    .action(async (tenant: string, _: object, command: Command) => {
      const options = command.optsWithGlobals<Common>();
      const tail = new Tail(createClient(io, options), tenant);
      await tail.start();
      while (!io.signal.aborted) {
        for (const line of await tail.next()) io.out(options.json ? JSON.stringify(line) : words(io, line));
        await sleep(EVERY_MS, undefined, { signal: io.signal }).catch(() => undefined);
      }
    });
}

interface Line extends TimelineEvent {
  readonly exception: string;
  readonly status: string;
}

const words = (io: Io, { time, exception, type, data }: Line): string =>
  `${colorsOf(io).dim(time.slice(11, 23))}  ${exception}  ${type.padEnd(19)}  ${describeEvent(type, data)}`.trimEnd();

class Tail {
  private readonly seen = new Map<string, { readonly updatedAt: string; readonly seq: number }>();
  private readonly path: string;
  private readonly limit = pLimit(AT_ONCE);

  constructor(
    private readonly client: Client,
    tenant: string,
  ) {
    this.path = `/exceptions/${encodeURIComponent(tenant)}`;
  }

  /** Notes what is there already: only what comes later is told. */
  async start(): Promise<void> {
    await this.next();
  }

  /** What happened since, by time. */
  async next(): Promise<Line[]> {
    const { items } = await this.client.get(`${this.path}?limit=${FOLLOWED}`, ExceptionPage);
    const changed = items.filter(({ id, updatedAt }) => this.seen.get(id)?.updatedAt !== updatedAt);
    const lines = await Promise.all(changed.map((item) => this.limit(() => this.eventsOf(item))));
    const listed = new Set(items.map(({ id }) => id));
    for (const id of this.seen.keys()) if (!listed.has(id)) this.seen.delete(id);
    return lines.flat().sort((a, b) => (a.time < b.time ? -1 : 1));
  }

  private async eventsOf({ id, status, updatedAt }: Summary): Promise<Line[]> {
    const after = this.seen.get(id)?.seq ?? 0;
    const { events } = await this.client.get(`${this.path}/${id}/timeline?after=${after}`, Timeline);
    this.seen.set(id, { updatedAt, seq: events.at(-1)?.seq ?? after });
    return events.map((event) => ({ ...event, exception: id, status }));
  }
}
