/** The processes of a run, made of the runtime's own parts: API, one worker a stage, housekeeping. Each in two copies. */
import { gathersUntil } from '../../core/incident.js';
import type { StageName } from '../../core/stages.js';
import { Commands } from '../../runtime/commands.js';
import { Correlator } from '../../runtime/correlator.js';
import { DeadLetters } from '../../runtime/dead-letters.js';
import { Executor } from '../../runtime/executor.js';
import { firstReport } from '../../runtime/first-report.js';
import { Ingestion } from '../../runtime/ingest.js';
import { Progress } from '../../runtime/progress.js';
import { Publisher } from '../../runtime/publisher.js';
import { Reconciler } from '../../runtime/reconciler.js';
import { Shell } from '../../runtime/shell.js';
import { STALE_MS, Sweeper } from '../../runtime/sweeper.js';
import { TenantDirectory } from '../../runtime/tenants.js';
import { Timers } from '../../runtime/timers.js';
import { STAGE_TABLE } from '../../stages/index.js';
import { createTelemetry, type Telemetry } from '../../telemetry/catalogue.js';
import { entryKey, type Table } from '../memory-store/index.js';
import { blockOf } from './block.js';
import { logOf } from './log.js';
import { packsOf } from './packs.js';
import { isBehind, letterReadsOf, reconcileReadsOf } from './reads.js';
import { Process, QUIET } from './scheduler.js';
import { storeOf } from './stores.js';
import { countOf, tellOf } from './story.js';
import type { World } from './world.js';

/** One process and what it is made of. */
export interface Node {
  readonly name: string;
  readonly role: StageName | 'api' | 'keeper';
  readonly process: Process;
  readonly shell?: Shell;
  readonly ingestion?: Ingestion;
  readonly commands?: Commands;
  readonly deadLetters?: DeadLetters;
  /** Requests under way: their senders hear of it when the process dies. */
  readonly calls: Set<(error: Error) => void>;
}

const EPOCH_OF_STREAM = 1;
const SLOTS = 2;
const RECONCILE_MS = 5_000; // often: what is lost heals at the second look
const SETTLE_MS = 1_000;
const PUBLISHED_MS = 2_000;
const SWEEP_MS = 2_500; // rarer than in a real process: a look at nothing costs steps
const TIMERS_MS = 2_000;
const INCIDENTS_MS = 1_000;
const EXECUTE_MS = 1_500;

/** Starts a process of this role. */
export function startNode(world: World, role: Node['role'], name: string): Node {
  const process = new Process(name);
  const telemetry = createTelemetry(world.tells ? [tellOf(world, name), countOf(world)] : [countOf(world)]);
  const store = storeOf(world, process);
  const log = logOf(process, world.log, world.scheduler, world.faults);
  const publisher: Publisher = new Publisher(
    { ...log, publish: (records) => log.publish(records).then(settles) },
    store,
    telemetry,
    name,
    world.database.clock,
  );
  const calls = new Set<(error: Error) => void>();
  const parts = { world, process, telemetry, store, log, publisher };
  const settles = loop(
    world,
    process,
    PUBLISHED_MS,
    () => publisher.isUnsettled(publisher.settledBefore),
    () => publisher.settle(publisher.settledBefore).then(() => false),
    () => process.busy === 0 && calls.size === 0 && !publisher.isUnsettled(Number.POSITIVE_INFINITY),
  );
  switch (role) {
    case 'api':
      return { name, role, process, calls, ...apiOf(parts) };
    case 'keeper':
      keep(parts);
      return { name, role, process, calls };
    default:
      return { name, role, process, calls, shell: workerOf(parts, role, name) };
  }
}

interface Parts {
  readonly world: World;
  readonly process: Process;
  readonly telemetry: Telemetry;
  readonly store: ReturnType<typeof storeOf>;
  readonly log: ReturnType<typeof logOf>;
  readonly publisher: Publisher;
}

function apiOf({ world, process, store, log, publisher, telemetry }: Parts) {
  const ingestion = new Ingestion(store, publisher, telemetry);
  const timeline = async (tenantId: string, caseId: string) => {
    const first = world.database.tables.journal.rows.get(entryKey({ tenantId, caseId, seq: 1 }));
    return first === undefined ? [] : [{ type: first.type, data: JSON.parse(first.data) as unknown }];
  };
  const commands = new Commands(store, publisher, ingestion, firstReport({ timeline }), world.newId);
  const deadLetters = new DeadLetters({
    store,
    log,
    publisher,
    reads: letterReadsOf(world, process),
    packs: packsOf(process, world.active, world.scheduler),
    sources: { ingestion, newId: world.newId },
  });
  return { ingestion, commands, deadLetters };
}

