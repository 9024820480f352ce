/** Compiles a pack beside other work: a process that serves others goes on serving while a large one is compiled. */
import { setImmediate as breathe } from 'node:timers/promises';
import { type Compiled, compileInSteps } from '../packs/index.js';

const MOST_MS = 10; // at a stretch, as far as the pack's parts allow

export async function compileBeside(files: ReadonlyMap<string, string>): Promise<Compiled> {
  const steps = compileInSteps(files);
  let since = performance.now();
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    if (performance.now() - since < MOST_MS) continue;
    await breathe();
    since = performance.now();
  }
}
