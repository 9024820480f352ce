/** Faults by a seed, told as they happen. Each leaves the cluster as it found it, or for the supervisor to heal. */
import type { Cluster } from '../cluster.js';
import type { Pace } from '../load.js';
import { type Random, randomOf, shuffled } from '../random.js';
import type { Story } from '../story.js';
import { sleep } from '../waiting.js';

export interface FaultContext {
  readonly cluster: Cluster;
  readonly story: Story;
  readonly random: Random;
  readonly poisonFile: string;
}

/** One fault. */
export interface Fault {
  readonly name: string;
  /** Others go on beside it; without it nothing else strikes until it is over. */
  readonly beside?: boolean;
  /** Resolves when it is over. */
  strike(context: FaultContext): Promise<void>;
}

/** SIGKILL of the process of this name; the supervisor starts it again. */
export const kill = (name: string): Fault => ({
  name: `kill ${name}`,
  strike: async ({ cluster, story }) => {
    const one = cluster.processOf(name);
    const { pid } = one;
    await one.kill();
    story.tell(`SIGKILL ${name} (pid ${pid ?? 'none: it is just starting'}); started again`);
  },
});

/** Every process of the cluster once, in an order of the seed. */
export function killEachOnce(cluster: Cluster, seed: number): Fault[] {
  return shuffled(
    randomOf(seed, 'kills'),
    cluster.processes.map(({ name }) => kill(name)),
  );
}

/**
 * Strikes the faults in their order, spread over the load; the load waits for those that take long. Resolves when all
 * are over; answers what could not be done.
 */
export async function strikeAll(faults: readonly Fault[], context: FaultContext, pace: Pace): Promise<string[]> {
  const failed: string[] = [];
  const beside = new Set<Promise<void>>();
  const parts = faults.length + 1;
  pace.allowed = 1 / parts;
  for (const [index, fault] of faults.entries()) {
    const due = (index + 0.3 + context.random.next() * 0.6) / parts;
    while (pace.share < due) await sleep(50);
    const struck = fault.strike(context).catch((error: Error) => {
      context.story.tell(`could not strike: ${fault.name}: ${error.message}`);
      failed.push(`${fault.name}: ${error.message}`);
    });
    if (fault.beside) beside.add(struck);
    else await struck;
    pace.allowed = (index + 2) / parts;
  }
  await Promise.all(beside);
  return failed;
}
