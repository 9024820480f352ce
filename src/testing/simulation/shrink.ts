/** Makes a failing run short: fewer kinds of fault, fewer exceptions, fewer faults, each tried by running again. */
import { type Cut, type FaultKind, NO_CUT } from './faults.js';
import { type RunResult, simulate } from './run.js';
import type { Mutant } from './world.js';

const MOST_RUNS = 150;
const MOST_LINES = 120;

export interface ShortStory {
  readonly result: RunResult;
  readonly lines: readonly string[];
}

/** The shortest failing run found from this seed, told line by line; undefined when the seed does not fail. */
export async function shrink(seed: number, mutant?: Mutant): Promise<ShortStory | undefined> {
  let runs = 0;
  let best = await simulate({ seed, cut: NO_CUT, mutant });
  let cut: Cut = NO_CUT;
  if (best.violations.length === 0) return undefined;
  const attempt = async (shorter: Cut): Promise<void> => {
    if (runs++ >= MOST_RUNS) return;
    const result = await simulate({ seed, cut: shorter, mutant });
    if (result.violations.length === 0) return;
    best = result;
    cut = shorter;
  };
  for (const kind of best.byKind.keys()) await attempt({ ...cut, kinds: new Set<FaultKind>([...cut.kinds, kind]) });
  for (const cases of [3, 2, 1]) await attempt({ ...cut, cases });
  for (let number = best.faults - 1; number >= 0; number--) {
    await attempt({ ...cut, faults: new Set([...cut.faults, number]) });
  }
  const lines: string[] = [];
  const result = await simulate({ seed, cut, mutant, tell: (line) => lines.push(line) });
  return { result, lines: readable(lines, result.violations) };
}

/** A long story without what is not about the faults or the cases that broke. */
function readable(lines: readonly string[], violations: readonly string[]): readonly string[] {
  if (lines.length <= MOST_LINES) return lines;
  const names = [...new Set(violations.flatMap((text) => text.match(/\bc\d+\b/g) ?? []))];
  const about = names.map((name) => new RegExp(`\\b${name}\\b`));
  const kept = lines.filter((line) => /s {2}[!-]|BROKEN/.test(line) || about.some((name) => name.test(line)));
  const middle = kept.length - MOST_LINES;
  if (middle <= 0) return kept;
  return [...kept.slice(0, MOST_LINES / 2), `           … ${middle} more …`, ...kept.slice(-MOST_LINES / 2)];
}
