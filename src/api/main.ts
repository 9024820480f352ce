/** The API of a cluster: `node dist/api/main.js`. It accepts while Kafka is down; without Postgres it answers 503. */
import { v7 as newId } from 'uuid';
import { secretsFromFolder } from '../blocks/secrets-folder.js';
import { EXIT_CONFIG, loadConfig } from '../config.js';
import { type Housekeeping, startHousekeeping } from '../runtime/housekeeping.js';
import { createServices } from '../runtime/services.js';
import { composeCluster, probe } from '../workers/compose.js';
import { onStopSignal, printProblems, runProcess } from '../workers/run.js';
import { judgeDatabase, reach } from '../workers/start-up.js';
import { createApi } from './index.js';

await runProcess(async () => {
  const config = loadConfig('api');
  const parts = composeCluster(config, 'api');
  const { memory, log, packs, telemetry, metrics } = parts;
  const { store, queries } = memory;
  const limits = { replays: config.deadLetterReplays, sourceTopics: config.kafka.sourceTopics };
  const services = createServices({ store, log, queries, telemetry, by: 'api', newId, packs, ...limits });
  const { publisher, ingestion } = services;
  const checks = () => Promise.all([probe('postgres', () => store.ping()), probe('kafka', () => log.ping())]);
  const onFault = ({ requestId, error }: { readonly requestId: string; readonly error: unknown }) =>
    parts.logger.error({ component: 'api', requestId, err: error }, 'A request failed unexpectedly');
  const api = await createApi({
    ...services,
    ...{ mode: 'cluster', queries, packs, log, telemetry },
    ...{ checks, metrics, newId, onFault },
    ...secretsFromFolder(config.secretsDir),
  });

  let housekeeping: Housekeeping | undefined;
  const signal = onStopSignal((name) => {
    setTimeout(() => process.exit(1), config.shutdownTimeoutMs + 5_000).unref();
    void stop(name);
  });
  const problems = await reach('postgres', () => judgeDatabase(memory), telemetry, signal);
  if (problems.length > 0) {
    printProblems(problems);
    process.exit(EXIT_CONFIG);
  }
  housekeeping = startHousekeeping({
    store,
    log,
    publisher,
    telemetry,
    workerId: parts.workerId,
    stageName: 'api',
    group: 'api',
  });
  const url = await api.listen(config.http);
  parts.logger.info({ component: 'api', url }, `API listening at ${url}`);

  async function stop(name: string): Promise<void> {
    const started = performance.now();
    telemetry.emit('worker.stopping', { worker: 'Api', signal: name });
    await api.close();
    await ingestion.drain();
    await publisher.drain();
    await housekeeping?.stop();
    telemetry.emit('worker.stopped', { worker: 'Api', ms: performance.now() - started, left: 0 });
    await parts.close();
    process.exit(0);
  }
});
