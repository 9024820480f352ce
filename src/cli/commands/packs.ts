/** `millrace packs …`: a pack from its first line to its activation. */
import type { Command } from 'commander';
import { evaluateGate, type GateAnswer, runTests, type TestResult } from '../../trial/index.js';
import { backtestLines, gateLines } from '../backtesting.js';
import { type Common, colorsOf, type Io, printJson } from '../io.js';
import { compiled, readFolder } from '../packs/folder.js';
import { type HomeOptions, type How, withPacks } from '../packs/home.js';
import type { Candidate } from '../trying.js';
import { runBacktest } from './backtest.js';
import { addInit } from './pack-init.js';
import { addVersions, howOf, withHow } from './pack-versions.js';

export function addPacks(program: Command, io: Io): void {
  const packs = program.command('packs').description('what a tenant says about its exceptions');
  addInit(packs, io);
  addValidate(packs, io);
  addTest(packs, io);
  addPush(packs, io);
  addVersions(packs, io);
}

function addValidate(packs: Command, io: Io): void {
  packs
    .command('validate <folder>')
    .alias('check')
    .description('compile a pack and print every problem with its place; needs no server')
    .action(async (folder: string, _: object, command: Command) => {
      const json = command.optsWithGlobals<Common>().json === true;
      const read = await readFolder(folder);
      const pack = compiled(io, read, json);
      if (!pack) return;
      const { name, hash } = pack;
      if (json) return printJson(io, { folder, valid: true, name, hash, files: read.files.size, problems: [] });
      return io.out(`${name}: ${read.files.size} files, no problems.`);
    });
}

function addTest(packs: Command, io: Io): void {
  packs
    .command('test <folder>')
    .description('run its tests/*.yaml and print what was decided otherwise; needs no server')
    .action(async (folder: string, _: object, command: Command) => {
      const json = command.optsWithGlobals<Common>().json === true;
      const read = await readFolder(folder);
      const pack = compiled(io, read, json);
      if (!pack) return;
      const results = runTests(pack, read.files);
      const failed = results.filter(({ passed }) => !passed).length;
      if (json) printJson(io, { folder, name: pack.name, passed: results.length - failed, failed, results });
      else for (const line of resultLines(io, folder, pack.name, results)) io.out(line);
      if (failed > 0) io.fail();
    });
}

function resultLines(io: Io, folder: string, name: string, results: readonly TestResult[]): string[] {
  const color = colorsOf(io);
  const failed = results.filter(({ passed }) => !passed).length;
  const ended = failed === 0 ? color.green('all pass') : color.red(`${failed} fail`);
  return [
    ...results.flatMap((result) => linesOf(io, folder, result)),
    results.length === 0
      ? `${name}: no tests. Write one: ${folder}/tests/….yaml`
      : `${name}: ${results.length} ${results.length === 1 ? 'test' : 'tests'}, ${ended}.`,
  ];
}

function linesOf(io: Io, folder: string, { file, description, passed, differences, problem }: TestResult): string[] {
  const color = colorsOf(io);
  const head = `${passed ? color.green('✓') : color.red('✗')} ${file}${description === null ? '' : `  ${description}`}`;
  const why =
    problem === null
      ? []
      : [
          `  ${color.bold(`${folder}/${problem.path}`)} ${color.red(problem.code)} ${problem.message}`,
          ...(problem.hint === undefined ? [] : [`    ${color.dim('→')} ${problem.hint}`]),
        ];
  return [
    head,
    ...why,
    ...differences.flatMap(({ path, place, expected, decided }) => [
      `  ${color.bold(`${folder}/${place}`)} ${path}`,
      `    ${color.red(`- ${JSON.stringify(expected)}`)}  expected`,
      `    ${color.green(`+ ${JSON.stringify(decided)}`)}  decided`,
    ]),
  ];
}

interface Push extends HomeOptions, How {
  readonly activate?: true;
  readonly gate?: string;
  readonly since: string;
}

function addPush(packs: Command, io: Io): void {
  const push = packs
    .command('push <tenant> <folder>')
    .description('keep a pack as a new version; the same files are the version that they were')
    .option('--activate', 'and make it the active one')
    .option('--gate <condition>', 'make it the active one only if this holds of a backtest: changed < 2%')
    .option('--since <when>', 'how far the backtest of the gate goes back', '30d');
  withHow(push).action(async (tenant: string, folder: string, _: object, command: Command) => {
    const options = command.optsWithGlobals<Push>();
    const json = options.json === true;
    const read = await readFolder(folder);
    const pack = compiled(io, read, json);
    if (!pack) return;
    await withPacks(io, options, async (home) => {
      const pushed = await home.push(tenant, Object.fromEntries(read.files), options.by);
      const { version, name, created } = pushed;
      const gate =
        options.gate === undefined
          ? null
          : await passGate(io, tenant, { files: read.files, pack }, options.gate, options);
      const isActive = gate === null ? options.activate === true : gate.passed;
      if (isActive) await home.activate(tenant, version, howOf(options));
      if (gate?.passed === false) io.fail();
      if (json) return printJson(io, { ...pushed, active: isActive, ...(gate !== null && { gate }) });
      const what = created ? `${read.files.size} files` : 'the same files as before';
      io.out(`${tenant}: version ${version} of ${name} ${isActive ? 'is active' : 'is kept'} (${what}).`);
      if (!isActive) io.out(`Make it decide: millrace packs activate ${tenant} ${version}`);
    });
  });
}

/** What the backtest says of the gate; where it does not pass, the list of what would change is printed. */
async function passGate(
  io: Io,
  tenant: string,
  candidate: Candidate,
  gate: string,
  options: Push,
): Promise<GateAnswer> {
  const started = performance.now();
  const report = await runBacktest(io, tenant, candidate, { ...options, limit: '200' });
  io.progress('');
  const answer = evaluateGate(gate, report);
  if (options.json === true) return answer;
  const list = answer.passed ? [] : backtestLines(io, report, (performance.now() - started) / 1_000);
  for (const line of [...list, ...gateLines(io, answer)]) io.out(line);
  return answer;
}
