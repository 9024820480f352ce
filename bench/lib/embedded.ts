/** Millrace in one process, as `npm start` runs it, driven over HTTP only. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ending, Opened } from './contender.js';
import { type Client, createClient } from './http.js';
import { nextException } from './load.js';
import { packFiles, sinkAddress, startSink, TENANT } from './pack.js';
import { type Running, start, stopAll } from './processes.js';

const A_REQUEST = 100;
const CONNECTIONS = 64;
const REQUESTS_AT_ONCE = 4; // of a hundred each

export interface Embedded {
  readonly opened: Opened;
  readonly client: Client;
  /** The longest delays of its event loop in that time (epoch ms), one for each quarter of a second. */
  delays(from: number, to: number): readonly number[];
}

/** Starts it on an empty folder, with the pack of the benchmark. */
export async function openEmbedded(profile: string | undefined): Promise<Embedded> {
  const home = mkdtempSync(join(tmpdir(), 'millrace-bench-home-'));
  const lagFile = join(home, 'bench-lag');
  const sink = await startSink();
  const main = await start({
    name: 'embedded',
    args: ['--import', './bench/lag.mjs', 'dist/embedded/main.js', '--empty'],
    env: { MILLRACE_HOME: home, PORT: '0', EGRESS_ALLOW: sinkAddress(sink), BENCH_LAG_FILE: lagFile, NO_COLOR: '1' },
    ready: /is running at http\S+/,
    profile,
  });
  const url = /is running at (http\S+)/.exec(main.output())?.[1] as string;
  const client = createClient(url, CONNECTIONS);
  await activate(client, packFiles(sinkAddress(sink)));
  return {
    opened: openedBy(main, client, async () => {
      await client.close();
      await stopAll([main, sink]);
      rmSync(home, { recursive: true, force: true });
    }),
    client,
    delays(from, to) {
      const lines = readFileSync(lagFile, 'utf8').trim().split('\n');
      const looks = lines.map((line) => line.split(' ').map(Number) as [number, number]);
      return looks.filter(([at]) => at >= from && at <= to).map(([, ms]) => ms);
    },
  };
}

async function activate(client: Client, files: Readonly<Record<string, string>>): Promise<void> {
  const pushed = JSON.parse(await client.request('PUT', `/packs/${TENANT}`, JSON.stringify({ files })));
  await client.request('POST', `/packs/${TENANT}/activate`, JSON.stringify({ version: pushed.version }));
}

function openedBy(main: Running, client: Client, close: () => Promise<void>): Opened {
  const report = (body: unknown) => client.request('POST', `/exceptions/${TENANT}`, JSON.stringify(body));
  return {
    processes: [main],
    // Nothing can be kept back over HTTP: that they are accepted is a part of what is measured.
    async prepare(count) {
      return {
        async release() {
          let left = count;
          const sender = async () => {
            while (left > 0) {
              const size = Math.min(left, A_REQUEST);
              left -= size;
              await report(Array.from({ length: size }, nextException));
            }
          };
          await Promise.all(Array.from({ length: REQUESTS_AT_ONCE }, sender));
        },
      };
    },
    async send() {
      const { id } = JSON.parse(await report(nextException())) as { readonly id: string };
      return id;
    },
    // A figure that the process keeps anyway: asking for it costs the database nothing.
    async finished() {
      const line = /^millrace_events_total\{stage="feedback",outcome="advanced"\} (\d+)$/m;
      return Number(line.exec(await client.request('GET', '/metrics'))?.[1] ?? 0);
    },
    async endings(ids) {
      const ends = await Promise.all(ids.map(async (id) => [id, await ending(client, id)] as const));
      return new Map(ends.flatMap(([id, end]) => (end === undefined ? [] : [[id, end] as const])));
    },
    close,
  };
}

async function ending(client: Client, id: string): Promise<Ending | undefined> {
  const { events } = JSON.parse(await client.request('GET', `/exceptions/${TENANT}/${id}/timeline`)) as {
    readonly events: readonly { readonly type: string; readonly time: string }[];
  };
  const at = (type: string) => events.findLast((event) => event.type === type)?.time;
  const [resolved, last] = [at('PlaybookFinished'), at('FeedbackCaptured')];
  if (resolved === undefined || last === undefined) return undefined;
  return { resolvedAt: Date.parse(resolved), lastAt: Date.parse(last) };
}
