/** The six workers in one process: one publisher, one housekeeping, the same stages and the same shell as a cluster. */
import { v7 as newId } from 'uuid';
import type { Block } from '../blocks/port.js';
import { STAGES } from '../core/stages.js';
import type { Log } from '../log/port.js';
import { startHousekeeping, watchPostgres } from '../runtime/housekeeping.js';
import { Ingestion } from '../runtime/ingest.js';
import { type InletQueries, type Inlets, startInlets } from '../runtime/inlets/index.js';
import type { PackCache } from '../runtime/pack-cache.js';
import type { Publisher } from '../runtime/publisher.js';
import type { ReconcileQueries } from '../runtime/reconciler.js';
import { type RunningWorker, startWorker } from '../runtime/worker.js';
import type { Store } from '../store/port.js';
import type { Telemetry } from '../telemetry/catalogue.js';
import { ROLES } from '../workers/roles.js';

export interface AllWorkersOptions {
  readonly store: Store;
  readonly log: Log;
  readonly telemetry: Telemetry;
  readonly packs: PackCache;
  readonly publisher: Publisher;
  readonly queries: ReconcileQueries & InletQueries;
  readonly blocks: ReadonlyMap<string, Block>;
  readonly slots: number;
  readonly epoch: number;
  readonly workerId: string;
  readonly onCrash: (error: Error) => void;
}

export interface AllWorkers {
  readonly workers: readonly RunningWorker[];
  readonly inlets: Inlets;
  stop(deadlineMs: number): Promise<number>;
}

export async function startAllWorkers(options: AllWorkersOptions): Promise<AllWorkers> {
  const { packs, blocks, slots, workerId, ...rest } = options;
  const workers = await Promise.all(
    STAGES.map((name) => {
      const { stage, executes } = ROLES[name];
      const execution = executes ? { execution: { blocks, slots } } : {};
      const own = {
        stage,
        gather: packs,
        workerId: `${workerId}:${name}`,
        group: name,
        concurrency: 1,
        housekeeping: false,
      };
      return startWorker({ ...rest, ...own, ...execution });
    }),
  );
  const { store, log, telemetry, publisher, epoch, queries } = options;
  const ingestion = new Ingestion(store, publisher, telemetry);
  const inlets = startInlets({
    ...{ store, log, telemetry, publisher, ingestion, packs, epoch, queries, newId },
    watch: watchPostgres(telemetry),
  });
  const seenAs = { stageName: 'api', group: 'embedded', alsoStages: STAGES } as const;
  const housekeeping = startHousekeeping({ ...options, ...seenAs, isAlone: true });
  return {
    workers,
    inlets,
    stop: async (deadlineMs) => {
      await inlets.stop();
      const left = await Promise.all(workers.map((worker) => worker.stop(deadlineMs)));
      await housekeeping.stop();
      return left.reduce((sum, count) => sum + count, 0);
    },
  };
}
