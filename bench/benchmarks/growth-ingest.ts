/** Ingestion: accepted exceptions a second through the API, without workers. */
import postgres from 'postgres';
import { startApi } from '../lib/api.js';
import type { Client } from '../lib/http.js';
import { nextException } from '../lib/load.js';
import { type Throughput, throughputOf } from '../lib/measure.js';
import { millrace } from '../lib/millrace.js';
import { TENANT } from '../lib/pack.js';
import { openGround } from '../lib/servers.js';
import { median, shown, table } from '../lib/stats.js';
import type { Part } from './growth.js';
import type { BenchOptions } from './index.js';

const ARRAY = 100;
const GOAL = 5_000;
const WARM_UP = 2_000;
const PATH = `/exceptions/${TENANT}`;

interface Way {
  readonly name: string;
  readonly atOnce: number; // requests under way
  readonly size: number; // exceptions of a request
  readonly goal: string;
  body(exceptions: readonly object[]): string;
  readonly type: string;
}

const WAYS: readonly Way[] = [
  {
    name: 'single requests, 32 at once',
    ...{ atOnce: 32, size: 1, goal: '', type: 'application/json' },
    body: ([one]) => JSON.stringify(one),
  },
  {
    name: `arrays of ${ARRAY}, 4 at once`,
    ...{ atOnce: 4, size: ARRAY, goal: `≥ ${GOAL}`, type: 'application/json' },
    body: (all) => JSON.stringify(all),
  },
  {
    name: `NDJSON, ${ARRAY} lines, 4 at once`,
    ...{ atOnce: 4, size: ARRAY, goal: '', type: 'application/x-ndjson' },
    body: (all) => all.map((one) => JSON.stringify(one)).join('\n'),
  },
];

/** Sends by this way for so long; resolves with how many were accepted. */
async function send(client: Client, way: Way, enough: (sent: number) => boolean): Promise<number> {
  let sent = 0;
  const sender = async () => {
    while (!enough(sent)) {
      const exceptions = Array.from({ length: way.size }, nextException);
      await client.request('POST', PATH, way.body(exceptions), way.type);
      sent += way.size;
    }
  };
  await Promise.all(Array.from({ length: way.atOnce }, sender));
  return sent;
}

export async function ingest({ seconds, rounds, profile }: BenchOptions): Promise<Part> {
  const ground = await openGround({ own: true });
  try {
    const made = await millrace(ground);
    const api = await startApi(ground, made, profile);
    const sql = postgres(made.adminUrl, { max: 1, onnotice: () => undefined });
    await send(api.client, WAYS[1] as Way, (sent) => sent >= WARM_UP);
    const found = WAYS.map((way) => ({ way, rounds: [] as Throughput[], own: [] as number[] }));
    for (let i = 0; i < rounds; i++) {
      for (const { way, rounds: done, own } of found) {
        const until = performance.now() + seconds * 500;
        const before = process.cpuUsage();
        const work = () => send(api.client, way, () => performance.now() > until);
        const one = await throughputOf(ground, [api.running], work);
        const { user, system } = process.cpuUsage(before);
        done.push(one);
        own.push((user + system) / one.exceptions);
        console.log(`round ${i + 1} ${way.name.padEnd(30)} ${shown(one.perSecond)}/s`);
        await untilPublished(sql);
      }
    }
    await sql.end();
    await api.close();
    return partOf(found);
  } finally {
    await ground.close();
  }
}

/** What was accepted is published soon after; what one way left may not burden the next. */
async function untilPublished(sql: postgres.Sql): Promise<void> {
  for (;;) {
    const [row] = await sql<{ n: number }[]>`select count(*)::int as n from outbox`;
    if (row?.n === 0) return;
    await new Promise((done) => setTimeout(done, 50));
  }
}

function partOf(found: readonly { way: Way; rounds: readonly Throughput[]; own: readonly number[] }[]): Part {
  const of = (rounds: readonly Throughput[], part: 'node' | 'postgres' | 'broker') =>
    shown(median(rounds.map(({ cpu, exceptions }) => (cpu[part] * 1000) / exceptions)));
  const rows = found.map(({ way, rounds, own }) => [
    way.name,
    shown(median(rounds.map(({ perSecond }) => perSecond))),
    way.goal,
    ...(['node', 'postgres', 'broker'] as const).map((part) => of(rounds, part)),
    shown(median(own)),
  ]);
  const head = ['', 'accepted/s', 'goal', 'API, µs CPU each', 'Postgres', 'broker', 'who sends'];
  const report = ['### Ingestion through the API, no workers', table(head, rows)].join('\n\n');
  const rates = found.map(({ rounds }) => median(rounds.map(({ perSecond }) => perSecond)));
  const [single, array, ndjson] = rates;
  return { report, figures: { ingest: { single, array, ndjson } } };
}
