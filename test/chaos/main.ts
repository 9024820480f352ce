/**
 * `npm run chaos -- --minutes N --seed S --events N`: kills, zombies, restarts, storms, bad networks and bad records
 * under load, two processes of everything. Prints the story and the judgement; `summary.json` keeps both.
 */
import { appendFileSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { judgementLines } from './checker.js';
import { menuOf } from './menu.js';
import { runChaos, type Summary } from './run.js';

const EVENTS_EACH = 8; // journal events that one exception comes to, about

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '6' }, // of load
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    events: { type: 'string', default: '50000' },
    folder: { type: 'string' },
    only: { type: 'string' }, // faults with this in their name, to find out which one it was
    'no-links': { type: 'boolean', default: false }, // Kafka as the tests find it, no network faults
  },
});
const [seed, events, minutes] = [values.seed, values.events, values.minutes].map(Number) as [number, number, number];
const exceptions = Math.ceil(events / EVENTS_EACH);
const folder = resolve(values.folder ?? join('.test-results', 'chaos', `seed-${seed}`));
mkdirSync(folder, { recursive: true });
const summary = await runChaos({
  ...{ folder, seed, exceptions, perSecond: exceptions / (minutes * 60), burstMs: 10_000 },
  ...{ tenants: 10, perStage: 2, apis: 2, partitions: 8, mishaps: 0.03, linked: !values['no-links'], replay: true },
  faults: (cluster) => menuOf(cluster, seed, events, values.only),
  print: (line) => {
    console.log(line);
    appendFileSync(join(folder, 'story.txt'), `${line}\n`);
  },
});
for (const line of [...judgementLines(summary.judgements), ...factLines(summary)]) console.log(line);
console.log(`${summary.passed ? 'passed' : 'FAILED'}; evidence, logs and summary.json are in ${folder}`);
process.exitCode = summary.passed ? 0 : 1;

function factLines({ exits, notStruck, memory }: Summary): string[] {
  const asked = exits.filter((exit) => exit.asked);
  const own = exits.filter((exit) => !exit.asked).map(({ name, code, signal }) => `${name} (${signal ?? code})`);
  const used = Object.entries(memory).map(([name, { most, last }]) => `${name} ${last} (most ${most})`);
  return [
    `${asked.length} processes were ended on purpose, ${own.length} ended by themselves: ${own.join(', ') || 'none'}`,
    `memory in MB: ${used.join(', ')}`,
    ...notStruck.map((text) => `not struck: ${text}`),
  ];
}
