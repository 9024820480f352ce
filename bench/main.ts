/** `npm run bench -- NAME [--json FILE] [--seconds N] …`: one file a benchmark, listed in benchmarks/index.ts. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { BENCHMARKS } from './benchmarks/index.js';
import { writeResults } from './lib/results.js';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    json: { type: 'string' }, // the figures, for programs
    seconds: { type: 'string', default: '10' }, // how long one measurement should take
    rounds: { type: 'string' }, // how often each is measured
    minutes: { type: 'string', default: '10' }, // of churn and memory
    rate: { type: 'string', default: '60' }, // exceptions a second of memory and takeover
    rows: { type: 'string', default: '10000000' }, // of the full journal of growth
    past: { type: 'string', default: '100000' }, // cases of the backtest of `packs`
    only: { type: 'string', default: '' }, // some of the contenders, separated by commas; writes no RESULTS.md
    embedded: { type: 'boolean', default: false },
    latency: { type: 'boolean', default: true }, // --no-latency: throughput only; writes no RESULTS.md
    profile: { type: 'string' }, // folder for CPU profiles of the measured processes
  },
});

const [name = ''] = positionals;
const benchmark = BENCHMARKS[name];
if (benchmark === undefined) {
  const list = Object.entries(BENCHMARKS).map(([known, { about }]) => `  ${known.padEnd(10)} ${about}`);
  console.error(`usage: npm run bench -- NAME [--json FILE] [--seconds N] [--rounds N]\n${list.join('\n')}`);
  process.exit(64);
}
const only = values.only.split(',').filter((word) => word !== '');
const outcome = await benchmark.run({
  seconds: Number(values.seconds),
  rounds: Number(values.rounds ?? benchmark.rounds ?? 3),
  minutes: Number(values.minutes),
  rate: Number(values.rate),
  rows: Number(values.rows),
  past: Number(values.past),
  only,
  embedded: values.embedded,
  latency: values.latency,
  profile: values.profile,
});
console.log(`\n${outcome.report}`);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(outcome.figures, null, 2)}\n`);
if (only.length === 0 && values.latency && values.profile === undefined) writeResults(outcome.section, outcome.report);
process.exit(0);
