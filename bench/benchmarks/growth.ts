/** How it grows: partitions, tenants, the journal, ingestion. */
import type { Contender, Opened } from '../lib/contender.js';
import { fillJournal } from '../lib/journal.js';
import { flow, type Throughput, throughput } from '../lib/measure.js';
import { millrace } from '../lib/millrace.js';
import { TENANT } from '../lib/pack.js';
import { surroundings } from '../lib/results.js';
import { type Ground, openGround } from '../lib/servers.js';
import { median, shown, table } from '../lib/stats.js';
import { ingest } from './growth-ingest.js';
import type { BenchOptions, Outcome } from './index.js';

const PARTITIONS = [1, 2, 4, 8] as const;
const TENANTS = [1, 10, 1_000] as const;
const WARM_UP = 500;
const FULL_GOAL = 0.9; // of the rate with an empty journal

/** A part of the report. */
export interface Part {
  readonly report: string;
  readonly figures: object;
}

const PARTS: Readonly<Record<string, (options: BenchOptions) => Promise<Part>>> = {
  partitions,
  tenants,
  journal,
  ingest,
};

export const growth = {
  about: `exceptions a second with more partitions, tenants, rows; ingestion (--only ${Object.keys(PARTS).join(',')})`,
  run: runGrowth,
};

async function runGrowth(options: BenchOptions): Promise<Outcome> {
  const unknown = options.only.filter((name) => PARTS[name] === undefined);
  if (unknown.length > 0) throw new Error(`no part ${unknown.join(', ')}; there are: ${Object.keys(PARTS).join(', ')}`);
  const found: Part[] = [];
  for (const [name, part] of Object.entries(PARTS)) {
    if (options.only.length === 0 || options.only.includes(name)) found.push(await part(options));
  }
  const ground = await openGround({ own: true });
  const { versions } = ground;
  await ground.close();
  const report = ['## growth: how it grows', ...found.map((one) => one.report), surroundings(versions)].join('\n\n');
  return { section: 'growth', report, figures: Object.assign({}, ...found.map((one) => one.figures)) };
}

/** A rate after a warm-up of the same kind; the processes live as long as that. */
async function measure(
  ground: Ground,
  contender: Contender,
  { seconds, profile }: BenchOptions,
  warmUp = WARM_UP,
): Promise<Throughput> {
  const opened: Opened = await contender.open(profile);
  try {
    const started = performance.now();
    await flow(opened, warmUp);
    const guess = (warmUp * 1000) / (performance.now() - started);
    return await throughput(ground, opened, Math.max(warmUp, Math.round(guess * seconds)));
  } finally {
    await opened.close();
  }
}

const COLUMNS = ['exceptions/s', 'Node µs CPU each', 'Postgres µs', 'broker µs'];

/** Medians over the rounds, in the order of COLUMNS. */
function cells(rounds: readonly Throughput[]): string[] {
  const of = (part: 'node' | 'postgres' | 'broker') =>
    shown(median(rounds.map(({ cpu, exceptions }) => (cpu[part] * 1000) / exceptions)));
  return [shown(rateOf(rounds)), of('node'), of('postgres'), of('broker')];
}

const rateOf = (rounds: readonly Throughput[]): number => median(rounds.map(({ perSecond }) => perSecond));

/** One measurement each: topics can be made but once on a broker. */
async function partitions(options: BenchOptions): Promise<Part> {
  const found = new Map<number, Throughput>();
  for (const count of PARTITIONS) {
    const ground = await openGround({ own: true });
    try {
      const one = await measure(ground, await millrace(ground, { partitions: count }), options);
      console.log(`${count} partitions ${shown(one.perSecond)}/s`);
      found.set(count, one);
    } finally {
      await ground.close();
    }
  }
  const rows = [...found].map(([count, one]) => [String(count), ...cells([one])]);
  const figures = Object.fromEntries([...found].map(([count, { perSecond }]) => [count, perSecond]));
  const report = ['### Partitions, CONCURRENCY 2', table(['partitions', ...COLUMNS], rows)].join('\n\n');
  return { report, figures: { partitions: figures } };
}

/** All tenants are there all the time; the load is spread over some of them. */
async function tenants(options: BenchOptions): Promise<Part> {
  const ground = await openGround({ own: true });
  try {
    const names = Array.from({ length: Math.max(...TENANTS) }, (_, i) => (i === 0 ? TENANT : `bench-${i}`));
    const system = await millrace(ground, { tenants: names });
    const found = TENANTS.map((count) => ({ count, rounds: [] as Throughput[] }));
    for (let round = 0; round < 2; round++) {
      for (const { count, rounds } of found) {
        rounds.push(await measure(ground, system.of(names.slice(0, count)), options, Math.max(WARM_UP, count)));
        console.log(`round ${round + 1} ${count} tenants ${shown(rateOf(rounds.slice(-1)))}/s`);
      }
    }
    const rows = found.map(({ count, rounds }) => [String(count), ...cells(rounds)]);
    const figures = Object.fromEntries(found.map(({ count, rounds }) => [count, rateOf(rounds)]));
    const report = ['### Tenants, each with its pack', table(['tenants', ...COLUMNS], rows)].join('\n\n');
    return { report, figures: { tenants: figures } };
  } finally {
    await ground.close();
  }
}

/** Two systems side by side, measured in turns: nothing but the journal is different. */
async function journal(options: BenchOptions): Promise<Part> {
  const grounds = [await openGround({ own: true }), await openGround({ own: true })];
  try {
    const [empty, full] = (await Promise.all(grounds.map((ground) => millrace(ground)))) as [System, System];
    const started = performance.now();
    const rows = await fillJournal(full.adminUrl, TENANT, options.rows);
    console.log(`${rows} rows of the journal in ${shown((performance.now() - started) / 1000)} s`);
    const found: [Throughput[], Throughput[]] = [[], []];
    for (let round = 0; round < 2; round++) {
      for (const [at, system] of [empty, full].entries()) {
        const one = await measure(grounds[at] as Ground, system, options);
        found[at]?.push(one);
        console.log(`round ${round + 1} ${at === 0 ? 'empty' : 'full '} ${shown(one.perSecond)}/s`);
      }
    }
    const [before, after] = [rateOf(found[0]), rateOf(found[1])];
    const list = [
      ['empty at the beginning', ...cells(found[0]), ''],
      [`${rows.toLocaleString('en')} rows`, ...cells(found[1]), `≥ ${shown(before * FULL_GOAL)}`],
    ];
    const head = `### Journal: ${Math.round((100 * after) / before)} % of the rate with an empty one`;
    const report = [head, table(['journal', ...COLUMNS, 'goal'], list)].join('\n\n');
    return { report, figures: { journal: { rows, empty: before, full: after, share: after / before } } };
  } finally {
    for (const ground of grounds) await ground.close();
  }
}

type System = Awaited<ReturnType<typeof millrace>>;
