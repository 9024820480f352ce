/** Builds the embedded mode: PGlite, the embedded log, the six workers and the API in one process. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { v7 as newId } from 'uuid';
import { type Api, createApi } from '../api/index.js';
import { createBlocks } from '../blocks/registry.js';
import { secretsFromFolder } from '../blocks/secrets-folder.js';
import type { Config } from '../config.js';
import { createEmbeddedLog } from '../log/embedded/index.js';
import type { Log } from '../log/port.js';
import { Commands } from '../runtime/commands.js';
import { DeadLetters } from '../runtime/dead-letters.js';
import { firstReport } from '../runtime/first-report.js';
import { Ingestion } from '../runtime/ingest.js';
import { PackCache } from '../runtime/pack-cache.js';
import { topicsWanted } from '../runtime/preflight.js';
import { Publisher } from '../runtime/publisher.js';
import { refillLog } from '../runtime/refill.js';
import { replayStage } from '../runtime/replay.js';
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
  const publisher = new Publisher(log, memory.store, telemetry, 'embedded');
  const packs = new PackCache(memory.queries.packSource);
  const refilled = await refillLog(memory.store, publisher);
  const allowPrivate = [new URL(desk.url).host, ...config.egressAllow];
  const { resolveSecret } = secretsFromFolder(config.secretsDir);
  const blocks = createBlocks({
    http: { resolveSecret, allowPrivate, aliases: { [DESK]: desk.url } },
    fs: { root: config.filesRoot },
  });
  const { store } = memory;
  const workers = await startAllWorkers({
    ...{ store, log, telemetry, packs, publisher, blocks, onCrash, queries: memory.queries },
    slots: config.worker.pools.io,
    epoch: Math.floor(Date.now() / 1000), // the log is new with every start, so are its positions
    workerId: `embedded:${process.pid}:${randomUUID().slice(0, 8)}`,
  });
  const { api, ingestion } = await openApi({
    memory,
    log,
    telemetry,
    packs,
    publisher,
    metrics: () => registry.metrics(),
    trouble: () => workers.workers.flatMap((worker) => worker.trouble() ?? []),
    replays: config.deadLetterReplays,
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
  readonly publisher: Publisher;
  readonly metrics: () => Promise<string>;
  readonly trouble: () => readonly string[]; // why workers do not get on
  readonly replays: number;
}

async function openApi({ memory, log, telemetry, packs, publisher, metrics, trouble, replays }: ApiParts) {
  const { store, queries } = memory;
  const ingestion = new Ingestion(store, publisher, telemetry);
  const commands = new Commands(store, publisher, ingestion, firstReport(queries), newId);
  const deadLetters = new DeadLetters({ store, log, publisher, reads: queries, replays });
  const checks = async () => {
    const found = trouble();
    const progress = { name: 'progress', ok: found.length === 0, detail: found.join('; ') };
    return [await probe('postgres', () => store.ping()), progress];
  };
  const api = await createApi({
    mode: 'embedded',
    queries,
    ingestion,
    commands,
    deadLetters,
    replayStage: (request) => replayStage(store, publisher, request),
    packs,
    log,
    telemetry,
    checks,
    metrics,
    newId,
  });
  return { api, ingestion };
}
