/** Everything in one process: how much it keeps up with, how long one takes, and whether the API ever has to wait. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Embedded, openEmbedded } from '../lib/embedded.js';
import type { Client } from '../lib/http.js';
import { flow, type Latency, latency, type Throughput, throughput } from '../lib/measure.js';
import { surroundings } from '../lib/results.js';
import { median, percentile, shown, table } from '../lib/stats.js';
import type { BenchOptions, Outcome } from './index.js';

const WARM_UP = 200;
const FIRST_GUESS = 150; // exceptions/s
const SLOW_RATE = 20;
const RATE = 100; // a second: what the API is watched under
const BLOCKED_GOAL_MS = 50;
const ASK_MS = 20;
const UNKNOWN = { cpuMs: Number.NaN, rssMb: Number.NaN };
const NO_SERVERS = { usage: () => ({ postgres: UNKNOWN, broker: UNKNOWN }) };

interface Round {
  readonly throughput: Throughput;
  readonly at20: Latency;
  readonly at100: Latency;
  readonly blocked: readonly number[]; // ms: the longest delay of each quarter of a second at 100/s
  readonly answers: readonly number[]; // ms: how long /livez took meanwhile
}

export async function embedded({ seconds, rounds, profile }: BenchOptions): Promise<Outcome> {
  const one = await openEmbedded(profile);
  try {
    const { opened } = one;
    await flow(opened, WARM_UP);
    const done: Round[] = [];
    for (let i = 0; i < rounds; i++) {
      const guess = i === 0 ? FIRST_GUESS : median(done.map((round) => round.throughput.perSecond));
      const round = await measure(one, Math.round(guess * seconds), seconds);
      done.push(round);
      const rate = `${shown(round.throughput.perSecond)}/s, p50 ${shown(median(round.at20.toResolved))} ms at 20/s`;
      console.log(`round ${i + 1} ${rate}, blocked ${shown(Math.max(...round.blocked))} ms at ${RATE}/s`);
    }
    return outcomeOf(done);
  } finally {
    await one.opened.close();
  }
}

async function measure({ opened, client, delays }: Embedded, count: number, seconds: number): Promise<Round> {
  const measured = await throughput(NO_SERVERS, opened, count);
  const at20 = await latency(opened, SLOW_RATE, seconds, 0);
  const from = Date.now();
  const to = from + seconds * 1000;
  const [at100, answers] = await Promise.all([latency(opened, RATE, seconds, 0), askAlive(client, to)]);
  return { throughput: measured, at20, at100, blocked: delays(from, to), answers };
}

async function askAlive(client: Client, until: number): Promise<number[]> {
  const took: number[] = [];
  while (Date.now() < until) {
    const asked = performance.now();
    await client.request('GET', '/livez');
    took.push(performance.now() - asked);
    await sleep(ASK_MS);
  }
  return took;
}

function outcomeOf(rounds: readonly Round[]): Outcome {
  const pair = (numbers: readonly number[]) =>
    `${shown(percentile(numbers, 0.5))} / ${shown(percentile(numbers, 0.99))}`;
  const at20 = rounds.flatMap((round) => round.at20.toResolved);
  const at100 = rounds.flatMap((round) => round.at100.toResolved);
  const blocked = rounds.flatMap((round) => round.blocked);
  const answers = rounds.flatMap((round) => round.answers);
  const late = blocked.filter((ms) => ms > BLOCKED_GOAL_MS).length;
  const perSecond = median(rounds.map((round) => round.throughput.perSecond));
  const cpu = median(
    rounds.map(
      ({
        throughput: {
          cpu: { node },
          exceptions,
        },
      }) => node / exceptions,
    ),
  );
  const rows = [
    ['exceptions/s, accepted over HTTP in lists of 100 and worked to their end', shown(perSecond), ''],
    ['CPU of an exception, ms', shown(cpu), ''],
    [`p50 / p99 to RESOLVED at ${SLOW_RATE}/s, ms`, pair(at20), ''],
    [`p50 / p99 to RESOLVED at ${RATE}/s, ms`, pair(at100), ''],
    [`longest time that the event loop was blocked at ${RATE}/s, ms`, shown(Math.max(...blocked)), '≤ 50'],
    ['quarters of a second with more than 50 ms', `${late} of ${blocked.length}`, '0'],
    ['p50 / p99 of `GET /livez` meanwhile, ms', pair(answers), ''],
    ['slowest `GET /livez` meanwhile, ms', shown(Math.max(...answers)), ''],
    ['RSS, MB', shown(Math.max(...rounds.map((round) => round.throughput.rss.node))), ''],
  ];
  const report = [
    '## pipeline --embedded: everything in one process',
    '',
    `PGlite and the embedded log, the pack of the other figures, over HTTP. By round: ${rounds.map((round) => shown(round.throughput.perSecond)).join(', ')} exceptions/s.`,
    '',
    table(['', '', 'goal'], rows),
    '',
    surroundings(['PGlite, no broker']),
  ].join('\n');
  const figures = {
    perSecond,
    p50At20: percentile(at20, 0.5),
    p99At20: percentile(at20, 0.99),
    p50At100: percentile(at100, 0.5),
    p99At100: percentile(at100, 0.99),
    blockedMs: Math.max(...blocked),
    slowestAnswerMs: Math.max(...answers),
  };
  return { section: 'embedded', report, figures };
}
