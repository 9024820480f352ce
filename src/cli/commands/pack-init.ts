/** `millrace packs init|schema`: a pack to begin with, and what editors need to know of the language. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { didYouMean, ProblemError } from '../../core/errors.js';
import { demoFolder, readPackFolder } from '../../embedded/samples.js';
import { LANGUAGE_FILES, type LanguageFile, languageFileOf, languageSchema, schemaLine } from '../../packs/index.js';
import { type Common, type Io, printJson } from '../io.js';

const SCHEMAS = '.schema';

export function addInit(packs: Command, io: Io): void {
  packs
    .command('init <folder>')
    .description('write a small, commented pack that validates, with a sample and a test')
    .option('--name <name>', 'its name (that of the folder)')
    .action(async (folder: string, _: object, command: Command) => {
      const { name = nameOf(folder), json } = command.optsWithGlobals<Common & { name?: string }>();
      await requireEmpty(folder);
      const starter = await readPackFolder(join(dirname(demoFolder()), 'starter'));
      const files = [...starter].map(([path, text]) => [path, ownText(path, text, name)] as const);
      for (const [path, text] of files) await write(join(folder, path), text);
      await writeSchemas(join(folder, SCHEMAS));
      if (json) return printJson(io, { folder, name, files: files.map(([path]) => path) });
      io.out(`${name}: ${files.length} files are in ${folder}. Next:`);
      io.out(`  millrace packs test ${folder}`);
      return io.out(`  millrace packs push TENANT ${folder} --activate`);
    });
  packs
    .command('schema [file]')
    .description(`print the JSON Schema of ${LANGUAGE_FILES.join(', ')}, for editors`)
    .option('--out <folder>', 'write all of them there')
    .action(async (file: string | undefined, _: object, command: Command) => {
      const { out } = command.optsWithGlobals<Common & { out?: string }>();
      if (out !== undefined) {
        await writeSchemas(out);
        return io.out(`${LANGUAGE_FILES.length} schemas are in ${out}.`);
      }
      if (file !== undefined) return printJson(io, languageSchema(languageFile(file)));
      return printJson(io, Object.fromEntries(LANGUAGE_FILES.map((one) => [one, languageSchema(one)])));
    });
}

function languageFile(word: string): LanguageFile {
  const name = word.replace(/\.(?:yaml|json)$/, '');
  const found = LANGUAGE_FILES.find((file) => file === name);
  if (found) return found;
  const meant = didYouMean(name, LANGUAGE_FILES);
  const hint = meant === undefined ? `One of ${LANGUAGE_FILES.join(', ')}.` : `Did you mean \`${meant}\`?`;
  throw new ProblemError({ code: 'ARGUMENT_INVALID', path: 'file', message: 'There is no such schema.', hint });
}

/** What is there is not written over. */
async function requireEmpty(folder: string): Promise<void> {
  const there = await readdir(folder).catch(() => []);
  if (there.length === 0) return;
  const hint = 'Name a new folder.';
  throw new ProblemError({ code: 'FOLDER_EXISTS', path: folder, message: 'The folder is not empty.', hint });
}

/** The name of the folder as far as it can be one of a pack. */
function nameOf(folder: string): string {
  const word = basename(resolve(folder))
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-');
  return word.replace(/^[^a-z]+/, '').slice(0, 63) || 'acme';
}

function ownText(path: string, text: string, name: string): string {
  const file = languageFileOf(path);
  if (file === undefined) return text;
  const own = text.replace(/^# yaml-language-server: .*/, schemaLine(path, file, SCHEMAS));
  return path === 'pack.yaml' ? own.replace(/^name: .*$/m, `name: ${name}`) : own;
}

async function writeSchemas(folder: string): Promise<void> {
  for (const file of LANGUAGE_FILES) {
    await write(join(folder, `${file}.json`), `${JSON.stringify(languageSchema(file), null, 2)}\n`);
  }
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
