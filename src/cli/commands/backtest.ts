/** `millrace backtest <tenant> <folder> --since 30d`: what a pack would have decided, before it decides anything. */
import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { Backtested } from '../../api/trial-schemas.js';
import { backtestPack, timeOrAgo } from '../../api/trials.js';
import { ProblemError } from '../../core/errors.js';
import { PackCache } from '../../runtime/pack-cache.js';
import { type BacktestReport, backtestPage, evaluateGate, type GateAnswer } from '../../trial/index.js';
import { backtestLines, gateLines } from '../backtesting.js';
import { createClient, understood } from '../client.js';
import { withDatabase } from '../database.js';
import { type Common, type Io, printJson } from '../io.js';
import { stepBack } from '../step-back.js';
import { type Candidate, packIn } from '../trying.js';

interface Options extends Omit<Common, 'json'> {
  readonly json?: boolean | string;
  readonly since: string;
  readonly until?: string;
  readonly limit: string;
  readonly html?: string;
  readonly gate?: string;
  readonly out?: string;
}

export function addBacktest(program: Command, io: Io): void {
  program
    .command('backtest <tenant> <folder>')
    .description('try a pack on the past: which exceptions would be decided otherwise, and by which rule')
    .option('--since <when>', 'a time, or how long ago: 30d, 2026-11-01', '30d')
    .option('--until <when>', 'the end of that time; without it now')
    .option('--limit <number>', 'list so many changed exceptions; the rest is counted', '200')
    .option('--out <file>', 'write the report as JSON to a file')
    .option('--html <file>', 'write the report as a page to hand on')
    .option('--gate <condition>', 'exit with 1 unless this holds: changed < 2% && suppressed_critical == 0')
    .action(async (tenant: string, folder: string, _: object, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const started = performance.now();
      const report = await runBacktest(io, tenant, await packIn(folder), options);
      io.progress('');
      const gate = options.gate === undefined ? null : evaluateGate(options.gate, report);
      const told = gate === null ? report : { ...report, gate };
      if (options.out !== undefined) await write(options.out, `${JSON.stringify(told, null, 2)}\n`);
      if (options.html !== undefined) await write(options.html, backtestPage(report));
      if (options.json) printJson(io, told);
      else print(io, report, gate, (performance.now() - started) / 1_000);
      if (!report.complete) io.fail(130);
      else if (gate?.passed === false) io.fail();
    });
}

function print(io: Io, report: BacktestReport, gate: GateAnswer | null, seconds: number): void {
  for (const line of backtestLines(io, report, seconds)) io.out(line);
  if (gate !== null) for (const line of gateLines(io, gate)) io.out(line);
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new ProblemError({ code: 'FILE_UNWRITABLE', path: file, message: (error as Error).message });
  }
}

type Asked = Pick<Options, 'since' | 'until' | 'limit' | 'url' | 'key'>;

/** On the database itself where it can be had; else by the API of the Millrace that holds it. */
export async function runBacktest(
  io: Io,
  tenant: string,
  candidate: Candidate,
  options: Asked,
): Promise<BacktestReport> {
  const now = Date.now();
  const since = timeOrAgo(options.since, now, '--since');
  const until = options.until === undefined ? now : timeOrAgo(options.until, now, '--until');
  const asked = { tenantId: tenant, ...candidate, since, until, limit: limitOf(options.limit) };
  if (options.url !== undefined || io.config().client.url !== null) return byApi(io, asked, options);
  stepBack();
  try {
    return await withDatabase(io, async ({ queries }) => {
      const deps = { queries, packs: new PackCache(queries.packSource) };
      const progress = (cases: number, share: number) => io.progress(bar(cases, share));
      return backtestPack(deps, asked, { signal: io.signal, progress });
    });
  } catch (error) {
    const isElsewhere = error instanceof ProblemError && ['HOME_HELD', 'CONFIG_REQUIRED'].includes(error.problem.code);
    if (isElsewhere) return byApi(io, asked, options);
    throw error;
  }
}

interface Whole extends Candidate {
  readonly tenantId: string;
  readonly since: number;
  readonly until: number;
  readonly limit: number;
}

async function byApi(
  io: Io,
  { tenantId, files, since, until, limit }: Whole,
  options: Common,
): Promise<BacktestReport> {
  const client = createClient(io, options);
  const path = `/packs/${encodeURIComponent(tenantId)}/backtest`;
  const times = { since: new Date(since).toISOString(), until: new Date(until).toISOString() };
  const body = JSON.stringify({ files: Object.fromEntries(files), ...times, limit: Math.min(1_000, limit) });
  const answer = await client.post(path, body, { 'content-type': 'application/json' });
  return understood(client.base, path, answer, Backtested) as BacktestReport;
}

function limitOf(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new ProblemError({ code: 'PARAM_RANGE', path: '--limit', message: 'It must be a whole number up to 999999.' });
}

const WIDTH = 30;
const bar = (cases: number, share: number): string => {
  const full = Math.round(share * WIDTH);
  return `${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${Math.round(share * 100)} %  ${cases.toLocaleString('en-US')} exceptions`;
};
