/** What it costs to have Millrace and nothing to do. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Usage, usageOf } from '../lib/cpu.js';
import { millrace } from '../lib/millrace.js';
import type { Running } from '../lib/processes.js';
import { surroundings } from '../lib/results.js';
import { type Ground, openGround } from '../lib/servers.js';
import { shown, table } from '../lib/stats.js';
import type { BenchOptions, Outcome } from './index.js';

const SETTLE_MS = 20_000; // groups, first look-ups, what the start left to compile
const WATCHED = 6; // times as long as one measurement: a minute
const LOOKS = 12;

interface Seen {
  readonly name: string;
  readonly cpuPercent: number; // of one core
  readonly rssMb: number; // the largest
}

export const idle = {
  about: 'CPU and memory of six workers with nothing to do, and of their servers',
  run: runIdle,
};

async function runIdle({ seconds }: BenchOptions): Promise<Outcome> {
  const ground = await openGround();
  try {
    const opened = await (await millrace(ground)).open(undefined);
    await sleep(SETTLE_MS);
    const seen = await watch(ground, opened.processes, seconds * WATCHED);
    await opened.close();
    return outcomeOf(seen, seconds * WATCHED, ground.versions);
  } finally {
    await ground.close();
  }
}

async function watch(ground: Ground, processes: readonly Running[], seconds: number): Promise<Seen[]> {
  const look = (): readonly (readonly [string, Usage])[] => {
    const { postgres, broker } = ground.usage();
    const workers = processes.map(({ name, pid }) => [name, usageOf([pid])] as const);
    return [...workers, ['Postgres', postgres], ['broker', broker]];
  };
  const looks = [look()];
  const started = performance.now();
  for (let i = 0; i < LOOKS; i++) {
    await sleep((seconds * 1000) / LOOKS);
    looks.push(look());
  }
  const ms = performance.now() - started;
  return (looks[0] ?? []).map(([name, { cpuMs }], at) => {
    const usages = looks.map((one) => one[at]?.[1] as Usage);
    return {
      name,
      cpuPercent: (100 * ((usages.at(-1) as Usage).cpuMs - cpuMs)) / ms,
      rssMb: Math.max(...usages.map(({ rssMb }) => rssMb)),
    };
  });
}

function outcomeOf(seen: readonly Seen[], seconds: number, versions: readonly string[]): Outcome {
  const rows = seen.map(({ name, cpuPercent, rssMb }) => [name, shown(cpuPercent), shown(rssMb)]);
  const workers = seen.slice(0, -2);
  const worst = {
    cpuPercent: Math.max(...workers.map(({ cpuPercent }) => cpuPercent)),
    rssMb: Math.max(...workers.map(({ rssMb }) => rssMb)),
  };
  const report = [
    '## idle: six workers with nothing to do',
    '',
    `${shown(seconds)} s, after ${SETTLE_MS / 1000} s to settle. The sum of Postgres counts shared memory once for each of its processes.`,
    '',
    table(['', 'CPU % of a core', 'RSS MB'], [...rows, ['goal of a worker', '< 1', '< 120']]),
    '',
    surroundings(versions),
  ].join('\n');
  return { section: 'idle', report, figures: { ...worst, processes: seen } };
}
