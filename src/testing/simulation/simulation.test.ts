import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { NO_CUT } from './faults.js';
import { MUTANTS } from './mutants.js';
import { simulate } from './run.js';
import { shrink } from './shrink.js';

const MINUTES = 60_000;

function run(...args: string[]): { readonly status: number | null; readonly text: string } {
  const script = fileURLToPath(new URL('main.ts', import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', script, ...args], {
    encoding: 'utf8',
  });
  return { status, text: `${stdout}${stderr}` };
}

it('5,000 seeds: nothing is lost, nothing doubled, nothing stuck', { timeout: 30 * MINUTES }, () => {
  const { status, text } = run('--seeds', '5000');
  expect(text).toContain('nothing lost, nothing doubled, nothing stuck');
  expect(text).toMatch(/^5,000 seeds/m);
  expect(status).toBe(0);
});

it('no build without one of the guards survives', { timeout: 30 * MINUTES }, () => {
  const { status, text } = run('--mutants');
  for (const { guard } of MUTANTS) expect(text).toContain(guard);
  expect(text).not.toContain('SURVIVES');
  expect(status, text).toBe(0);
});

it('a seed is the same run every time', async () => {
  const tellOf = async (seed: number): Promise<string[]> => {
    const lines: string[] = [];
    await simulate({ seed, cut: NO_CUT, tell: (line) => lines.push(line) });
    return lines;
  };
  const [first, again, other] = [await tellOf(13), await tellOf(13), await tellOf(14)];
  expect(first.length).toBeGreaterThan(10);
  expect(again).toEqual(first);
  expect(other).not.toEqual(first);
});

it('a failing seed is told by the faults that it needs', async () => {
  const mutant = MUTANTS.find(({ guard }) => guard === 'wait decided once');
  const faultsOf = (lines: readonly string[]): number => lines.filter((line) => line.includes(' ! ')).length;
  let full: string[] = [];
  const fails = async (seed: number): Promise<boolean> => {
    full = [];
    const { violations } = await simulate({ seed, cut: NO_CUT, mutant, tell: (line) => full.push(line) });
    return violations.some((text) => text.includes('resolved twice')) && faultsOf(full) > 5;
  };
  let seed = 1;
  while (!(await fails(seed))) seed++;
  const story = await shrink(seed, mutant);
  expect(story?.lines.at(-1)).toContain('BROKEN');
  expect(faultsOf(story?.lines ?? full)).toBeLessThan(faultsOf(full)); // with fewer faults the run itself may be longer
});
