/** What all parts of one run share: its seed's generator, scheduler, store, log, outside system, and what was seen. */
import type { LogRecord } from '../../core/envelope.js';
import { deterministicId } from '../../core/ids.js';
import type { StageName } from '../../core/stages.js';
import type { Tx } from '../../store/port.js';
import { type Guards, MemoryDatabase, type Snapshot } from '../memory-store/index.js';
import { EPOCH } from './environment.js';
import { type Cut, Faults } from './faults.js';
import { SimLog } from './log.js';
import type { ActivePack } from './packs.js';
import { Random } from './random.js';
import { Process, Scheduler } from './scheduler.js';
import { Sink } from './sink.js';

export const TENANT = 'acme';

/** One guard taken away: what then surrounds the runtime differs from what surrounds it in truth. */
export interface Mutant {
  readonly guard: string;
  readonly guards?: Partial<Guards>;
  /** False: reads of cases take no lock, so that what stands behind the lock has to hold. */
  readonly lockOnRead?: boolean;
  /** Answers and arguments that differ from the store's. */
  readonly tx?: (tx: Tx, world: World, process: Process) => Partial<Tx>;
  readonly record?: (record: LogRecord) => LogRecord;
  readonly sweeps?: boolean;
  readonly reconciles?: boolean;
  /** Only two events under one number count: the guard prevents no more than that. */
  readonly judgesNumbersOnly?: boolean;
}

export interface RunOptions {
  readonly seed: number;
  readonly cut: Cut;
  readonly mutant?: Mutant | undefined;
  /** Keeps a line for everything that happens. */
  readonly tell?: ((line: string) => void) | undefined;
}

/** A record put on a topic by hand that no worker can accept. */
export interface Poison {
  readonly stage: StageName;
  readonly partition: number;
  readonly offset: number;
  readonly kind: string;
}

/** One report of an exception, as its sender remembers it. */
export interface Report {
  readonly name: string;
  readonly fingerprint: string;
  readonly type: string;
  readonly resolve: boolean;
  readonly isBad: boolean; // its case is blocked by it
  readonly key: string; // Idempotency-Key
  readonly title: string;
  answered: boolean;
}

export class World {
  readonly seed: number;
  readonly random: Random;
  readonly faults: Faults;
  readonly scheduler: Scheduler;
  readonly database: MemoryDatabase;
  readonly log = new SimLog();
  readonly sink = new Sink();
  readonly active: ActivePack = { version: 1 };
  readonly poison: Poison[] = [];
  readonly reports: Report[] = [];
  decided = new Map<string, string>(); // wait → what its approver was answered; another one for a database that is restored
  readonly violations: string[] = [];
  /** By partition, the offset of the first record that a process has in hand. */
  readonly firstInHand = new Map<Process, ReadonlyMap<number, number>>();
  readonly outside = new Process('outside');
  readonly mutant: Mutant | undefined;
  readonly cut: Cut;
  snapshot: Snapshot | undefined;
  restored = false;
  reconciled = 0;
  private readonly names = new Map<string, string>();
  private readonly reached = new Map<string, number>();
  private ids = 0;
  /** A write under way moves a position. */
  movesPosition = false;

  constructor(
    private readonly options: RunOptions,
    before: () => boolean,
  ) {
    this.seed = options.seed;
    this.cut = options.cut;
    this.mutant = options.mutant;
    this.random = new Random(options.seed);
    this.scheduler = new Scheduler(this.random, before);
    this.faults = new Faults(options.seed, options.cut, (what) => this.tell(what));
    this.database = new MemoryDatabase(() => EPOCH + Math.floor(this.scheduler.now));
    this.database.addTenant(TENANT);
  }

  get tells(): boolean {
    return this.options.tell !== undefined;
  }

  tell(what: string): void {
    this.options.tell?.(`${(this.scheduler.now / 1000).toFixed(3).padStart(8)} s  ${what}`);
  }

  violated(what: string): void {
    if (this.violations.includes(what)) return;
    this.violations.push(what);
    this.tell(`BROKEN: ${what}`);
  }

  /** The next id of the run. */
  newId = (): string => deterministicId('simulation', this.seed, this.ids++);

  /** A case by a short name: `c1`. */
  nameOf(caseId: string): string {
    let name = this.names.get(caseId);
    if (name === undefined) {
      name = `c${this.names.size + 1}`;
      this.names.set(caseId, name);
    }
    return name;
  }

  /** After each commit: a position only goes forward, until an older database is restored. */
  checkPositions(): void {
    if (!this.movesPosition) return;
    this.movesPosition = false;
    for (const [name, { next }] of this.database.tables.positions.rows) {
      const before = this.reached.get(name) ?? 0;
      if (next < before) this.violated(`the position of ${name} went back from ${before} to ${next}`);
      this.reached.set(name, next);
    }
  }

  restore(): void {
    if (this.snapshot === undefined) return;
    this.database.restore(this.snapshot);
    this.reached.clear();
    this.restored = true;
    this.decided = new Map();
    for (const report of this.reports) report.answered = false;
  }
}
