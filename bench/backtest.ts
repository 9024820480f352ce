/**
 * One backtest in a process of its own, as the command makes it: `BENCH_TENANT`, `DATABASE_URL`, `BENCH_CHANGE` (a file of
 * the active pack, what is replaced in it, and by what, as JSON). Prints what it took as one line of JSON.
 */
import { backtestPack } from '../src/api/trials.js';
import { stepBack } from '../src/cli/step-back.js';
import { compilePack } from '../src/packs/index.js';
import { PackCache } from '../src/runtime/pack-cache.js';
import { createPostgresStore } from '../src/store/open.js';

const variable = (name: string): string => {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
};
stepBack();
const tenantId = variable('BENCH_TENANT');
const [file, before, after] = JSON.parse(variable('BENCH_CHANGE')) as [string, string, string];
const memory = createPostgresStore({ url: variable('DATABASE_URL'), poolSize: 3, applicationName: 'backtest' });
const packs = new PackCache(memory.queries.packSource);
const { version } = await packs.activePack(tenantId);
const files = new Map(await memory.queries.packSource.files(tenantId, version));
files.set(file, (files.get(file) ?? '').replace(before, after));
const { pack, problems } = compilePack(files);
if (pack === undefined) throw new Error(JSON.stringify(problems));

const MARKS = [0.1, 0.5, 1];
const rssMb: number[] = [];
const progress = (_: number, share: number): void => {
  if (share >= (MARKS[rssMb.length] ?? Number.POSITIVE_INFINITY)) rssMb.push(rssNow());
};
const rssNow = () => Math.round(process.memoryUsage.rss() / 1024 ** 2);

const [began, cpu] = [performance.now(), process.cpuUsage()];
const until = Date.now();
const asked = { tenantId, pack, files, since: until - 31 * 86_400_000, until, limit: 200 };
const { cases, changed, activeFromReal, notes } = await backtestPack({ queries: memory.queries, packs }, asked, {
  progress,
});
while (rssMb.length < MARKS.length) rssMb.push(rssNow());
const { user, system } = process.cpuUsage(cpu);
const wallMs = performance.now() - began;
const told = { cases, changed, activeFromReal, notes, rssMb, wallMs, cpuMs: (user + system) / 1_000 };
await memory.close();
process.stdout.write(`done ${JSON.stringify(told)}\n`);
process.once('SIGTERM', () => process.exit(0)); // who started it has read what it printed
setInterval(() => undefined, 60_000);
