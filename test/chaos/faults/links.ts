/** The network between the processes and a server: cut, slow, or half-open. */
import { sleep } from '../waiting.js';
import type { Fault } from './fault.js';

const LASTS_MS = 30_000;

export type LinkFault = 'cut' | 'slow' | 'half-open';

export const trouble = (server: 'postgres' | 'kafka', how: LinkFault): Fault => ({
  name: `link to ${server} ${how}`,
  strike: async ({ cluster, story, random }) => {
    const link = cluster.links?.[server];
    if (!link) throw new Error('this cluster runs without links in between');
    await sleep(2_000); // whoever lost a connection before has one again
    const touched = link.trouble(how, random);
    story.tell(`the link to ${server} is ${how} (${touched} connections)`);
    await sleep(LASTS_MS);
    link.heal();
    story.tell(`the link to ${server} is well again`);
  },
});
