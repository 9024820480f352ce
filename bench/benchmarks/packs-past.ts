/**
 * How fast a backtest goes through a long past on a real Postgres, and how long an activated version takes to decide while the
 * embedded pipeline runs.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readPackFolder } from '../../src/embedded/samples.js';
import { createEmbeddedLog } from '../../src/log/embedded/index.js';
import { createPgliteStore } from '../../src/store/open.js';
import { openPipeline, type Pipeline } from '../../src/testing/pipeline.js';
import { createDatabase, startPostgres } from '../../src/testing/services/postgres.js';
import { type Usage, usageOfServer } from '../lib/cpu.js';
import { openMigrated } from '../lib/millrace.js';
import { fillPast } from '../lib/past.js';
import { ROOT, start } from '../lib/processes.js';
import { median } from '../lib/stats.js';

const ACTIVATIONS = 5;
const MINUTES_20 = 1_200_000;
/** One rule of twenty asks for more; every sixteenth case meets it. */
const CHANGE = [
  'triage.yaml',
  "exception.type == 'FEED_LATE' && exception.fields.amount > 0",
  "exception.type == 'FEED_LATE' && exception.fields.amount > 200000",
] as const;

export interface PastFigures {
  readonly cases: number;
  readonly changed: number;
  readonly perCpuSecond: number; // cases a second of CPU of the process, all its threads
  readonly perSecond: number; // by the clock
  readonly seconds: number;
  readonly cores: number; // that it took
  readonly postgresSeconds: number; // of CPU
  readonly rssMb: readonly number[]; // at 10, 50 and 100 %
  readonly postgres: string;
}

/** The pack of the pipeline's benchmark on `cases` cases, of which one rule of the candidate decides some otherwise. */
export async function measurePast(cases: number, profile: string | undefined): Promise<PastFigures> {
  const server = await startPostgres();
  const database = await createDatabase(server.address);
  const { url, store } = await openMigrated(database.url);
  try {
    const past = await fillPast({ store, adminUrl: database.url, packOf }, cases);
    const before = usageOfServer('postgres');
    const told = await runBacktest(url, past.tenantId, profile);
    return { ...told, ...spent(before, usageOfServer('postgres')), postgres: server.origin };
  } finally {
    await store.close();
    await database.drop().catch(() => undefined);
    await server.stop();
  }
}

const packOf = (sink: string): ReadonlyMap<string, string> => {
  const folder = join(ROOT, 'bench', 'pack');
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.\w+$/.test(name));
  const read = (name: string) =>
    readFileSync(join(folder, name), 'utf8').replace('http://sink.invalid', `http://${sink}`);
  return new Map(names.sort().map((name) => [name, read(name)]));
};

const spent = (before: Usage, after: Usage) => ({ postgresSeconds: (after.cpuMs - before.cpuMs) / 1_000 });

interface Told {
  readonly cases: number;
  readonly changed: number;
  readonly rssMb: readonly number[];
  readonly wallMs: number;
  readonly cpuMs: number;
}

async function runBacktest(url: string, tenantId: string, profile: string | undefined) {
  const running = await start({
    ...{ name: 'backtest', args: ['--import', 'tsx', 'bench/backtest.ts'], ready: /^done .*$/m, readyMs: MINUTES_20 },
    env: { DATABASE_URL: url, BENCH_TENANT: tenantId, BENCH_CHANGE: JSON.stringify(CHANGE) },
    profile,
  });
  const line = /^done (.*)$/m.exec(running.output())?.[1] ?? '{}';
  await running.stop();
  const { cases, changed, rssMb, wallMs, cpuMs } = JSON.parse(line) as Told;
  const rates = { perCpuSecond: (cases * 1_000) / cpuMs, perSecond: (cases * 1_000) / wallMs };
  return { cases, changed, rssMb, ...rates, seconds: wallMs / 1_000, cores: cpuMs / wallMs };
}

/** Median milliseconds from the activation to the first decision by the new version. */
export async function measureActivation(): Promise<number> {
  const files = await readPackFolder(join(ROOT, 'packs', 'demo'));
  const memory = await createPgliteStore();
  const log = createEmbeddedLog();
  const pipeline = await openPipeline({
    ...{ memory, log, files, partitions: 1, epoch: 1, allowPrivate: [], filesRoot: tmpdir() },
  });
  try {
    await pipeline.startWorkers();
    return await timeActivation(pipeline, files);
  } finally {
    await pipeline.stopWorkers();
    await log.close();
    await memory.close();
  }
}

async function timeActivation(pipeline: Pipeline, files: ReadonlyMap<string, string>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < ACTIVATIONS; round++) {
    const changed = (files.get('triage.yaml') as string).replace('confidence: 0.3', `confidence: 0.${round + 31}`);
    await pipeline.usePack({ 'triage.yaml': changed });
    const activated = performance.now();
    for (let probe = 0; ; probe++) {
      const { items } = await pipeline.report({ type: 'ODD', entity: `probe-${round}-${probe}` });
      const found = await pipeline.settled(items[0]?.id as string, 'ESCALATED');
      if (found?.triage?.confidence === (round + 31) / 100) break;
    }
    times.push(performance.now() - activated);
  }
  return median(times);
}
