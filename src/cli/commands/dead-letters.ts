/** `millrace dead-letters list|show|edit|replay|discard`: what could not be handled, and what to do about it. */
import type { Command } from 'commander';
import { LetterDetail, LetterPage, LetterSettled } from '../../api/dead-letter-schemas.js';
import { ProblemError, quoted } from '../../core/errors.js';
import { STAGES } from '../../core/stages.js';
import { createClient, understood } from '../client.js';
import { describeEvent } from '../describe.js';
import { readDocument } from '../document.js';
import { type Common, colorsOf, type Io, printJson, shortTime, tableLines } from '../io.js';
import { confirmed, FILTERS, type Filter, filterOf, pathOf, replayAll } from '../replaying.js';

const JSON_BODY = { 'content-type': 'application/json' };

export function addDeadLetters(program: Command, io: Io): void {
  const letters = program.command('dead-letters').description('what could not be handled: look, edit, replay, discard');
  addList(letters, io);
  addShow(letters, io);
  addEdit(letters, io);
  addReplay(letters, io);
  addDiscard(letters, io);
}

/** Adds the options that name letters. */
function withFilter(command: Command): Command {
  for (const [flags, about] of FILTERS) command.option(flags, about);
  return command;
}

function addList(letters: Command, io: Io): void {
  withFilter(letters.command('list <tenant>'))
    .description('grouped by cause, then one by one, the newest first; ~system has what names no tenant')
    .option('--status <list>', 'open, parked, replayed, discarded; several separated by commas (open,parked)')
    .option('--limit <number>', 'at most so many (50)')
    .option('--cursor <text>', 'go on after a page')
    .action(async (tenant: string, _: object, command: Command) => {
      const options = command.optsWithGlobals<Filter & Common & Record<'status' | 'limit' | 'cursor', string>>();
      const { status, limit, cursor } = options;
      const query = new URLSearchParams(Object.entries(filterOf(options)));
      for (const [name, value] of Object.entries({ status, limit, cursor })) if (value) query.set(name, value);
      const page = await createClient(io, options).get(`${pathOf(tenant)}?${query}`, LetterPage);
      if (options.json) return printJson(io, page);
      const causes = page.causes.map((one) => [
        ...[String(one.count), one.stage, one.code, one.type ?? '-', String(one.exceptions), shortTime(one.lastAt)],
        one.message,
      ]);
      const heading = ['count', 'stage', 'code', 'event', 'exceptions', 'last', 'message'];
      for (const line of tableLines(io, heading, causes)) io.out(line);
      io.out('');
      const rows = page.items.map((one) => [one.id, one.status, String(one.attempts), one.code, one.exception ?? '-']);
      for (const line of tableLines(io, ['id', 'status', 'failed', 'code', 'exception'], rows)) io.out(line);
      if (page.next !== null) io.out(`\nmore: --cursor ${page.next}`);
    });
}

function addShow(letters: Command, io: Io): void {
  letters
    .command('show <tenant> <id>')
    .description('what it came with, what happened to it, and the exception it holds')
    .action(async (tenant: string, id: string, _: object, command: Command) => {
      const options = command.optsWithGlobals<Common>();
      const letter = await createClient(io, options).get(pathOf(tenant, id), LetterDetail);
      return options.json ? printJson(io, letter) : print(io, letter);
    });
}

function print(io: Io, letter: LetterDetail): void {
  const color = colorsOf(io);
  const { code, message, path, stage, topic, partition, offset, exception, holds, input, editedInput } = letter;
  const facts: readonly (readonly [string, string | null])[] = [
    ['status', `${letter.status}, failed ${letter.attempts} times, last ${shortTime(letter.lastAt)}`],
    ['why', `${code}: ${message}`],
    ['where', path],
    ['record', `${topic}/${partition} at ${offset}, for ${stage}`],
    ['event', letter.type],
    ['exception', exception === null ? null : `${exception}${holds ? ', held until this is settled' : ''}`],
    ['reason', letter.reason],
    ['input', JSON.stringify(input.data)],
    ['edited', editedInput === null ? null : JSON.stringify(editedInput.data)],
  ];
  io.out(color.bold(letter.id));
  for (const [name, value] of facts) if (value !== null) io.out(`${color.dim(name.padEnd(9))} ${value}`);
  io.out('');
  const history = letter.history.map(({ at, what, by, note }) => [shortTime(at), what, by ?? '-', note ?? '']);
  for (const line of tableLines(io, ['at', 'what', 'by', ''], history)) io.out(line);
  if (letter.timeline.length === 0) return;
  io.out('');
  const events = letter.timeline.map((event) => [
    ...[String(event.seq), shortTime(event.time), event.type],
    describeEvent(event.type, event.data),
  ]);
  for (const line of tableLines(io, ['#', 'at', 'event', ''], events)) io.out(line);
}

