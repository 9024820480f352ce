/** Hand-written, bare chunk and Millrace, side by side in one run, on the same servers and the same load. */
import postgres from 'postgres';
import type { Contender, ContenderName, Opened } from '../lib/contender.js';
import { flow, type Latency, latency, type Throughput, throughput } from '../lib/measure.js';
import { millrace } from '../lib/millrace.js';
import { bare, handWritten } from '../lib/rivals.js';
import { clockAhead, type Ground, openGround } from '../lib/servers.js';
import { median, shown } from '../lib/stats.js';
import { embedded } from './embedded.js';
import type { BenchOptions, Outcome } from './index.js';
import { figuresOf, reportOf } from './pipeline-report.js';

const WARM_UP = 200; // exceptions before latency is measured, at the same rate
const WARM_UP_SECONDS = 30; // before throughput is
const LATENCY_RATE = 20; // a second
const LATENCY_SECONDS = 30; // at least: of fewer exceptions one stall is the whole percentile
const ROUNDS = 5; // of three, one in a slow minute of a shared machine is half of the median

export interface Round {
  readonly contender: ContenderName;
  readonly throughput: Throughput;
  readonly at20: Latency | null;
  readonly atHalf: Latency | null; // at half of the top rate; only in the last round
}

export const pipeline = {
  about: 'exceptions a second and latency beside what people write by hand; --embedded: in one process',
  rounds: ROUNDS,
  run: (options: BenchOptions): Promise<Outcome> => (options.embedded ? embedded(options) : run(options)),
};

async function run(options: BenchOptions): Promise<Outcome> {
  const ground = await openGround();
  try {
    const all = [await handWritten(ground), await bare(ground), await millrace(ground)];
    const contenders = all.filter(({ name }) => options.only.length === 0 || options.only.includes(name));
    const rounds: Round[] = [];
    if (options.latency) await warmServers(ground, contenders);
    for (let i = 0; i < options.rounds; i++) {
      // Each round begins with another contender, so that none of them always runs on the coolest machine.
      const order = contenders.map((_, k) => contenders[(k + i) % contenders.length] as Contender);
      for (const contender of order) rounds.push(await measure(ground, contender, options, rounds, i));
    }
    const figures = figuresOf(rounds);
    return { section: 'pipeline', report: reportOf(ground.versions, contenders, rounds, figures), figures };
  } finally {
    await ground.close();
  }
}

/**
 * Unmeasured: the JVM of a broker that has just started compiles for minutes what each contender asks of it, on the cores that
 * the first round would be measured on; a broker runs for months.
 */
async function warmServers(ground: Ground, contenders: readonly Contender[]): Promise<void> {
  const ahead = await databaseAhead(ground);
  for (const contender of contenders)
    await withOpened(ground, contender, undefined, async (one) => {
      await flow(one, Math.round(WARM_UP_SECONDS * contender.firstGuess));
      await latency(one, LATENCY_RATE, WARM_UP_SECONDS, ahead);
    });
}

/** Lets `work` have the contender's processes; afterwards they are gone, and what they left is tidied up. */
async function withOpened<T>(
  ground: Ground,
  contender: Contender,
  profile: string | undefined,
  work: (one: Opened) => Promise<T>,
): Promise<T> {
  const one = await contender.open(profile);
  try {
    return await work(one);
  } finally {
    await one.close();
    await ground.tidy();
  }
}

async function measure(
  ground: Ground,
  contender: Contender,
  { seconds, rounds, profile, latency: wanted }: BenchOptions,
  earlier: readonly Round[],
  round: number,
): Promise<Round> {
  const { name } = contender;
  const rates = earlier.filter((one) => one.contender === name).map((one) => one.throughput.perSecond);
  const guess = rates.length > 0 ? median(rates) : contender.firstGuess;
  return withOpened(ground, contender, profile, async (one) => {
    await flow(one, WARM_UP);
    const ahead = await databaseAhead(ground);
    // Until V8 has compiled what is hot: a service runs for days, a measurement for seconds.
    await flow(one, Math.round(WARM_UP_SECONDS * guess));
    const measured = await throughput(ground, one, Math.max(50, Math.round(guess * seconds)));
    const at20 = wanted ? await latencyAt20(ground, one, seconds, ahead) : null;
    const last = round === rounds - 1;
    const atHalf = wanted && last ? await latency(one, measured.perSecond / 2, seconds, ahead) : null;
    const line = `${shown(measured.perSecond)}/s, p50 ${shown(median(at20?.toResolved ?? []))} ms at 20/s`;
    const stolen = `${shown(measured.stolen)} and ${shown(at20?.stolen ?? Number.NaN)} % of the cores stolen`;
    console.log(`round ${round + 1} ${name.padEnd(12)} ${line}, ${stolen}`);
    return { contender: name, throughput: measured, at20, atHalf };
  });
}

/** In a system that has not just been at its limit: Postgres would write and clean up for a minute what the burst left. */
async function latencyAt20(ground: Ground, opened: Opened, seconds: number, ahead: number): Promise<Latency> {
  await ground.tidy();
  await latency(opened, LATENCY_RATE, WARM_UP / LATENCY_RATE, ahead); // all at once they would warm up other code
  return latency(opened, LATENCY_RATE, Math.max(seconds, LATENCY_SECONDS), ahead);
}

async function databaseAhead(ground: Ground): Promise<number> {
  const sql = postgres(ground.adminUrl, { max: 1, onnotice: () => undefined });
  try {
    return await clockAhead(sql);
  } finally {
    await sql.end();
  }
}
