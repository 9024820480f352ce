/** `npm run chaos -- --minutes N --seed S --events N`: a longer run with more kinds of faults, and its summary. */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { judgementLines } from './checker.js';
import { killEachOnce } from './faults.js';
import { runChaos } from './run.js';

const EVENTS_EACH = 10; // journal events that one exception comes to, about

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    events: { type: 'string', default: '20000' },
    folder: { type: 'string' },
  },
});
const seed = Number(values.seed);
const exceptions = Math.ceil(Number(values.events) / EVENTS_EACH);
const folder = resolve(values.folder ?? join('.test-results', 'chaos', `seed-${seed}`));
const summary = await runChaos({
  ...{ folder, seed, exceptions, perSecond: exceptions / (Number(values.minutes) * 60) },
  ...{ tenants: 5, perStage: 1, apis: 1, partitions: 4, mishaps: 0.03 },
  faults: (cluster) => killEachOnce(cluster, seed),
  print: (line) => console.log(line),
});
for (const line of judgementLines(summary.judgements)) console.log(line);
console.log(`${summary.passed ? 'passed' : 'FAILED'}; evidence, logs and summary.json are in ${folder}`);
process.exitCode = summary.passed ? 0 : 1;
