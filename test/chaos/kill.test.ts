/** Every process is killed once while exceptions come in; an independent judge looks at what is left. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { requireService } from '../../src/testing/services/require.js';
import { judgementLines } from './checker.js';
import { killEachOnce } from './faults/fault.js';
import { runChaos } from './run.js';

const postgres = requireService('postgres');
const kafka = requireService('kafka');
const both = postgres.available ? kafka : postgres;
const EXCEPTIONS = Number(process.env.CHAOS_EXCEPTIONS ?? 2_000);
const PER_SECOND = 80;
const LIMIT_MS = 1_200_000 + (EXCEPTIONS / PER_SECOND) * 2_000;

both.describe('every worker and the API killed once under load', () => {
  it(
    `${EXCEPTIONS} exceptions: nothing is lost, nothing is done twice`,
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'millrace-chaos-'));
      const seed = Number(process.env.CHAOS_SEED ?? 1);
      const summary = await runChaos({
        ...{ folder, seed, exceptions: EXCEPTIONS, perSecond: PER_SECOND, burstMs: 500 },
        ...{ tenants: 2, perStage: 1, apis: 1, partitions: 4, mishaps: 0.03, linked: false, replay: false },
        faults: (cluster) => killEachOnce(cluster, seed),
        print: (line) => console.log(line),
      });
      const killed = new Set(summary.exits.filter(({ signal }) => signal === 'SIGKILL').map(({ name }) => name));
      expect(killed.size).toBe(7);
      const wrong = summary.judgements.filter((judgement) => judgement.wrong > 0);
      expect(judgementLines(wrong), `seed ${seed}; logs and evidence are in ${folder}`).toEqual([]);
      await rm(folder, { recursive: true }); // kept only where something is wrong
    },
    LIMIT_MS,
  );
});
