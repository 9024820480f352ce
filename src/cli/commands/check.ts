/** `millrace check`: everything that must hold before the pipeline works, every problem at once. */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { type Config, EXIT_CONFIG } from '../../config.js';
import { createPostgresStore } from '../../store/open.js';
import { addressOf, type Client, createClient } from '../client.js';
import { embeddedFolder, NO_DATABASE } from '../database.js';
import { problemsFrom } from '../errors.js';
import { type Common, colorsOf, type Io, printJson, problemLines } from '../io.js';
import { type Finding, judgeDatabase, judgeKafka } from '../judge.js';
import { openKafka } from '../kafka.js';

export function addCheck(program: Command, io: Io): void {
  program
    .command('check')
    .description('check settings, database, migrations, role, clock, Kafka, topics, positions')
    .addHelpText('after', '\nExit code 0: all is well. 1: something is not. 78: the settings are wrong.')
    .action(async (_: object, command: Command) => {
      const options = command.optsWithGlobals<Common>();
      const config = io.config();
      const isEmbedded = config.database.url === null && existsSync(embeddedFolder(config));
      const findings = isEmbedded
        ? await judgeEmbedded(config, createClient(io, options))
        : await judgeCluster(config, config.database.url);
      const problems = findings.flatMap((one) => one.problems);
      if (problems.length > 0) io.fail(problems.some(({ code }) => code.startsWith('CONFIG_')) ? EXIT_CONFIG : 1);
      if (options.json) return printJson(io, { ok: problems.length === 0, checks: findings });
      return print(io, findings);
    });
}

function print(io: Io, findings: readonly Finding[]): void {
  const color = colorsOf(io);
  for (const { name, detail, problems } of findings) {
    const word = problems.length === 0 ? color.green('ok  ') : color.red('FAIL');
    io.out(`${word}  ${name.padEnd(10)}  ${detail}`.trimEnd());
    for (const problem of problems) for (const line of problemLines(io, problem)) io.out(`      ${line}`);
  }
}

async function judgeCluster(config: Config<'cli'>, url: string | null): Promise<Finding[]> {
  const log = openKafka(config);
  const memory =
    url === null
      ? null
      : createPostgresStore({ url, poolSize: 2, connectTimeoutMs: 5_000, applicationName: 'millrace-check' });
  try {
    const missing = { findings: [{ name: 'database', detail: '', problems: [NO_DATABASE] }], isReady: false };
    const database = memory === null || url === null ? missing : await judgeDatabase(memory, url);
    const settings = { name: 'settings', detail: `${config.settings.length} variables`, problems: [] };
    return [settings, ...database.findings, ...(await judgeKafka(log, config, database.isReady ? memory : null))];
  } finally {
    await log.close();
    await memory?.close();
  }
}

/** Everything in one process: what counts is whether that process is ready. */
async function judgeEmbedded(config: Config<'cli'>, client: Client): Promise<Finding[]> {
  const folder = { name: 'data', detail: config.home, problems: [] };
  const problems = await client.ready().catch(problemsFrom);
  return [folder, { name: 'process', detail: problems.length === 0 ? `${addressOf(config)} is ready` : '', problems }];
}
