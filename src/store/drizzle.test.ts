import { expect, it } from 'vitest';
import { outputOf } from '../testing/child.js';

const FACADE = new URL('./drizzle.ts', import.meta.url).href;

/** The most memory that a process with `program` in it ever held, in MB. */
const peakOf = (program: string): number =>
  Number(outputOf(`${program} process.stdout.write(String(process.resourceUsage().maxRSS / 1024));`));

it('loads for a few megabytes, whatever Node runs it', () => {
  expect(peakOf(`await import(${JSON.stringify(FACADE)});`) - peakOf('')).toBeLessThan(60);
});
