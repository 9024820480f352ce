/** What a run of the pipeline's benchmark came to, for people and for programs. */
import type { Contender, ContenderName } from '../lib/contender.js';
import type { Latency } from '../lib/measure.js';
import { surroundings } from '../lib/results.js';
import { HOPS } from '../lib/rivals.js';
import { median, percentile, shown, table } from '../lib/stats.js';
import type { Round } from './pipeline.js';

export interface Figures {
  readonly handWritten: number | null; // exceptions/s, medians over the rounds
  readonly bare: number | null;
  readonly millrace: number | null;
  readonly p50At20: number | null; // ms, Millrace
  readonly p99At20: number | null;
  readonly contenders: Readonly<Record<string, ContenderFigures>>;
}

interface ContenderFigures {
  readonly perSecond: readonly number[]; // of each round
  readonly median: number;
  readonly nodeMicrosPerEvent: number;
  readonly perCpuSecond: number; // exceptions; says more than the rate where other programs share the machine
  readonly cpuShare: { readonly node: number; readonly postgres: number; readonly broker: number };
  readonly at20: Percentiles;
  readonly atHalf: Percentiles;
}

interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p50ToLast: number;
  readonly p99ToLast: number;
}

export function figuresOf(rounds: readonly Round[]): Figures {
  const names = [...new Set(rounds.map(({ contender }) => contender))];
  const contenders = Object.fromEntries(names.map((name) => [name, contenderFigures(of(rounds, name))]));
  const rate = (name: ContenderName) => contenders[name]?.median ?? null;
  return {
    handWritten: rate('handWritten'),
    bare: rate('bare'),
    millrace: rate('millrace'),
    p50At20: contenders.millrace?.at20.p50 ?? null,
    p99At20: contenders.millrace?.at20.p99 ?? null,
    contenders,
  };
}

const of = (rounds: readonly Round[], name: ContenderName) => rounds.filter(({ contender }) => contender === name);

function contenderFigures(rounds: readonly Round[]): ContenderFigures {
  const rates = rounds.map(({ throughput }) => throughput.perSecond);
  const sums = rounds.map(({ throughput: { cpu } }) => cpu.node + cpu.postgres + cpu.broker);
  const share = (part: 'node' | 'postgres' | 'broker') =>
    median(rounds.map(({ throughput: { cpu } }, i) => cpu[part] / (sums[i] as number)));
  return {
    perSecond: rates,
    median: median(rates),
    nodeMicrosPerEvent: median(
      rounds.map(({ throughput: { cpu, exceptions } }) => (cpu.node * 1000) / (exceptions * HOPS)),
    ),
    perCpuSecond: median(rounds.map(({ throughput }, i) => (throughput.exceptions * 1000) / (sums[i] as number))),
    cpuShare: { node: share('node'), postgres: share('postgres'), broker: share('broker') },
    at20: percentilesOf(rounds.flatMap(({ at20 }) => at20 ?? [])),
    atHalf: percentilesOf(rounds.flatMap(({ atHalf }) => atHalf ?? [])),
  };
}

/** Over all measurements of a kind together. */
function percentilesOf(all: readonly Latency[]): Percentiles {
  const resolved = all.flatMap(({ toResolved }) => toResolved);
  const last = all.flatMap(({ toLast }) => toLast);
  return {
    p50: percentile(resolved, 0.5),
    p99: percentile(resolved, 0.99),
    p50ToLast: percentile(last, 0.5),
    p99ToLast: percentile(last, 0.99),
  };
}

export function reportOf(
  versions: readonly string[],
  contenders: readonly Contender[],
  rounds: readonly Round[],
  figures: Figures,
): string {
  return [
    '## pipeline: exceptions a second, and how long one takes',
    surroundings(versions),
    contenders.map(({ name, about }) => `- **${name}**: ${about}.`).join('\n'),
    throughputTable(figures),
    latencyTable(figures),
    '### Every round',
    roundsTable(rounds),
    '### CPU of each process, µs an exception (last round)',
    processTable(contenders, rounds),
  ].join('\n\n');
}

function throughputTable({ contenders, handWritten, bare }: Figures): string {
  const times = (base: number | null, rate: number) => (base === null ? '–' : `${shown(rate / base)} ×`);
  const percent = (share: number) => `${(share * 100).toFixed(0)} %`;
  const rows = Object.entries(contenders).map(
    ([name, { median: rate, nodeMicrosPerEvent, perCpuSecond, cpuShare }]) => [
      name,
      shown(rate),
      times(handWritten, rate),
      times(bare, rate),
      shown(perCpuSecond),
      shown(nodeMicrosPerEvent),
      `${percent(cpuShare.node)} / ${percent(cpuShare.postgres)} / ${percent(cpuShare.broker)}`,
    ],
  );
  const head = [
    '',
    'exceptions/s',
    'of handWritten',
    'of bare',
    'exceptions per CPU second',
    'Node µs an event',
    'CPU Node / Postgres / broker',
  ];
  return table(head, rows);
}

function latencyTable({ contenders }: Figures): string {
  const pair = (one: number, other: number) => `${shown(one)} / ${shown(other)}`;
  const rows = Object.entries(contenders).map(([name, { at20, atHalf }]) => [
    name,
    pair(at20.p50, at20.p99),
    pair(at20.p50ToLast, at20.p99ToLast),
    pair(atHalf.p50, atHalf.p99),
    pair(atHalf.p50ToLast, atHalf.p99ToLast),
  ]);
  const head = [
    'p50 / p99, ms',
    'to RESOLVED at 20/s',
    'to the last stage at 20/s',
    'to RESOLVED at half of the top rate',
    'to the last stage at half of the top rate',
  ];
  return table(head, rows);
}

function roundsTable(rounds: readonly Round[]): string {
  const rows = rounds.map(({ contender, throughput: { exceptions, seconds, perSecond, cpu, rss, stolen }, at20 }) => [
    contender,
    String(exceptions),
    shown(seconds),
    shown(perSecond),
    shown(cpu.node / 1000),
    shown(cpu.postgres / 1000),
    shown(cpu.broker / 1000),
    `${shown(rss.node)} / ${shown(rss.largest)}`,
    shown(rss.broker),
    `${shown(percentile(at20?.toResolved ?? [], 0.5))} / ${shown(percentile(at20?.toResolved ?? [], 0.99))}`,
    `${shown(stolen)} / ${shown(at20?.stolen ?? Number.NaN)}`,
  ]);
  const cpuHead = ['Node CPU s', 'Postgres CPU s', 'broker CPU s'];
  const head = [
    '',
    'exceptions',
    's',
    '/s',
    ...cpuHead,
    'Node RSS MB: all / largest',
    'broker RSS MB',
    'p50 / p99 at 20/s',
    'stolen %: burst / at 20/s',
  ];
  return table(head, rows);
}

function processTable(contenders: readonly Contender[], rounds: readonly Round[]): string {
  const rows = contenders.flatMap(({ name }) => {
    const last = of(rounds, name).at(-1);
    if (last === undefined) return [];
    const { perProcess, exceptions } = last.throughput;
    return Object.entries(perProcess).map(([process, ms]) => [name, process, shown((ms * 1000) / exceptions)]);
  });
  return table(['', 'process', 'µs'], rows);
}
