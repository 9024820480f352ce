/** Runs one `millrace` command and answers its exit code. */
import { Command, CommanderError } from 'commander';
import { type Config, EXIT_CONFIG, loadConfig } from '../config.js';
import { addBacktest } from './commands/backtest.js';
import { addCheck } from './commands/check.js';
import { addConfig } from './commands/config.js';
import { addDeadLetters } from './commands/dead-letters.js';
import { addDesk } from './commands/desk.js';
import { addEnd } from './commands/end.js';
import { addExplain } from './commands/explain.js';
import { addKeys } from './commands/keys.js';
import { addList } from './commands/list.js';
import { addMigrate } from './commands/migrate.js';
import { addPacks } from './commands/packs.js';
import { addPipeline } from './commands/pipeline.js';
import { addReingest } from './commands/reingest.js';
import { addReplay } from './commands/replay.js';
import { addSend } from './commands/send.js';
import { addShow } from './commands/show.js';
import { addSimulate } from './commands/simulate.js';
import { addSources } from './commands/sources.js';
import { addTail } from './commands/tail.js';
import { addTenants } from './commands/tenants.js';
import { addTopics } from './commands/topics.js';
import { problemsFrom } from './errors.js';
import { type Common, type Io, printProblems } from './io.js';

/** What the caller gives; settings come from `env`, or from the process and `.env`. */
export type Outside = Omit<Io, 'config' | 'fail'> & { readonly env?: Readonly<Record<string, string | undefined>> };

export async function runCli(args: readonly string[], outside: Outside): Promise<number> {
  let exitCode = 0;
  let config: Config<'cli'> | undefined;
  const io: Io = {
    ...outside,
    config: () => {
      config ??= outside.env === undefined ? loadConfig('cli') : loadConfig('cli', outside.env, false);
      return config;
    },
    fail: (code = 1) => {
      exitCode = code;
    },
  };
  const program = createProgram(io);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    if (outside.signal.aborted) return 130;
    return told(io, error, program.opts<Common>().json === true);
  }
}

const COMMANDS = [
  ...[addSend, addList, addShow, addTail, addPipeline, addSources, addReingest, addEnd, addDeadLetters, addReplay],
  ...[addExplain, addSimulate, addBacktest],
  ...[addCheck, addConfig, addMigrate, addTopics, addTenants, addPacks, addKeys, addDesk],
];

function createProgram(io: Io): Command {
  const program = new Command('millrace');
  const trimmed = (print: (line: string) => void) => (text: string) => print(text.replace(/\n$/, ''));
  program
    .description('Look after a Millrace, and talk to it.')
    .option('--json', 'print JSON')
    .option('--url <address>', 'the API (MILLRACE_URL; else the Millrace of this folder)')
    .option('--key <key>', 'the API key (MILLRACE_API_KEY)')
    .configureOutput({ writeOut: trimmed(io.out), writeErr: trimmed(io.err) })
    .exitOverride()
    .showHelpAfterError('Try --help.');
  for (const add of COMMANDS) add(program, io);
  return program;
}

/** Prints what went wrong; answers the exit code. */
function told(io: Io, error: unknown, json: boolean): number {
  const problems = problemsFrom(error);
  printProblems(io, problems, json);
  return problems.every(({ code }) => code.startsWith('CONFIG_')) ? EXIT_CONFIG : 1;
}
