/** What every process of a cluster goes through before it works: judge the surroundings, wait for what is not there yet. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Problem, ProblemError } from '../core/errors.js';
import { STAGES, TOPIC_OF } from '../core/stages.js';
import type { Log } from '../log/port.js';
import { judgeClock, judgePositions, judgeTopics, topicsWanted } from '../runtime/preflight.js';
import { checkRuntimeRole, clockDifference } from '../store/checks.js';
import { requireSchema } from '../store/migrate.js';
import type { OpenStore } from '../store/open.js';
import type { Telemetry } from '../telemetry/catalogue.js';

export interface Surroundings {
  readonly memory: OpenStore;
  readonly log: Pick<Log, 'partitionCounts' | 'watermarks'>;
  readonly partitions: number;
  readonly epoch: number;
}

const RETRY_MS = 2_000;

/** Problems of the database that waiting does not mend. Rejects while it cannot be reached. */
export async function judgeDatabase(memory: OpenStore): Promise<Problem[]> {
  const problems: Problem[] = [];
  const note = (error: unknown) => {
    if (!(error instanceof ProblemError)) throw error;
    problems.push(error.problem);
  };
  await checkRuntimeRole(memory.driver).catch(note);
  await requireSchema(memory.driver).catch(note);
  if (problems.length > 0) return problems;
  return judgeClock(await clockDifference(memory.driver));
}

/** Problems of the topics that waiting does not mend. Rejects while the broker cannot be reached. */
export async function judgeLog({ memory, log, partitions, epoch }: Surroundings): Promise<Problem[]> {
  const wanted = topicsWanted(partitions);
  const topics = judgeTopics(wanted, await log.partitionCounts(wanted.map(({ topic }) => topic)));
  if (topics.length > 0) return topics;
  const { positions } = await memory.queries.pipeline([]); // before the ends: while others work, both move on
  const marks = await Promise.all(
    STAGES.map(async (stage) => [TOPIC_OF[stage], await log.watermarks(TOPIC_OF[stage])] as const),
  );
  return judgePositions(positions, epoch, new Map(marks));
}

/**
 * Resolves with the problems that stop this process (none: it may work); waits, saying so, while Postgres or Kafka
 * cannot be reached.
 */
export async function preflight(around: Surroundings, telemetry: Telemetry, signal: AbortSignal): Promise<Problem[]> {
  const database = await reach('postgres', () => judgeDatabase(around.memory), telemetry, signal);
  if (database.length > 0) return database;
  return reach('kafka', () => judgeLog(around), telemetry, signal);
}

/** Asks until the dependency answers; says so while it does not. */
export async function reach(
  dependency: 'postgres' | 'kafka',
  judge: () => Promise<Problem[]>,
  telemetry: Telemetry,
  signal: AbortSignal,
): Promise<Problem[]> {
  const started = performance.now();
  for (let failures = 0; ; failures++) {
    try {
      const problems = await judge();
      if (failures > 0) telemetry.emit('dependency.up', { dependency, downMs: performance.now() - started });
      return problems;
    } catch (error) {
      if (signal.aborted) throw error;
      telemetry.emit('dependency.down', { dependency, error: (error as Error).message });
      await sleep(RETRY_MS, undefined, { signal });
    }
  }
}
