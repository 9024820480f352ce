/** Replays of many dead letters from a terminal: a preview, a question, and how far it is. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Preview, ReplayedMany } from '../api/dead-letter-schemas.js';
import { createClient, understood } from './client.js';
import { type Common, type Io, printJson } from './io.js';

/** The options that name letters. */
export interface Filter {
  readonly stage?: string;
  readonly code?: string;
  readonly type?: string;
  readonly exception?: string;
}
export const FILTERS = [
  ['--stage <name>', 'only those of this stage'],
  ['--code <code>', 'only those with this code'],
  ['--type <event>', 'only those of this type of event'],
  ['--exception <id>', 'only those of this exception'],
] as const;

export const filterOf = ({ stage, code, type, exception }: Filter): Record<string, string> =>
  Object.fromEntries(
    Object.entries({ stage, code, type, exception }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );

export const pathOf = (tenant: string, id?: string): string =>
  `/dead-letters/${encodeURIComponent(tenant)}${id === undefined ? '' : `/${encodeURIComponent(id)}`}`;

/** Asks for y or yes; no answer means no. */
export async function confirmed(io: Io, question: string): Promise<boolean> {
  io.err(`${question} [y/N]`);
  let text = '';
  for await (const bytes of io.input()) {
    text += Buffer.from(bytes).toString();
    if (text.includes('\n')) break;
  }
  if (/^y(?:es)?\s*$/i.test(text.split('\n')[0] ?? '')) return true;
  io.err('Nothing was changed. (--yes answers the question.)');
  return false;
}

interface Options extends Common, Filter {
  readonly force?: true;
  readonly rate?: number;
  readonly limit?: number;
  readonly yes?: true;
  readonly by?: string;
}

const MOST_AT_ONCE = 200;
const RATE = 20;

/** About a second's worth in each request, so that Ctrl-C ends it soon and the line below moves. */
export async function replayAll(io: Io, tenant: string, options: Options): Promise<void> {
  const client = createClient(io, options);
  const post = async (path: string, body: unknown) =>
    client.post(path, JSON.stringify(body), { 'content-type': 'application/json' });
  const { rate = RATE, by } = options;
  const filter = { ...filterOf(options), force: options.force === true };
  const path = pathOf(tenant);
  const preview = understood(client.base, path, await post(`${path}/preview`, filter), Preview);
  io.err(`${preview.summary}.`);
  const total = Math.min(preview.letters, options.limit ?? preview.letters);
  if (total > 0 && !options.yes && !(await confirmed(io, `Replay ${total}?`))) return io.fail();
  const done = { matched: 0, replayed: 0, skipped: 0, events: 0 };
  const started = performance.now();
  while (done.matched < total && !io.signal.aborted) {
    const limit = Math.max(1, Math.min(MOST_AT_ONCE, Math.ceil(rate), total - done.matched));
    const request = { ...filter, failedBefore: preview.at, limit, perSecond: rate, ...(by !== undefined && { by }) };
    const some = understood(client.base, path, await post(`${path}/replay`, request), ReplayedMany);
    if (some.matched === 0) break; // others were faster
    for (const name of ['matched', 'replayed', 'skipped', 'events'] as const) done[name] += some[name];
    const line = `${done.matched} of ${total} replayed`;
    io.progress(line);
    if (!io.colors) io.err(line);
    const waitMs = started + (done.matched * 1_000) / rate - performance.now();
    if (done.matched < total && waitMs > 0) await sleep(waitMs, undefined, { signal: io.signal });
  }
  io.progress('');
  if (options.json) return printJson(io, { preview, ...done });
  return io.out(
    `${done.replayed} replayed, ${done.skipped} settled by somebody else, ${done.events} events on their way.`,
  );
}
