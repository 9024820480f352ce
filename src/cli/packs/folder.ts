/** A pack's folder on this machine: read, compiled, and its problems as an editor understands them. */
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ProblemError } from '../../core/errors.js';
import { readPackFolder } from '../../embedded/samples.js';
import { type CompiledPack, compilePack, type PackProblem } from '../../packs/index.js';
import { colorsOf, type Io, printJson } from '../io.js';

export interface PackFolder {
  readonly folder: string;
  readonly files: ReadonlyMap<string, string>;
}

const MAX_BYTES = 10 * 1024 * 1024;
const NO_FOLDER = 'Name the folder that holds pack.yaml.';

/** Its files by their path in it; hidden ones are left out. Throws ProblemError PACK_FOLDER. */
export async function readFolder(folder: string): Promise<PackFolder> {
  try {
    await requireSmall(folder);
    const files = await readPackFolder(folder);
    return {
      folder,
      files: new Map(
        [...files]
          .map(([path, text]) => [path.replaceAll('\\', '/'), text] as const)
          .filter(([path]) => !isHidden(path)),
      ),
    };
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    const message = `cannot be read: ${(error as Error).message}`;
    throw new ProblemError({ code: 'PACK_FOLDER', path: resolve(folder), message, hint: NO_FOLDER });
  }
}

const isHidden = (path: string): boolean => path.split(/[/\\]/).some((part) => part.startsWith('.'));

/** A slip of the hand, as `packs validate /`, must not read the whole disk. */
async function requireSmall(folder: string): Promise<void> {
  let bytes = 0;
  const look = async (inner: string): Promise<void> => {
    for (const entry of await readdir(join(folder, inner), { withFileTypes: true })) {
      const path = join(inner, entry.name);
      if (entry.isDirectory()) await look(path);
      else if (entry.isFile()) bytes += (await stat(join(folder, path))).size;
      if (bytes > MAX_BYTES) throw tooLarge(folder);
    }
  };
  await look('');
}

function tooLarge(folder: string): ProblemError {
  const message = `holds more than ${MAX_BYTES} bytes: is it a pack?`;
  return new ProblemError({ code: 'PACK_TOO_LARGE', path: resolve(folder), message, hint: NO_FOLDER });
}

/** The compiled pack; undefined when it has problems: they are printed, and the command fails. */
export function compiled(io: Io, { folder, files }: PackFolder, json: boolean): CompiledPack | undefined {
  const { pack, problems } = compilePack(files);
  if (pack) return pack;
  if (json) printJson(io, { folder, valid: false, problems });
  else for (const line of placedLines(io, folder, problems)) io.err(line);
  io.fail();
  return undefined;
}

/** `packs/acme/triage.yaml:12:5 CODE message` for each, and below it what to do; then how many there are. */
export function placedLines(io: Io, folder: string, problems: readonly PackProblem[]): string[] {
  const color = colorsOf(io);
  const files = new Set(problems.map(({ file }) => file)).size;
  const many = (count: number, word: string) => `${count} ${word}${count === 1 ? '' : 's'}`;
  return [
    ...problems.flatMap(({ path, code, message, hint }) => [
      `${color.bold(join(folder, path))} ${color.red(code)} ${message}`,
      ...(hint === undefined ? [] : [`  ${color.dim('→')} ${hint}`]),
    ]),
    `${many(problems.length, 'problem')} in ${many(files, 'file')}.`,
  ];
}
