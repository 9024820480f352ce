/** What the commands that try packs share: the folder, compiled. */
import { join } from 'node:path';
import { ProblemsError } from '../core/errors.js';
import { type CompiledPack, compilePack } from '../packs/index.js';
import { readFolder } from './packs/folder.js';

export interface Candidate {
  readonly files: ReadonlyMap<string, string>;
  readonly pack: CompiledPack;
}

/** Throws ProblemError PACK_FOLDER, and ProblemsError with every problem of the pack, each with the path that an editor opens. */
export async function packIn(folder: string): Promise<Candidate> {
  const { files } = await readFolder(folder);
  const { pack, problems } = compilePack(files);
  if (pack !== undefined) return { files, pack };
  const [first, ...rest] = problems.map((problem) => ({ ...problem, path: join(folder, problem.path) }));
  throw new ProblemsError([first ?? { code: 'PACK_INVALID', message: 'The pack does not compile.' }, ...rest], 422);
}
