/** What the commands that try packs share: the folder, the tenant, and where the past is read from. */
import { resolve } from 'node:path';
import { ProblemError, ProblemsError } from '../core/errors.js';
import { readPackFolder } from '../embedded/samples.js';
import { type CompiledPack, compilePack } from '../packs/index.js';

export interface PackFolder {
  readonly files: ReadonlyMap<string, string>;
  readonly pack: CompiledPack;
}

/** Throws ProblemError PACK_FOLDER, and ProblemsError with every problem of the pack. */
export async function packIn(folder: string): Promise<PackFolder> {
  const files = await filesIn(folder);
  const { pack, problems } = compilePack(files);
  const [first, ...rest] = problems;
  if (pack !== undefined) return { files, pack };
  throw new ProblemsError([first ?? { code: 'PACK_INVALID', message: 'The pack does not compile.' }, ...rest], 422);
}

async function filesIn(folder: string): Promise<ReadonlyMap<string, string>> {
  try {
    const files = await readPackFolder(folder);
    return new Map([...files].filter(([path]) => !path.split(/[/\\]/).some((part) => part.startsWith('.'))));
  } catch (error) {
    const message = `cannot be read: ${(error as Error).message}`;
    const hint = 'Name the folder that holds pack.yaml.';
    throw new ProblemError({ code: 'PACK_FOLDER', path: resolve(folder), message, hint });
  }
}
