/** What a process that serves people is made of: ingestion, commands and dead letters over one store, log and publisher. */
import type { Log } from '../log/port.js';
import type { Store } from '../store/port.js';
import type { Telemetry } from '../telemetry/catalogue.js';
import { Commands } from './commands.js';
import { DeadLetters, type LetterReads } from './dead-letters.js';
import { firstReport, type Timeline } from './first-report.js';
import { Ingestion } from './ingest.js';
import type { PackCache } from './pack-cache.js';
import { Packs, type PacksDeps } from './packs.js';
import { Publisher } from './publisher.js';
import { replayStage, type StageReplay, type StageReplayed } from './replay.js';

export interface ServicesOptions {
  readonly store: Store;
  readonly log: Log;
  readonly queries: Timeline & LetterReads & PacksDeps['queries'];
  readonly telemetry: Telemetry;
  readonly by: string; // who publishes, as telemetry names it
  readonly newId: () => string; // UUID
  readonly packs: Pick<PackCache, 'activePack' | 'forgetActive'>;
  readonly sourceTopics?: readonly string[] | null; // that packs may read; without them all
  readonly replays?: number; // failed replays after which a dead letter is parked
}

export interface Services {
  readonly publisher: Publisher;
  readonly ingestion: Ingestion;
  readonly commands: Commands;
  readonly deadLetters: DeadLetters;
  readonly packLife: Packs;
  readonly replayStage: (request: StageReplay) => Promise<StageReplayed>;
}

export function createServices(options: ServicesOptions): Services {
  const { store, log, queries, telemetry, by, newId, replays, packs, sourceTopics = null } = options;
  const publisher = new Publisher(log, store, telemetry, by);
  const ingestion = new Ingestion(store, publisher, telemetry);
  return {
    publisher,
    ingestion,
    commands: new Commands(store, publisher, ingestion, firstReport(queries), newId),
    deadLetters: new DeadLetters({
      ...{ store, log, publisher, packs, reads: queries, sources: { ingestion, newId } },
      ...(replays !== undefined && { replays }),
    }),
    packLife: new Packs({ queries, telemetry, sourceTopics, onChange: (tenant) => packs.forgetActive(tenant) }),
    replayStage: (request) => replayStage(store, publisher, request),
  };
}
