/** One seed's run: faults first, then calm until everything is at rest, then the judgement. */
import { STAGES, type StageName, TOPIC_OF } from '../../core/stages.js';
import { LEASE_MS } from '../../core/work.js';
import { Consumers } from './consumers.js';
import { enter, leave } from './environment.js';
import type { FaultKind } from './faults.js';
import { judge } from './invariants.js';
import { type Node, startNode } from './nodes.js';
import { People } from './people.js';
import { putPoison } from './poison.js';
import { type RunOptions, World } from './world.js';

const LEAST_STEPS = 100;
const MORE_STEPS = 320;
const MOST_STEPS = 20_000;
const LOOK_EVERY = 16;
const ZOMBIE_MS = 60_000;
const HOUR_MS = 3_600_000;

export interface RunResult {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly steps: number;
  readonly faults: number;
  readonly byKind: ReadonlyMap<FaultKind, number>;
  readonly cases: number;
  readonly events: number;
  readonly reconciled: number;
}

/** Runs one seed; the same options give the same result. */
export async function simulate(options: RunOptions): Promise<RunResult> {
  const run = new Run(options);
  try {
    return await run.run();
  } finally {
    leave();
  }
}

class Run {
  private readonly world: World;
  private readonly consumers: Consumers;
  private readonly people: People;
  private readonly nodes = new Set<Node>();
  private readonly faultSteps: number;
  private calm = false;
  private lookAt = 0;

  constructor(options: RunOptions) {
    this.world = new World(options, () => this.before());
    this.faultSteps = LEAST_STEPS + this.world.random.below(MORE_STEPS);
    const alive = (): Node[] => [...this.nodes].filter(({ process }) => process.alive);
    this.consumers = new Consumers(this.world, alive, (node, error) => this.died(node, error));
    const apis = (): Node[] => alive().filter(({ role }) => role === 'api');
    this.people = new People(this.world, apis, () => this.calm);
  }

  async run(): Promise<RunResult> {
    const { world } = this;
    enter(world.scheduler, world.random);
    for (const role of [...STAGES, 'api', 'keeper'] as const) {
      for (const copy of [1, 2]) this.start(role, `${role}-${copy}`);
    }
    this.consumers.assignAll();
    this.people.start();
    await world.scheduler.run();
    judge(world);
    const { cases, journal } = world.database.tables;
    const { seed, violations, reconciled, faults, scheduler } = world;
    const sizes = { cases: cases.rows.size, events: journal.rows.size };
    return {
      seed,
      violations,
      steps: scheduler.steps,
      faults: faults.fired,
      byKind: faults.byKind,
      ...sizes,
      reconciled,
    };
  }

  private start(role: Node['role'], name: string): void {
    const node = startNode(this.world, role, name);
    this.nodes.add(node);
    if (node.shell) void this.consumers.consume(node);
  }

  /** Before each step: what goes wrong now; or whether all is over. */
  private before(): boolean {
    const { scheduler, faults } = this.world;
    if (!this.calm) {
      const fault = faults.fromOutside();
      if (fault) this.strike(fault);
      if (scheduler.steps >= this.faultSteps) this.calmDown();
      return false;
    }
    if (scheduler.steps < this.lookAt && !scheduler.isIdle) return false;
    this.lookAt = scheduler.steps + LOOK_EVERY;
    for (const node of this.nodes) if (node.shell?.halted !== undefined) this.crash(node, 0);
    const left = this.unsettled();
    if (left === undefined) return true;
    if (scheduler.steps < MOST_STEPS) return false;
    if (!this.world.mutant?.judgesNumbersOnly) this.world.violated(`it does not come to rest: ${left}`);
    return true;
  }

  /** What still has to happen; undefined when all is at rest. */
  private unsettled(): string | undefined {
    const { outbox, executions, timers, letters, positions, cases, incidents, incidentMembers } =
      this.world.database.tables;
    if (!this.people.areDone) return 'reports are under way';
    if (!this.world.scheduler.isIdle) return 'something goes on';
    for (const { name, process } of this.nodes) {
      if (process.pausedUntil > this.world.scheduler.now) return `${name} stands still`;
    }
    if (outbox.rows.size > 0) return 'the outbox is not empty';
    if (timers.rows.size > 0) return 'timers are not due';
    for (const { look } of incidentMembers.rows.values()) if (look) return 'a member is not looked at';
    for (const { look, status } of incidents.rows.values())
      if (look || status === 'gathering') return `an incident is ${status}`;
    for (const { status } of executions.rows.values()) {
      if (status === 'pending' || status === 'leased') return `a call is ${status}`;
    }
    for (const { published } of letters.rows.values()) if (!published) return 'a dead letter is not published';
    for (const { blocked, sent, seen, state } of cases.rows.values()) {
      const behind = STAGES.find((stage) => (sent[stage] ?? 0) > (seen[stage] ?? 0));
      if (!blocked && behind) return `${behind} has not seen all of ${this.world.nameOf(state.caseId)}`;
    }
    for (const stage of STAGES) {
      for (const [partition, { high, fetchAt }] of this.world.log.topics[stage].entries()) {
        const next = positions.rows.get(`${stage} ${TOPIC_OF[stage]} 1 ${partition}`)?.next ?? 0;
        if (next < high && fetchAt < high) return `${stage}/${partition} stands at ${next} of ${high}`;
      }
    }
    return undefined;
  }

