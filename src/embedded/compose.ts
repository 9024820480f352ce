/** Builds the embedded mode: PGlite, the embedded log, the six workers and the API in one process. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { v7 as newId } from 'uuid';
import { type Api, createApi } from '../api/index.js';
import type { ResolveSecret } from '../blocks/port.js';
import { createBlocks } from '../blocks/registry.js';
import { secretsFromFolder } from '../blocks/secrets-folder.js';
import type { Config } from '../config.js';
import { createEmbeddedLog } from '../log/embedded/index.js';
import type { Log } from '../log/port.js';
import { type Inlets, sourcesCheck } from '../runtime/inlets/index.js';
import { PackCache } from '../runtime/pack-cache.js';
import { topicsWanted } from '../runtime/preflight.js';
import { refillLog } from '../runtime/refill.js';
import { createServices, type Services } from '../runtime/services.js';
import { createPgliteStore, type OpenStore } from '../store/open.js';
import { createTelemetry, type Telemetry } from '../telemetry/catalogue.js';
import { createLogger, pinoSubscriber } from '../telemetry/pino.js';
import { promSubscriber } from '../telemetry/prom.js';
import { probe } from '../workers/compose.js';
import { startStandIn } from './stand-in.js';
import { startAllWorkers } from './workers.js';

export interface Embedded {
  readonly api: Api;
  readonly memory: OpenStore;
  readonly refilled: number; // events of the last run that are on their way again
  /** Refuses new requests, finishes what is in hand, closes the database. */
  stop(deadlineMs: number): Promise<void>;
}

/** What the demo pack calls its desk; the stand-in of this process answers under that name. */
const DESK = 'demo://desk';
const PARTITIONS = 1; // PGlite has one connection, so more would only make chunks smaller

export async function openEmbedded(config: Config<'embedded'>, onCrash: (error: Error) => void): Promise<Embedded> {
  const logger = createLogger(quietByDefault(config));
  const registry = new Registry();
  const telemetry = createTelemetry([pinoSubscriber(logger), promSubscriber(registry)]);
  const memory = await createPgliteStore({
    dataDir: join(config.home, 'db'),
    onCrash: (error) => {
      telemetry.emit('worker.crashed', { worker: 'the embedded database', error: error.message });
      onCrash(error);
    },
  });
  const log = createEmbeddedLog();
  await log.createTopics(topicsWanted(PARTITIONS));
  const desk = await startStandIn();
  const { store, queries } = memory;
  const packs = new PackCache(queries.packSource, config.packCacheSize);
  const services = createServices({
    store,
    log,
    queries,
    telemetry,
    by: 'embedded',
    newId,
    replays: config.deadLetterReplays,
    sourceTopics: config.kafka.sourceTopics,
    packs,
  });
  const { publisher, ingestion } = services;
  const refilled = await refillLog(store, publisher);
  const allowPrivate = [new URL(desk.url).host, ...config.egressAllow];
  const { resolveSecret } = secretsFromFolder(config.secretsDir);
  const blocks = createBlocks({
    http: { resolveSecret, allowPrivate, aliases: { [DESK]: desk.url } },
    fs: { root: config.filesRoot },
  });
  const workers = await startAllWorkers({
    ...{ store, log, telemetry, packs, publisher, blocks, onCrash, queries },
    slots: config.worker.pools.io,
    epoch: Math.floor(Date.now() / 1000), // the log is new with every start, so are its positions
    workerId: `embedded:${process.pid}:${randomUUID().slice(0, 8)}`,
  });
  const api = await openApi({
    ...{ memory, log, telemetry, packs, services, resolveSecret },
    metrics: () => registry.metrics(),
    trouble: () => workers.workers.flatMap((worker) => worker.trouble() ?? []),
    inlets: workers.inlets,
  });
  const stop = async (deadlineMs: number) => {
    await api.close();
    await ingestion.drain();
    await workers.stop(deadlineMs);
    for (const block of blocks.values()) await block.close?.();
    await desk.close();
    await log.close();
    await memory.close();
  };
  return { api, memory, refilled, stop };
}

/** The banner says what runs; lines for each event are for those who ask with LOG_LEVEL. */
function quietByDefault({ log, settings }: Config<'embedded'>): Config['log'] {
  const given = settings.some(({ name, from }) => name === 'LOG_LEVEL' && from !== 'default');
  return given ? log : { ...log, level: 'warn' };
}

interface ApiParts {
  readonly memory: OpenStore;
  readonly log: Log;
  readonly telemetry: Telemetry;
  readonly packs: PackCache;
  readonly services: Services;
  readonly resolveSecret: ResolveSecret;
  readonly metrics: () => Promise<string>;
  readonly trouble: () => readonly string[]; // why workers do not get on
  readonly inlets: Inlets;
}

function openApi(parts: ApiParts): Promise<Api> {
  const { memory, log, telemetry, packs, services, resolveSecret, metrics, trouble, inlets } = parts;
  const { store, queries } = memory;
  const checks = async () => {
    const found = trouble();
    const progress = { name: 'progress', ok: found.length === 0, detail: found.join('; ') };
    return [await probe('postgres', () => store.ping()), progress, sourcesCheck(inlets)];
  };
  return createApi({
    mode: 'embedded',
    queries,
    ...services,
    packs,
    resolveSecret,
    log,
    telemetry,
    checks,
    metrics,
    newId,
  });
}
