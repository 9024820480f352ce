/** The binary: `WORKER_TYPE=triage node dist/workers`. */
import './compile-beside.js';

import { v7 as newId } from 'uuid';
import { type Config, EXIT_CONFIG, loadConfig } from '../config.js';
import { workerName } from '../core/stages.js';
import { watchPostgres } from '../runtime/housekeeping.js';
import { Ingestion } from '../runtime/ingest.js';
import { type Inlets, sourcesCheck, startInlets } from '../runtime/inlets/index.js';
import { Publisher } from '../runtime/publisher.js';
import { type RunningWorker, startWorker } from '../runtime/worker.js';
import { type HealthCheck, startHealthServer } from '../telemetry/health.js';
import { type ClusterProcess, composeCluster, probe } from './compose.js';
import { ROLES } from './roles.js';
import { onStopSignal, printProblems, runProcess } from './run.js';
import { preflight } from './start-up.js';

/** The topics of others are not made anew with Millrace's own, so positions on them are of one epoch for ever. */
const TOPICS_EPOCH = 1;

await runProcess(async () => {
  const config = loadConfig('worker');
  const { type, groupId, concurrency, pools } = config.worker;
  const role = ROLES[type];
  const parts = composeCluster(config, type);
  let worker: RunningWorker | undefined;
  let inlets: Inlets | undefined;
  let stopping = false;
  const health = await startHealthServer({
    ...config.health,
    checks: () => readiness(parts, worker, inlets, stopping),
    metrics: parts.metrics,
  });

  const stop = async (signal: string) => {
    stopping = true;
    const started = performance.now();
    parts.telemetry.emit('worker.stopping', { worker: workerName(type), signal });
    await inlets?.stop();
    const left = (await worker?.stop(config.shutdownTimeoutMs)) ?? 0;
    parts.telemetry.emit('worker.stopped', { worker: workerName(type), ms: performance.now() - started, left });
    await health.close();
    await parts.close();
    process.exit(0);
  };
  const signal = onStopSignal((name) => {
    setTimeout(() => process.exit(1), config.shutdownTimeoutMs + 5_000).unref(); // forced when the deadline passes
    void stop(name);
  });

  const problems = await preflight({ ...parts, ...config.topics }, parts.telemetry, signal);
  if (problems.length > 0) {
    printProblems(problems);
    process.exit(EXIT_CONFIG);
  }
  const publisher = new Publisher(parts.log, parts.memory.store, parts.telemetry, type);
  worker = await startWorker({
    publisher,
    stage: role.stage,
    store: parts.memory.store,
    log: parts.log,
    telemetry: parts.telemetry,
    gather: parts.packs,
    queries: parts.memory.queries,
    workerId: parts.workerId,
    group: groupId,
    concurrency,
    epoch: config.topics.epoch,
    housekeeping: true,
    ...(role.executes && { execution: { blocks: await loadBlocks(config), slots: pools.io } }),
    onCrash: () => process.exit(1), // crash-only: the supervisor starts a clean process
  });
  if (role.fetches)
    inlets = startInlets({ ...inletOptions(parts, publisher), sourceTopics: config.kafka.sourceTopics });
});

/** Loaded where they are needed: an HTTP client is a sixth of a worker's memory. */
async function loadBlocks({ secretsDir, egressAllow, filesRoot }: Config<'worker'>) {
  const { createBlocks } = await import('../blocks/registry.js');
  const { secretsFromFolder } = await import('../blocks/secrets-folder.js');
  const { resolveSecret } = secretsFromFolder(secretsDir);
  return createBlocks({ http: { resolveSecret, allowPrivate: [...egressAllow] }, fs: { root: filesRoot } });
}

function inletOptions({ memory: { store, queries }, log, packs, telemetry }: ClusterProcess, publisher: Publisher) {
  const ingestion = new Ingestion(store, publisher, telemetry);
  const watch = watchPostgres(telemetry);
  return { store, queries, log, packs, telemetry, publisher, ingestion, newId, watch, epoch: TOPICS_EPOCH };
}

async function readiness(
  parts: ClusterProcess,
  worker: RunningWorker | undefined,
  inlets: Inlets | undefined,
  stopping: boolean,
): Promise<HealthCheck[]> {
  const trouble = worker?.trouble();
  return [
    ...(await Promise.all([
      probe('postgres', () => parts.memory.store.ping()),
      probe('kafka', () => parts.log.ping()),
    ])),
    { name: 'worker', ok: worker !== undefined && !stopping, detail: stopping ? 'stopping' : worker ? '' : 'starting' },
    { name: 'progress', ok: trouble === undefined, detail: trouble ?? '' },
    ...(inlets ? [sourcesCheck(inlets)] : []),
  ];
}
