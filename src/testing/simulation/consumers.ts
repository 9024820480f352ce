/** Groups: who reads which partition, what it gets, and what the broker remembers of it. */
import type { LogRecord } from '../../core/envelope.js';
import { STAGES, type StageName, TOPIC_OF } from '../../core/stages.js';
import type { Batch } from '../../log/port.js';
import type { SimPartition } from './log.js';
import type { Node } from './nodes.js';
import type { World } from './world.js';

const MOST = 6;
const NO_PROGRESS_MS = 100;

export class Consumers {
  private readonly waiting = new Map<Node, () => void>();
  private readonly signal = new AbortController().signal; // a worker ends here only by crashing

  constructor(
    private readonly world: World,
    private readonly nodes: () => readonly Node[],
    private readonly crashed: (node: Node, error: Error) => void,
  ) {
    world.log.readers = this;
  }

  /** Gives each partition of the stage to a member, or to none when there is none. */
  assign(stage: StageName): void {
    const { random, scheduler } = this.world;
    const members = this.nodes().filter(
      ({ role, process }) => role === stage && process.alive && process.pausedUntil <= scheduler.now,
    );
    for (const partition of this.world.log.topics[stage]) {
      const others = members.filter(({ process }) => process !== partition.owner);
      const chosen = others.length > 0 && partition.owner?.busy ? others : members; // in the middle of a batch
      const owner = chosen.length === 0 ? null : random.pick(chosen).process;
      if (owner === partition.owner) continue;
      partition.owner = owner;
      partition.generation++;
      partition.fetchAt = Math.max(partition.committed, partition.low);
    }
    this.wake(stage);
  }

  assignAll(): void {
    for (const stage of STAGES) this.assign(stage);
  }

  /** Reads and hands over batches for as long as the process lives. */
  async consume(node: Node): Promise<void> {
    const { scheduler } = this.world;
    for (;;) {
      if (!this.hasMoreFor(node)) {
        await new Promise<void>((resolve) => this.waiting.set(node, resolve));
        continue;
      }
      await scheduler.step(node.process);
      try {
        const moved = await this.deliver(node);
        if (!moved) await scheduler.sleep(node.process, NO_PROGRESS_MS);
      } catch (error) {
        this.crashed(node, error as Error);
        return;
      }
    }
  }

  wake(stage: StageName): void {
    for (const [node, resolve] of this.waiting) {
      if (node.role !== stage || !this.hasMoreFor(node)) continue;
      this.waiting.delete(node);
      resolve();
    }
  }

  private hasMoreFor({ role, process }: Node): boolean {
    for (const partition of this.world.log.topics[role as StageName])
      if (partition.owner === process && hasMore(partition)) return true;
    return false;
  }

  /** What one fetch brings: a batch of one of its partitions, or of more. Answers whether any of them has moved on. */
  private async deliver(node: Node): Promise<boolean> {
    const { random, log, firstInHand } = this.world;
    const ready = log.topics[node.role as StageName].filter((one) => one.owner === node.process && hasMore(one));
    if (ready.length === 0) return true;
    const first = random.pick(ready);
    const chosen = ready.filter((one) => one === first || random.chance(0.5));
    const batches = chosen.flatMap((partition) => this.fetch(node, partition));
    if (batches.length === 0) return true;
    firstInHand.set(node.process, new Map(batches.map((batch) => [batch.partition, batch.first])));
    node.process.busy++;
    await Promise.all(batches.map((batch) => node.shell?.onBatch(batch)));
    node.process.busy--;
    return batches.some(({ moved }) => moved);
  }

  private fetch(node: Node, partition: SimPartition): SimBatch[] {
    const { world } = this;
    const stage = node.role as StageName;
    const index = world.log.topics[stage].indexOf(partition);
    const from = Math.max(partition.fetchAt, partition.low);
    partition.fetchAt = from; // what is gone cannot be read
    const slice = partition.records.slice(from, from + 1 + world.random.below(MOST));
    if (slice.length === 0) return [];
    const change = world.mutant?.record;
    const records = change ? slice.map(change) : slice;
    world.tell(`${node.name} gets ${TOPIC_OF[stage]}/${index} ${from}..${from + slice.length - 1}`);
    return [new SimBatch(world, node, partition, index, records, from, this.signal)];
  }
}

/** What one member has in hand of a partition, until the partition is another's. */
class SimBatch implements Batch {
  readonly topic: string;
  readonly highWatermark: number;
  moved = false;
  private readonly generation: number;

  constructor(
    private readonly world: World,
    private readonly node: Node,
    private readonly from: SimPartition,
    readonly partition: number,
    readonly records: readonly LogRecord[],
    readonly first: number, // offset
    readonly signal: AbortSignal,
  ) {
    this.topic = TOPIC_OF[node.role as StageName];
    this.highWatermark = from.high;
    this.generation = from.generation;
  }

  isStale(): boolean {
    return !this.isOurs && this.world.random.chance(0.5); // the word of a rebalance comes late
  }

  resolve(offset: number): void {
    this.moved = true;
    if (!this.isOurs) return;
    this.from.fetchAt = offset + 1;
    if (!this.world.faults.strikes('offset-lost')) this.from.committed = offset + 1;
  }

  seek(offset: number): void {
    this.moved = true;
    this.world.tell(`${this.node.name} goes back to ${this.topic}/${this.partition} ${offset}`);
    if (this.isOurs) this.from.fetchAt = offset;
  }

  private get isOurs(): boolean {
    return this.from.generation === this.generation;
  }
}

const hasMore = ({ fetchAt, high }: SimPartition): boolean => fetchAt < high;
