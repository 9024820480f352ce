/** The whole pipeline for tests: real stages, real shell, a given store and log, one tenant with a small pack. */
import { randomUUID } from 'node:crypto';
import type { Block } from '../blocks/port.js';
import { createBlocks } from '../blocks/registry.js';
import { type AllWorkers, startAllWorkers } from '../embedded/workers.js';
import type { Log } from '../log/port.js';
import { splitSource } from '../packs/index.js';
import type { Commands } from '../runtime/commands.js';
import type { DeadLetters } from '../runtime/dead-letters.js';
import type { IngestAnswer } from '../runtime/ingest.js';
import { ingestItem } from '../runtime/ingest-reports.js';
import { PackCache } from '../runtime/pack-cache.js';
import { topicsWanted } from '../runtime/preflight.js';
import type { Publisher } from '../runtime/publisher.js';
import { createServices } from '../runtime/services.js';
import type { OpenStore } from '../store/open.js';
import { createTelemetry, type TelemetryName } from '../telemetry/catalogue.js';
import { until } from './until.js';

export interface PipelineParts {
  readonly memory: OpenStore;
  readonly log: Log;
  readonly partitions: number;
  readonly epoch: number;
  readonly files: ReadonlyMap<string, string>; // of the tenant's pack
  readonly allowPrivate: readonly string[]; // targets on loopback that tools may reach
  readonly filesRoot: string;
}

export interface Pipeline {
  readonly tenantId: string;
  readonly memory: OpenStore;
  readonly log: Log;
  readonly commands: Commands;
  readonly deadLetters: DeadLetters;
  readonly publisher: Publisher;
  readonly told: { readonly name: TelemetryName; readonly fields: unknown }[];
  report(body: unknown, source?: string, idempotencyKey?: string): Promise<IngestAnswer>;
  /** Waits until the case's status is one of these; answers the case. */
  settled(id: string, ...statuses: string[]): Promise<Awaited<ReturnType<OpenStore['queries']['getCase']>>>;
  /** Waits until feedback captured the case. */
  settledFeedback(id: string): Promise<unknown>;
  /** Waits until `count` reports were merged into the case. */
  counted(id: string, count: number): Promise<unknown>;
  /** The types of the case's events, in order. */
  types(id: string): Promise<string[]>;
  /** Makes a version of the pack with these files replaced the active one; `{}` brings the first one back. */
  usePack(changes: Readonly<Record<string, string>>): Promise<void>;
  startWorkers(): Promise<void>;
  stopWorkers(): Promise<void>;
}

export async function openPipeline(parts: PipelineParts): Promise<Pipeline> {
  const { memory, log } = parts;
  const { store, queries } = memory;
  const tenantId = `t-${randomUUID()}`;
  const told: { name: TelemetryName; fields: unknown }[] = [];
  const telemetry = createTelemetry([(name, fields) => told.push({ name, fields })]);
  await queries.createTenant(tenantId);
  const files = Object.fromEntries(parts.files);
  const packs = new PackCache(queries.packSource);
  const usePack = async (changes: Readonly<Record<string, string>>) => {
    const pack = { name: 'test', files: { ...files, ...changes }, createdBy: 'test' };
    await queries.activatePack(tenantId, (await queries.savePack(tenantId, pack)).version);
    packs.forgetActive(tenantId); // what follows is decided by it, here and in the workers
  };
  await usePack({});
  await log.createTopics(topicsWanted(parts.partitions));

  const services = createServices({ store, log, queries, telemetry, by: 'test', packs, newId: randomUUID });
  const { publisher, ingestion, commands, deadLetters } = services;
  const blocks: ReadonlyMap<string, Block> = createBlocks({
    http: { resolveSecret: () => null, allowPrivate: [...parts.allowPrivate] },
    fs: { root: parts.filesRoot },
  });
  let workers: AllWorkers | undefined;
  const crashed = (error: Error) => told.push({ name: 'worker.crashed', fields: { error: error.message } });

  return {
    ...{ tenantId, memory, log, commands, deadLetters, publisher, told, usePack },
    report: async (body, source = 'generic', key) => {
      const active = await packs.activePack(tenantId);
      const receivedAt = new Date().toISOString();
      const { items, problems } = splitSource(active.pack, source, { body, headers: {}, receivedAt });
      if (problems.length > 0) throw new Error(JSON.stringify(problems));
      const idempotency = key === undefined ? null : { key, bodyHash: JSON.stringify(body) };
      return ingestion.accept({
        requestId: randomUUID(),
        tenantId,
        traceparent: null,
        idempotency,
        items: items.map((item) =>
          ingestItem(active, item, { newCaseId: randomUUID(), source, via: 'api', receivedAt }),
        ),
      });
    },
    ...watching(queries, tenantId),
    startWorkers: async () => {
      const { epoch } = parts;
      workers = await startAllWorkers({
        ...{ store, log, telemetry, packs, publisher, blocks, epoch, queries, onCrash: crashed },
        slots: 16,
        workerId: `test:${randomUUID()}`,
      });
    },
    stopWorkers: async () => {
      await workers?.stop(5_000);
      workers = undefined;
    },
  };
}

/** What a test waits for on the read side. */
function watching(
  queries: OpenStore['queries'],
  tenantId: string,
): Pick<Pipeline, 'settled' | 'settledFeedback' | 'counted' | 'types'> {
  const find = (id: string) => queries.getCase(tenantId, id);
  return {
    settled: (id, ...statuses) =>
      until(
        async () => {
          const found = await find(id);
          return found && statuses.includes(found.status) ? found : undefined;
        },
        `case ${id} in ${statuses.join(' or ')}`,
      ),
    settledFeedback: (id) => until(async () => (await find(id))?.feedback ?? undefined, `feedback of ${id}`),
    counted: (id, count) =>
      until(async () => ((await find(id))?.count === count ? true : undefined), `${count} reports of ${id}`),
    types: async (id) => (await queries.timeline(tenantId, id)).map(({ type }) => type),
  };
}