  private calmDown(): void {
    const { faults, scheduler } = this.world;
    this.calm = true;
    scheduler.disturbed = true;
    faults.enabled = false;
    this.world.tell('-- from here on nothing goes wrong any more');
    this.consumers.assignAll();
  }

  private strike(kind: NonNullable<ReturnType<World['faults']['fromOutside']>>): void {
    const { world } = this;
    const { random, faults, scheduler } = world;
    scheduler.disturbed = true;
    const node = this.victim(kind);
    if (node === undefined) return; // all of them are down
    const stage = kind === 'rebalance' && node.shell ? (node.role as StageName) : random.pick(STAGES);
    const index = random.below(world.log.topics[stage].length);
    const partition = world.log.topics[stage][index] as World['log']['topics']['intake'][0];
    switch (kind) {
      case 'crash':
        this.crash(node, random.between(10, 8_000));
        return;
      case 'zombie':
        this.pause(node, random.chance(0.4) ? random.between(500, 5_000) : random.between(LEASE_MS, ZOMBIE_MS));
        return;
      case 'rebalance':
        faults.note(`the group of ${stage} is dealt out anew`);
        this.consumers.assign(stage);
        return;
      case 'rewind':
        partition.committed = partition.low + random.below(partition.high - partition.low + 1);
        partition.fetchAt = partition.committed;
        faults.note(`${stage}/${index} is set back to offset ${partition.committed}`);
        this.consumers.wake(stage);
        return;
      case 'latest':
        partition.committed = partition.high;
        partition.fetchAt = partition.high;
        faults.note(`${stage}/${index} is set to the latest offset ${partition.high}`);
        return;
      case 'retention':
        partition.low = partition.high;
        partition.fetchAt = Math.max(partition.fetchAt, partition.low);
        faults.note(`${stage}/${index} forgets everything below ${partition.low}`);
        return;
      case 'clock':
        node.process.skewMs = random.between(-HOUR_MS, HOUR_MS);
        faults.note(`the clock of ${node.name} is ${Math.round(node.process.skewMs / 60_000)} minutes off`);
        return;
      case 'poison':
        putPoison(world);
        return;
      case 'snapshot':
        world.snapshot = world.database.snapshot();
        faults.note('a backup of the database is made');
        return;
      case 'restore':
        this.restore();
        return;
      case 'pack':
        world.active.version = 3 - world.active.version;
        faults.note(`version ${world.active.version} of the pack becomes active at ${Math.round(scheduler.now)}`);
        return;
    }
  }

  /** Who is hit: as often as not somebody who has something in hand; one who stands still, in the middle of a call. */
  private victim(kind: string): Node | undefined {
    const { random } = this.world;
    const all = [...this.nodes];
    const atWork = all.filter(({ process }) => process.busy > 0);
    const calling = kind === 'zombie' ? atWork.filter(({ role }) => role === 'tool') : [];
    const busy = calling.length > 0 ? calling : atWork;
    return busy.length > 0 && random.chance(0.5) ? random.pick(busy) : (random.pick(all) as Node | undefined);
  }

  private crash(node: Node, downMs: number): void {
    const { world } = this;
    world.faults.note(`${node.name} dies, and is started again ${Math.round(downMs)} ms later`);
    this.nodes.delete(node);
    world.scheduler.disturbed = true;
    world.scheduler.drop(node.process);
    world.database.cut(node.process);
    for (const hangUp of node.calls) hangUp(new Error('the connection was reset'));
    if (node.shell) this.consumers.assign(node.role as StageName);
    world.scheduler.timer(world.outside, downMs, () => {
      this.start(node.role, node.name);
      if (node.shell) this.consumers.assign(node.role as StageName);
    });
  }

  /** Paused for so long that the group and the database have given it up; then it goes on where it was. */
  private pause(node: Node, ms: number): void {
    const { world } = this;
    world.faults.note(`${node.name} stands still for ${Math.round(ms)} ms`);
    node.process.pausedUntil = world.scheduler.now + ms;
    world.database.cut(node.process);
    if (!node.shell) return;
    const stage = node.role as StageName;
    this.consumers.assign(stage);
    world.scheduler.timer(world.outside, ms + world.random.between(0, 2_000), () => this.consumers.assign(stage));
  }

  private restore(): void {
    const { world } = this;
    if (world.snapshot === undefined) return;
    world.faults.note('the database is restored from its backup, every process is started anew');
    world.restore();
    for (const node of [...this.nodes]) this.crash(node, 100);
    this.people.sendAgain();
  }

  private died(node: Node, error: Error): void {
    this.world.violated(`${node.name} has ended by ${error.stack ?? error.message}`);
    this.crash(node, 100);
  }
}
