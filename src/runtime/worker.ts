/**
 * A running worker: one stage's consumer with its shell, and the housekeeping that every process does (sweeper, timers,
 * heartbeat; for the tool worker also executors). Crash-only: what cannot be handled ends the process.
 */
import type { Block } from '../blocks/port.js';
import { TOPIC_OF, workerName } from '../core/stages.js';
import type { Consumer, Log } from '../log/port.js';
import type { GatherDeps, Stage } from '../stages/contract.js';
import type { Store } from '../store/port.js';
import type { Telemetry } from '../telemetry/catalogue.js';
import { Executor } from './executor.js';
import { type Housekeeping, startHousekeeping, watchPostgres } from './housekeeping.js';
import { type Loop, startLoop } from './loop.js';
import { Progress } from './progress.js';
import { Publisher } from './publisher.js';
import { type ReconcileQueries, Reconciler } from './reconciler.js';
import { Shell } from './shell.js';
import { TenantDirectory } from './tenants.js';

export interface WorkerOptions {
  readonly stage: Stage;
  readonly store: Store;
  readonly log: Log;
  readonly telemetry: Telemetry;
  readonly gather: GatherDeps;
  readonly queries: ReconcileQueries;
  readonly workerId: string;
  readonly group: string;
  readonly concurrency: number; // chunks at once
  readonly epoch: number;
  /** Only for the stage that executes: its blocks, and how many calls at once. */
  readonly execution?: { readonly blocks: ReadonlyMap<string, Block>; readonly slots: number };
  /** Publishes for the whole process, where several workers live in one. */
  readonly publisher?: Publisher;
  /** Whether this worker also sweeps, fires timers and beats; false where the process does it once for all. */
  readonly housekeeping: boolean;
  readonly onCrash: (error: Error) => void;
}

export interface RunningWorker {
  /** Why this worker does not get on; undefined while it does. For readiness. */
  trouble(): string | undefined;
  /** Takes no new work, finishes the chunk and calls in hand; answers how many calls were left at the deadline. */
  stop(deadlineMs: number): Promise<number>;
}

/** What several partitions have at the same time shares a chunk; how many chunks there are at once, the shell decides. */
const PARTITIONS_AT_ONCE = 32;
const EXECUTOR_PAUSE_MS = 1_000;
const PROGRESS_MS = 10_000;
const RECONCILE_MS = 60_000;

export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { stage, store, log, telemetry, gather, group, concurrency, epoch } = options;
  const publisher = options.publisher ?? new Publisher(log, store, telemetry, stage.name);
  const executor =
    options.execution &&
    new Executor({ ...options.execution, store, publisher, telemetry, gather, owner: options.workerId });
  const tenants = new TenantDirectory(store);
  const progress = new Progress(stage.name);
  const shell = new Shell(stage, {
    ...{ store, log, publisher, tenants, gather, telemetry, group, epoch, progress, lanes: concurrency },
    ...(executor && { slots: executor }),
  });
  const worker = workerName(stage.name);
  const consumer = await log.consume({
    topic: TOPIC_OF[stage.name],
    group,
    concurrency: PARTITIONS_AT_ONCE,
    onBatch: (batch) => shell.onBatch(batch),
    onAssigned: (partitions) => {
      progress.assign(partitions);
      telemetry.emit('worker.assigned', { stage: stage.name, partitions });
    },
    onCrash: (error) => {
      telemetry.emit('worker.crashed', { worker, error: error.message });
      options.onCrash(error);
    },
  });
  const loops = [...watching(options, progress, publisher), ...(executor ? [startExecuting(executor, telemetry)] : [])];
  const housekeeping = options.housekeeping
    ? startHousekeeping({ ...options, stageName: stage.name, publisher })
    : undefined;
  telemetry.emit('worker.initialized', {
    worker,
    stage: stage.name,
    topics: [TOPIC_OF[stage.name]],
    group,
    concurrency,
  });
  const parts = { consumer, housekeeping, loops, executor, publisher };
  return { trouble: () => shell.halted ?? progress.stalled, stop: (deadlineMs) => stopAll(parts, deadlineMs) };
}

/** The loops that look at this worker itself: does it get on, and did it miss anything? */
function watching(options: WorkerOptions, progress: Progress, publisher: Publisher): Loop[] {
  const { log, telemetry } = options;
  const stage = options.stage.name;
  const reconciler = new Reconciler({ ...options, stage, publisher });
  const judge = async () => {
    const before = progress.stalled;
    const lags = progress.judge(await log.watermarks(TOPIC_OF[stage]), performance.now());
    for (const { partition, lag } of lags) telemetry.emit('worker.lag', { stage, partition, lag });
    if (progress.stalled && !before) telemetry.emit('worker.stalled', { stage, reason: progress.stalled });
    return false;
  };
  const quiet = { failed: () => undefined, worked: () => undefined }; // readiness asks Postgres and Kafka by itself
  return [startLoop(judge, PROGRESS_MS, quiet), startLoop(() => reconciler.tick(), RECONCILE_MS, quiet)];
}

function startExecuting(executor: Executor, telemetry: Telemetry): Loop {
  const loop = startLoop(() => executor.tick(), EXECUTOR_PAUSE_MS, watchPostgres(telemetry));
  executor.onHungry = loop.wake;
  return loop;
}

interface Parts {
  readonly consumer: Consumer;
  readonly housekeeping: Housekeeping | undefined;
  readonly loops: readonly Loop[];
  readonly executor: Executor | undefined;
  readonly publisher: Publisher;
}

async function stopAll(
  { consumer, housekeeping, loops, executor, publisher }: Parts,
  deadlineMs: number,
): Promise<number> {
  const stopping = loops.map((loop) => loop.stop());
  const [left] = await Promise.all([executor?.stop(deadlineMs) ?? 0, consumer.stop(), ...stopping]);
  await publisher.drain();
  await housekeeping?.stop();
  return left;
}
