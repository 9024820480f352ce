/** Which faults a run of a given size has, in an order of its seed. */
import type { Cluster } from './cluster.js';
import { type Fault, kill, killEachOnce } from './faults/fault.js';
import { trouble } from './faults/links.js';
import { moveOffsets, rebalanceStorm, zombie } from './faults/members.js';
import { poison, sendAgain } from './faults/records.js';
import { restartKafka, restartPostgres, terminateBackends } from './faults/servers.js';
import { STAGES } from './layout.js';
import { randomOf, shuffled } from './random.js';

/** At 50,000 events: 25 kills, 3 zombies, every other fault once; 500 kills at 1,000,000. More events, more of each. `only`: those with it in their name. */
export function menuOf(cluster: Cluster, seed: number, events: number, only?: string): Fault[] {
  const random = randomOf(seed, 'menu');
  const workers = [...cluster.workers.values()].flat().map(({ name }) => name);
  const all = cluster.processes.map(({ name }) => name);
  const many = <T>(count: number, make: () => T): T[] => Array.from({ length: Math.max(1, count) }, make);
  const rounds = Math.ceil(events / 200_000);
  const each = killEachOnce(cluster, seed);
  const faults = [
    ...each,
    ...many(Math.ceil(events / 2_000) - each.length, () => kill(random.pick(all))),
    ...many(Math.ceil(events / 17_000), () => zombie(random.pick(workers))),
    ...many(rounds, () => [
      restartPostgres('fast'),
      restartPostgres('immediate'),
      restartKafka('clean'),
      restartKafka('hard'),
      terminateBackends,
      rebalanceStorm(random.pick(STAGES)),
      moveOffsets(random.pick(STAGES), 'earliest'),
      moveOffsets(random.pick(STAGES), 'latest'),
      sendAgain,
      ...linkTroubles(cluster),
    ]).flat(),
  ];
  const menu = shuffled(random, faults);
  // Late, so that there are old events to make it from; once: more than twenty dead letters a minute on a partition
  // stop a worker, on purpose.
  menu.splice(Math.ceil(menu.length * 0.7), 0, poison);
  return only === undefined ? menu : menu.filter(({ name }) => name.includes(only));
}

function linkTroubles({ links }: Cluster): Fault[] {
  if (!links) return [];
  return (['cut', 'slow', 'half-open'] as const).flatMap((how) => [trouble('postgres', how), trouble('kafka', how)]);
}