function keep({ world, process, store, log, publisher, telemetry }: Parts): void {
  const sweeper = new Sweeper(store, log, publisher);
  const timers = new Timers(store, publisher, telemetry);
  const correlator = new Correlator(store, publisher, telemetry);
  const { outbox, letters, timers: waiting } = world.database.tables;
  const { clock } = world.database;
  const isStale = ({ takenAt }: { readonly takenAt: number }): boolean => takenAt <= clock() - STALE_MS;
  const hasLeft = (): boolean => some(outbox, isStale) || some(letters, ({ published }) => !published);
  if (world.mutant?.sweeps !== false) loop(world, process, SWEEP_MS, hasLeft, () => sweeper.tick());
  loop(
    world,
    process,
    TIMERS_MS,
    () => some(waiting, ({ dueAt }) => dueAt <= clock()),
    () => timers.tick(),
  );
  loop(
    world,
    process,
    INCIDENTS_MS,
    () => hasIncidents(world),
    () => correlator.tick(),
  );
}

function workerOf({ world, process, store, log, publisher, telemetry }: Parts, role: StageName, owner: string): Shell {
  const gather = packsOf(process, world.active, world.scheduler);
  const group = role;
  const reconciler = new Reconciler({
    stage: role,
    group,
    epoch: EPOCH_OF_STREAM,
    store,
    log,
    publisher,
    telemetry,
    queries: reconcileReadsOf(world, process),
    settleMs: SETTLE_MS,
  });
  if (world.mutant?.reconciles !== false)
    loop(
      world,
      process,
      RECONCILE_MS,
      () => isBehind(world, role),
      () => reconciler.tick(),
    );
  const deps = {
    epoch: EPOCH_OF_STREAM,
    store,
    log,
    publisher,
    tenants: new TenantDirectory(store),
    gather,
    telemetry,
    group,
    progress: new Progress(role),
    lanes: 2,
  };
  if (role !== 'tool') return new Shell(STAGE_TABLE[role], deps);
  const block = blockOf(process, world);
  const blocks = new Map([[block.name, block]]);
  const { clock } = world.database;
  const executor = new Executor({ store, publisher, telemetry, gather, blocks, owner, slots: SLOTS, clock });
  const { executions } = world.database.tables;
  const isOpen = ({ status }: { readonly status: string }): boolean => status === 'pending' || status === 'leased';
  loop(
    world,
    process,
    EXECUTE_MS,
    () => some(executions, isOpen),
    () => executor.tick(),
  );
  return new Shell(STAGE_TABLE[role], { slots: executor, ...deps });
}

/** There is something for the correlator to act on. */
function hasIncidents({ database: { tables, clock } }: World): boolean {
  const isNoted = ({ look }: { readonly look: boolean }): boolean => look;
  return (
    some(tables.incidentMembers, isNoted) ||
    some(tables.incidents, (one) => one.look || (gathersUntil(one) ?? Number.POSITIVE_INFINITY) <= clock())
  );
}

function some<Row>({ rows }: Table<Row>, is: (row: Row) => boolean): boolean {
  for (const row of rows.values()) if (is(row)) return true;
  return false;
}

/**
 * Ticks for ever, often at the same moment as the other copy; a tick that fails is tried again, as the runtime does. One
 * that would find nothing is left out: it costs steps and shows nothing. So are the looks, from when `rests` says that
 * nothing is to come until the function that this answers is called.
 */
function loop(
  { scheduler, random }: World,
  process: Process,
  pauseMs: number,
  hasWork: () => boolean,
  tick: () => Promise<boolean>,
  rests: () => boolean = () => false,
): () => void {
  let isResting = false;
  const wait = (): void => {
    isResting = rests();
    if (!isResting) later();
  };
  const later = (): void => {
    const ms = pauseMs - (scheduler.now % pauseMs) + random.below(3) * pauseMs * 0.25;
    scheduler.later(process, ms, look);
  };
  const look = (): typeof QUIET | undefined => {
    if (hasWork()) return void work().then(wait);
    wait();
    return QUIET; // most looks find nothing: no promise for them
  };
  const work = async (): Promise<void> => {
    while (hasWork() && (await tick().catch(() => false)));
  };
  wait();
  return () => {
    if (!isResting) return;
    isResting = false;
    later();
  };
}
