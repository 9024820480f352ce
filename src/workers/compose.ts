/** Builds what every process of a cluster is made of, from its configuration. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import type { Config } from '../config.js';
import { createKafkaLog } from '../log/kafka/index.js';
import type { Log } from '../log/port.js';
import { PackCache } from '../runtime/pack-cache.js';
import { createPostgresStore, type OpenStore } from '../store/open.js';
import { createTelemetry, type Telemetry } from '../telemetry/catalogue.js';
import type { HealthCheck } from '../telemetry/health.js';
import { createLogger, pinoSubscriber } from '../telemetry/pino.js';
import { promSubscriber } from '../telemetry/prom.js';

export interface ClusterProcess {
  readonly workerId: string;
  readonly memory: OpenStore;
  readonly log: Log;
  readonly packs: PackCache;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  readonly metrics: () => Promise<string>;
  close(): Promise<void>;
}

export function composeCluster(config: Config<'worker'> | Config<'api'>, role: string): ClusterProcess {
  const logger = createLogger(config.log);
  const registry = new Registry();
  const telemetry = createTelemetry([pinoSubscriber(logger), promSubscriber(registry)]);
  const memory = createPostgresStore({
    url: config.database.url,
    poolSize: config.database.poolSize,
    applicationName: `millrace-${role}`,
  });
  const { brokers, ssl, sasl, sessionTimeoutMs, heartbeatIntervalMs } = config.kafka;
  const log = createKafkaLog({
    brokers,
    clientId: `millrace-${role}`,
    ssl,
    ...(sasl && { sasl }),
    sessionTimeoutMs,
    heartbeatIntervalMs,
    onClientLog: ({ level, message, fields }) => logger[level]({ component: 'kafka', ...fields }, message),
  });
  return {
    workerId: `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`,
    memory,
    log,
    packs: new PackCache(memory.queries.packSource, config.packCacheSize),
    logger,
    telemetry,
    metrics: () => registry.metrics(),
    close: async () => {
      await log.close();
      await memory.close();
    },
  };
}

const CHECK_MS = 2_000;

/** A readiness check that fails when `probe` rejects or takes longer than two seconds. */
export async function probe(name: string, ask: () => Promise<unknown>): Promise<HealthCheck> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${CHECK_MS} ms`)), CHECK_MS);
  });
  try {
    await Promise.race([ask(), late]);
    return { name, ok: true, detail: '' };
  } catch (error) {
    return { name, ok: false, detail: (error as Error).message };
  } finally {
    clearTimeout(timer);
  }
}