function addEdit(letters: Command, io: Io): void {
  letters
    .command('edit <tenant> <id> <file>')
    .description('replace its input by the JSON of a file (-: standard input); the old one is kept')
    .option('--key <key>', 'the key of a record that holds no exception')
    .option(
      '--header <name=value...>',
      'a header of a record that holds no exception; without a value it is taken away',
    )
    .option('--by <name>', 'who edits, on your own machine')
    .action(async (tenant: string, id: string, file: string, _: object, command: Command) => {
      const options = command.optsWithGlobals<Common & { key?: string; header?: readonly string[]; by?: string }>();
      const client = createClient(io, options);
      const { header = [], key, by } = options;
      const headers = Object.fromEntries(header.map(headerOf));
      const body = {
        data: await readDocument(io, file),
        ...(key !== undefined && { key }),
        ...(header.length > 0 && { headers }),
        ...(by !== undefined && { by }),
      };
      const path = pathOf(tenant, id);
      const letter = understood(
        client.base,
        path,
        await client.put(path, JSON.stringify(body), JSON_BODY),
        LetterDetail,
      );
      if (options.json) return printJson(io, letter);
      return io.out(`${letter.id} is edited. Send it: millrace dead-letters replay ${tenant} ${letter.id}`);
    });
}

function headerOf(text: string): [string, string | null] {
  const at = text.indexOf('=');
  return at === -1 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
}

function addReplay(letters: Command, io: Io): void {
  withFilter(letters.command('replay <tenant> [id]'))
    .description('replay one, or those that the options name, after a preview')
    .option('--all', 'all that are open')
    .option('--force', 'parked ones too')
    .option('--rate <number>', 'so many a second (20)', Number)
    .option('--limit <number>', 'at most so many', Number)
    .option('--yes', 'do not ask')
    .option('--by <name>', 'who replays, on your own machine')
    .action(async (tenant: string, id: string | undefined, _: object, command: Command) => {
      const options = command.optsWithGlobals<Replaying>();
      if (id === undefined) {
        if (Object.keys(filterOf(options)).length === 0 && !options.all) throw new ProblemError(WHICH);
        return replayAll(io, tenant, options);
      }
      const client = createClient(io, options);
      const path = `${pathOf(tenant, id)}/replay`;
      const body = { force: options.force === true, ...(options.by !== undefined && { by: options.by }) };
      const answer = understood(
        client.base,
        path,
        await client.post(path, JSON.stringify(body), JSON_BODY),
        LetterSettled,
      );
      return options.json ? printJson(io, answer) : io.out(`${answer.id}  ${MEANING[answer.outcome]}`);
    });
}

interface Replaying extends Common, Filter {
  readonly all?: true;
  readonly force?: true;
  readonly rate?: number;
  readonly limit?: number;
  readonly yes?: true;
  readonly by?: string;
}

const MEANING = {
  resumed: 'replayed: its exception goes on',
  sent: 'replayed: its record is on its topic again',
  closed: 'put away',
} as const;

const WHICH = {
  code: 'ARGUMENT_MISSING',
  message: `Name one by its id, several by --stage (${STAGES.join(', ')}), --code, --type or --exception, or --all.`,
  hint: 'millrace dead-letters replay demo --code DECISION_FAILED',
};

function addDiscard(letters: Command, io: Io): void {
  letters
    .command('discard <tenant> <id>')
    .description('put one away: its event has no effect, its exception goes on')
    .requiredOption('--reason <text>', 'why; it is kept')
    .option('--cancel', 'cancel its exception with it')
    .option('--yes', 'do not ask')
    .option('--by <name>', 'who discards, on your own machine')
    .action(async (tenant: string, id: string, _: object, command: Command) => {
      const options = command.optsWithGlobals<Common & { reason: string; cancel?: true; yes?: true; by?: string }>();
      const client = createClient(io, options);
      const { code, message, exception } = await client.get(pathOf(tenant, id), LetterDetail);
      io.err(`${code}: ${message}${exception === null ? '' : ` (exception ${exception})`}`);
      if (!options.yes && !(await confirmed(io, `Discard ${quoted(id)}?`))) return io.fail();
      const path = `${pathOf(tenant, id)}/discard`;
      const cancel = options.cancel === true;
      const body = { reason: options.reason, cancel, ...(options.by !== undefined && { by: options.by }) };
      const answer = understood(
        client.base,
        path,
        await client.post(path, JSON.stringify(body), JSON_BODY),
        LetterSettled,
      );
      return options.json ? printJson(io, answer) : io.out(`${answer.id} is discarded.`);
    });
}
