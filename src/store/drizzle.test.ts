import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';

const FACADE = new URL('./drizzle.ts', import.meta.url).href;

/** The most memory that a process with `program` in it ever held, in MB. */
function peakOf(program: string): number {
  const text = `${program} console.log(process.resourceUsage().maxRSS / 1024);`;
  return Number(execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', text]).toString());
}

it('loads for a few megabytes, whatever Node runs it', () => {
  expect(peakOf(`await import(${JSON.stringify(FACADE)});`) - peakOf('')).toBeLessThan(60);
});
