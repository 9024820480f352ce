/** Small packs for tests: a sound one, with some of its files replaced. */
import { compilePack } from '../packs/compile.js';
import type { CompiledPack, PackProblem } from '../packs/types.js';

const SOUND: Readonly<Record<string, string>> = {
  'pack.yaml': 'name: acme\ngroups: { desk: [ann, bob] }\n',
  'policies.yaml': 'default: { effect: deny }\n',
};

/** The files of a sound pack; a value of null leaves a file out. */
export function packFiles(files: Readonly<Record<string, string | null>> = {}): Map<string, string> {
  const all = Object.entries({ ...SOUND, ...files });
  return new Map(all.filter((entry): entry is [string, string] => entry[1] !== null));
}

/** The compiled pack; throws with its problems when it has any. */
export function packOf(files: Readonly<Record<string, string | null>> = {}): CompiledPack {
  const { pack, problems } = compilePack(packFiles(files));
  if (pack === undefined) throw new Error(problems.map((one) => `${one.path} ${one.code} ${one.message}`).join('\n'));
  return pack;
}

export const problemsOf = (files: Readonly<Record<string, string | null>>): PackProblem[] =>
  compilePack(packFiles(files)).problems;

/** `triage.yaml:2:3 EXPR_UNKNOWN` for each problem: what tables of bad packs compare. */
export const codesOf = (files: Readonly<Record<string, string | null>>): string[] =>
  problemsOf(files).map((problem) => `${problem.path} ${problem.code}`);
