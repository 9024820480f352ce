/** Faults by a seed, told as they happen. Each leaves the cluster as it found it, or for the supervisor to heal. */
import type { Cluster } from './cluster.js';
import { type Random, randomOf, shuffled } from './random.js';
import type { Story } from './story.js';
import { sleep } from './waiting.js';

export interface FaultContext {
  readonly cluster: Cluster;
  readonly story: Story;
  readonly random: Random;
}

/** One fault: its name, and what it does; resolves when it is over. */
export interface Fault {
  readonly name: string;
  strike(context: FaultContext): Promise<void>;
}

/** SIGKILL of the process of this name; the supervisor starts it again. */
export const kill = (name: string): Fault => ({
  name: `kill ${name}`,
  strike: async ({ cluster, story }) => {
    const one = cluster.processes.find((process) => process.name === name);
    if (!one) throw new Error(`there is no process ${name}`);
    const { pid } = one;
    await one.kill();
    story.tell(`SIGKILL ${name} (pid ${pid}); started again`);
  },
});

/** Every process of the cluster once, in an order of the seed. */
export function killEachOnce(cluster: Cluster, seed: number): Fault[] {
  return shuffled(
    randomOf(seed, 'kills'),
    cluster.processes.map(({ name }) => kill(name)),
  );
}

/** Strikes one fault after the other, spread over the time that `progress` (0 to 1) takes to come to its end. */
export async function strikeAll(
  faults: readonly Fault[],
  context: FaultContext,
  progress: () => number,
): Promise<void> {
  for (const [index, fault] of faults.entries()) {
    const due = (index + 0.5 + context.random.next() * 0.5) / (faults.length + 1);
    while (progress() < due) await sleep(50);
    await fault.strike(context);
  }
}
