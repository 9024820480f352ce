/** `millrace packs list|show|diff|activate|rollback`: the versions that are kept. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { ProblemError } from '../../core/errors.js';
import { diffPacks } from '../../packs/index.js';
import { versionOf } from '../../runtime/packs.js';
import { type Io, printJson, shortTime, tableLines } from '../io.js';
import { diffLines } from '../packs/diff-lines.js';
import { readFolder } from '../packs/folder.js';
import { type HomeOptions, type How, type PackHome, withPacks } from '../packs/home.js';

export function addVersions(packs: Command, io: Io): void {
  addList(packs, io);
  addShow(packs, io);
  addDiff(packs, io);
  addActivate(packs, io);
  addRollback(packs, io);
}

const withDatabaseOption = (command: Command): Command =>
  command.option('--database', 'in the database (DATABASE_URL, or the embedded one at rest), not by the API');

/** Adds the options of whatever changes the active version. */
export const withHow = (command: Command): Command =>
  withDatabaseOption(command)
    .option('--expected <version>', 'only if this version is active now; 0: none', expectedOf)
    .option('--reason <text>', 'why; it is kept')
    .option('--by <name>', 'who does it, on your own machine');

const expectedOf = (text: string): number => (text === '0' ? 0 : versionOf(text, '--expected'));

/** Only what was given: an absent option is an absent word of the request. */
export const howOf = ({ expected, reason, by }: How): How => ({
  ...(expected !== undefined && { expected }),
  ...(reason !== undefined && { reason }),
  ...(by !== undefined && { by }),
});

function addList(packs: Command, io: Io): void {
  withDatabaseOption(packs.command('list <tenant>'))
    .description('list the versions of a pack, the newest first')
    .option('--activations', 'who made which version the active one, instead')
    .action(async (tenant: string, _: object, command: Command) => {
      const options = command.optsWithGlobals<HomeOptions & { activations?: true }>();
      const { versions, activations } = await withPacks(io, options, (home) => home.list(tenant));
      if (options.json) return printJson(io, options.activations ? activations : versions);
      const [heading, rows] = options.activations ? activationTable(activations) : versionTable(versions);
      for (const line of tableLines(io, heading, rows)) io.out(line);
    });
}

type Kept = Awaited<ReturnType<PackHome['list']>>;

const versionTable = (versions: Kept['versions']): [string[], string[][]] => [
  ['version', 'name', 'created', 'by', 'hash', ''],
  versions.map(({ version, name, hash, createdAt, createdBy, active }) => [
    ...[String(version), name, shortTime(createdAt), createdBy, hash.slice(0, 12)],
    active ? 'active' : '',
  ]),
];

const activationTable = (activations: Kept['activations']): [string[], string[][]] => [
  ['#', 'at', 'what', 'version', 'before', 'by', 'reason'],
  activations.map(({ number, at, kind, version, previous, by, reason }) => [
    ...[String(number), shortTime(at), kind, String(version), String(previous ?? '-'), by, reason ?? ''],
  ]),
];

function addShow(packs: Command, io: Io): void {
  withDatabaseOption(packs.command('show <tenant> [version]'))
    .description('show a version (the active one) and its files')
    .option('--file <name>', 'print the text of one file')
    .option('--out <folder>', 'write its files into a new folder')
    .action(async (tenant: string, version: string | undefined, _: object, command: Command) => {
      const options = command.optsWithGlobals<HomeOptions & { file?: string; out?: string }>();
      const shown = await withPacks(io, options, (home) => home.show(tenant, version ?? 'active'));
      const { files, name, hash, createdAt, createdBy, active } = shown;
      if (options.out !== undefined) return writeAll(io, options.out, files);
      if (options.file !== undefined) return io.out(textOf(files, options.file).replace(/\n$/, ''));
      if (options.json) return printJson(io, shown);
      io.out(`version ${shown.version} of ${name}${active ? ', active' : ''}`);
      io.out(`pushed ${shortTime(createdAt)} by ${createdBy}, ${hash.slice(0, 12)}`);
      io.out('');
      const rows = Object.entries(files).map(([file, text]) => [file, String(text.split('\n').length - 1)]);
      for (const line of tableLines(io, ['file', 'lines'], rows.sort())) io.out(line);
    });
}

function textOf(files: Readonly<Record<string, string>>, file: string): string {
  const text = files[file];
  if (text !== undefined) return text;
  const hint = `It has: ${Object.keys(files).sort().join(', ')}.`;
  throw new ProblemError({ code: 'FILE_UNKNOWN', path: file, message: 'This version has no such file.', hint });
}

async function writeAll(io: Io, folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  if (existsSync(folder)) {
    const hint = 'Name a folder that is not there yet.';
    throw new ProblemError({ code: 'FOLDER_EXISTS', path: folder, message: 'The folder is there already.', hint });
  }
  for (const [file, text] of Object.entries(files)) {
    const path = join(folder, file); // names were checked when the pack was pushed: none leads out of the folder
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
  io.out(`${Object.keys(files).length} files are in ${folder}.`);
}

function addDiff(packs: Command, io: Io): void {
  withDatabaseOption(packs.command('diff <tenant> [from] [to]'))
    .description('compare two versions, or a version and a folder: by rule, policy, playbook and tool, then as text')
    .option('--no-text', 'without the text')
    .option('--exit-code', 'end with 1 if there is a difference')
    .addHelpText('after', '\nfrom and to: a version, active, newest, or a folder (active, newest).')
    .action(async (tenant: string, from = 'active', to = 'newest', _: object, command: Command) => {
      const options = command.optsWithGlobals<HomeOptions & { text: boolean; exitCode?: true }>();
      const [before, after] = await withPacks(io, options, async (home) => [
        await sideOf(home, tenant, from),
        await sideOf(home, tenant, to),
      ]);
      const diff = diffPacks(before.files, after.files);
      if (options.json) printJson(io, { from: before.name, to: after.name, ...diff });
      else for (const line of diffLines(io, before.name, after.name, diff, options.text)) io.out(line);
      if (options.exitCode && diff.files.length > 0) io.fail();
    });
}

interface Side {
  readonly name: string;
  readonly files: ReadonlyMap<string, string>;
}

async function sideOf(home: PackHome, tenant: string, word: string): Promise<Side> {
  if (existsSync(word)) return { name: word, files: (await readFolder(word)).files };
  const { version, files } = await home.show(tenant, word);
  return { name: `version ${version}`, files: new Map(Object.entries(files)) };
}

function addActivate(packs: Command, io: Io): void {
  withHow(packs.command('activate <tenant> <version>'))
    .description('make a version the active one; workers take it up within two seconds')
    .action(async (tenant: string, text: string, _: object, command: Command) => {
      const options = command.optsWithGlobals<HomeOptions & How>();
      const version = versionOf(text, 'version');
      const done = await withPacks(io, options, (home) => home.activate(tenant, version, howOf(options)));
      if (options.json) return printJson(io, done);
      const before = done.previous === null ? '' : `; before: version ${done.previous}`;
      return io.out(`${tenant}: version ${version} ${done.changed ? `is active${before}` : 'was active already'}.`);
    });
}

function addRollback(packs: Command, io: Io): void {
  withHow(packs.command('rollback <tenant>'))
    .description('go back to the version that was active before')
    .action(async (tenant: string, _: object, command: Command) => {
      const options = command.optsWithGlobals<HomeOptions & How>();
      const done = await withPacks(io, options, (home) => home.rollback(tenant, howOf(options)));
      if (options.json) return printJson(io, done);
      return io.out(`${tenant}: version ${done.version} is active again; before: version ${done.previous}.`);
    });
}
