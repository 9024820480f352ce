/** `millrace packs check|push|list`: a tenant's pack, directly in the database. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ProblemError } from '../../core/errors.js';
import { readPackFolder } from '../../embedded/samples.js';
import { compilePack } from '../../packs/index.js';
import { withDatabase } from '../database.js';
import { type Common, type Io, printJson, printProblems, shortTime, tableLines } from '../io.js';

export function addPacks(program: Command, io: Io): void {
  const packs = program.command('packs').description('what a tenant says about its exceptions');
  packs
    .command('check <folder>')
    .description('compile a pack and print every problem')
    .action(async (folder: string, _: object, command: Command) => {
      const json = command.optsWithGlobals<Common>().json === true;
      const checked = await checkPack(folder);
      if (checked.problems.length > 0) printProblems(io, checked.problems, json);
      else if (json) printJson(io, { name: checked.name, files: checked.files.size, problems: [] });
      else io.out(`${checked.name}: ${checked.files.size} files, no problems.`);
      if (!checked.usable) io.fail();
    });
  packs
    .command('push <tenant> <folder>')
    .description('compile a pack, keep it as a new version and make it the active one')
    .action(async (tenant: string, folder: string, _: object, command: Command) => {
      const json = command.optsWithGlobals<Common>().json === true;
      const { name, files, problems, usable } = await checkPack(folder);
      if (!usable) {
        printProblems(io, problems, json);
        return io.fail();
      }
      const saved = await withDatabase(io, async ({ queries }) => {
        const pack = { name, files: Object.fromEntries(files), createdBy: 'cli' };
        const kept = await queries.savePack(tenant, pack);
        await queries.activatePack(tenant, kept.version);
        return kept;
      });
      if (json) return printJson(io, { tenant, ...saved, problems });
      printProblems(io, problems, false);
      const what = saved.created ? `${files.size} files` : 'the same files as before';
      return io.out(`${tenant}: version ${saved.version} of ${name} is active (${what}).`);
    });
  addList(packs, io);
}

function addList(packs: Command, io: Io): void {
  packs
    .command('list <tenant>')
    .description('list the versions of a pack, the newest first')
    .action(async (tenant: string, _: object, command: Command) => {
      const list = await withDatabase(io, ({ queries }) => queries.listPacks(tenant));
      if (command.optsWithGlobals<Common>().json) return printJson(io, list);
      const rows = list.map(({ version, name, hash, createdAt, createdBy, active }) => [
        String(version),
        name,
        shortTime(createdAt),
        createdBy,
        hash.slice(0, 12),
        active ? 'active' : '',
      ]);
      for (const line of tableLines(io, ['version', 'name', 'created', 'by', 'hash', ''], rows)) io.out(line);
    });
}

async function checkPack(folder: string) {
  const files = await readFolder(folder);
  const { pack, problems } = compilePack(files);
  return { name: pack?.name ?? folder, files, problems, usable: pack !== undefined };
}

async function readFolder(folder: string): Promise<ReadonlyMap<string, string>> {
  try {
    const files = await readPackFolder(folder);
    return new Map([...files].filter(([path]) => !path.split(/[/\\]/).some((part) => part.startsWith('.'))));
  } catch (error) {
    const message = `cannot be read: ${(error as Error).message}`;
    const hint = 'Name the folder that holds pack.yaml.';
    throw new ProblemError({ code: 'PACK_FOLDER', path: resolve(folder), message, hint });
  }
}
