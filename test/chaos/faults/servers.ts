/** The servers go down and come back, or cut off who is in the middle of something. */

import { sleep } from '../waiting.js';
import type { Fault } from './fault.js';

export const restartPostgres = (how: 'fast' | 'immediate'): Fault => ({
  name: `Postgres ${how} restart`,
  strike: async ({ cluster, story, random }) => {
    const downMs = 1_000 + random.below(4_000);
    await cluster.restartPostgres(how, downMs);
    story.tell(`Postgres went down (${how}) for ${downMs} ms and is back`);
  },
});

export const restartKafka = (how: 'clean' | 'hard'): Fault => ({
  name: `Kafka ${how} restart`,
  strike: async ({ cluster, story, random }) => {
    const downMs = 1_000 + random.below(4_000);
    await cluster.restartKafka(how, downMs);
    story.tell(`Kafka went down (${how}) for ${downMs} ms and is back`);
  },
});

const ROUNDS = 20;

/** Sessions that are in a transaction lose it, whatever statement they are at. */
export const terminateBackends: Fault = {
  name: 'terminate backends',
  strike: async ({ cluster, story }) => {
    let cut = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const rows = await cluster.sql`select pg_terminate_backend(pid) from pg_stat_activity
        where usename = 'millrace_runtime' and xact_start is not null order by random() limit 2`;
      cut += rows.length;
      await sleep(150);
    }
    story.tell(`terminated ${cut} backends in the middle of a transaction`);
  },
};
