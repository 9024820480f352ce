/** `millrace simulate <folder>`: what a pack decides about one input; a case of the past becomes a test of the pack. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { Timeline } from '../../api/schemas.js';
import { timeOrAgo, toldEvents } from '../../api/trials.js';
import { ProblemError } from '../../core/errors.js';
import { explainCase, type Given, recordedTest, type Walked, walk } from '../../trial/index.js';
import { createClient } from '../client.js';
import { readDocument } from '../document.js';
import { type Common, type Io, printJson, printProblems } from '../io.js';
import { walkedLines } from '../simulating.js';
import { type Candidate, packIn } from '../trying.js';

interface Options extends Common {
  readonly input?: string;
  readonly source: string;
  readonly given?: string;
  readonly now?: string;
  readonly record?: string;
  readonly tenant?: string;
  readonly name?: string;
  readonly all?: true;
}

export function addSimulate(program: Command, io: Io): void {
  program
    .command('simulate <folder>')
    .description('say what a pack would decide and do about one input, without doing it')
    .option('--input <file>', 'the body of a request; - is standard input')
    .option('--source <name>', 'the source that it is for', 'generic')
    .option('--given <file>', 'what tools and people answer, as JSON: { "steps.look": {…}, "policy": "approved" }')
    .option('--now <when>', 'the time at which it arrives; without it now')
    .option('--record <id>', 'take an exception of the past, and write it down as a test of the pack')
    .option('--tenant <name>', 'whose exception --record names')
    .option('--name <word>', 'the name of the test that --record writes')
    .option('--all', 'also every rule that did not match')
    .action(async (folder: string, _: object, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const pack = await packIn(folder);
      if (options.record !== undefined) return record(io, folder, pack, options.record, options);
      if (options.input === undefined) throw new ProblemError(NO_INPUT);
      const given = options.given === undefined ? {} : ((await readDocument(io, options.given)) as Given);
      const now = options.now === undefined ? Date.now() : timeOrAgo(options.now, Date.now(), '--now');
      const body = await readDocument(io, options.input);
      return print(io, walk(pack.pack, { body, source: options.source, now }, given), options);
    });
}

const NO_INPUT = {
  code: 'PARAM_MISSING',
  path: '--input',
  message: 'There is nothing to simulate.',
  hint: 'Name a file with --input, or an exception of the past with --record.',
};

function print(io: Io, walked: Walked, { json, all }: Options): void {
  const { problems, cases } = walked;
  if (json) {
    const explained = cases.map((one) => ({ ...one, explanation: explainCase(one.events) }));
    printJson(io, { problems, cases: explained });
  } else {
    printProblems(io, problems, false);
    for (const one of cases) for (const line of walkedLines(io, one, all === true)) io.out(line);
  }
  if (problems.length > 0 || cases.some(({ problem }) => problem !== null)) io.fail();
}

async function record(io: Io, folder: string, { pack, files }: Candidate, id: string, options: Options): Promise<void> {
  const { tenant = pack.name } = options;
  const client = createClient(io, options);
  const path = `/exceptions/${encodeURIComponent(tenant)}/${encodeURIComponent(id)}/timeline?limit=1000`;
  const { events } = await client.get(path, Timeline);
  const told = toldEvents(events.map((event) => ({ ...event, time: Date.parse(event.time) })));
  const { name, source, input, given, expect, now } = recordedTest(pack, files, told, options.name);
  const sample = `samples/${name}.json`;
  const test = { input: sample, source, now, expect, ...(Object.keys(given).length > 0 && { given }) };
  await write(join(folder, sample), `${JSON.stringify(input, null, 2)}\n`);
  await write(join(folder, 'tests', `${name}.yaml`), `# From exception ${id}.\n${stringify(test)}`);
  if (options.json) return printJson(io, { sample, test: `tests/${name}.yaml`, ...test });
  io.out(`tests/${name}.yaml and ${sample} are written.`);
  const [walked] = walk(pack, { body: input, source, now: Date.parse(now) }, given).cases;
  if (walked !== undefined) for (const line of walkedLines(io, walked, options.all === true)) io.out(line);
}

async function write(file: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text, { flag: 'wx' });
  } catch (error) {
    const hint = 'Give the test another name with --name.';
    throw new ProblemError({ code: 'FILE_UNWRITABLE', path: file, message: (error as Error).message, hint });
  }
}
