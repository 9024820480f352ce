/**
 * A consumer group on one topic: who has which partition, and what is committed. A change of members waits for the
 * batches in hand, as Kafka's does, then every member starts from the committed offsets.
 */
import type { ConsumeOptions } from '../port.js';
import { Member, type Membership } from './member.js';
import type { Partition } from './partition.js';

export interface GroupSettings {
  readonly rebalanceTimeoutMs: number;
  readonly stopTimeoutMs: number;
}

export class Group implements Membership {
  readonly topic: string;
  readonly partitions: readonly Partition[];
  readonly #settings: GroupSettings;
  readonly #committed = new Map<number, number>();
  readonly #onCommit: (partition: number) => void;
  #members: Member[] = [];
  #generation = 0;
  #deadline: NodeJS.Timeout | undefined; // set while a rebalance waits

  constructor(
    topic: string,
    partitions: readonly Partition[],
    settings: GroupSettings,
    onCommit: (partition: number) => void,
  ) {
    this.topic = topic;
    this.partitions = partitions;
    this.#settings = settings;
    this.#onCommit = onCommit;
  }

  get stopTimeoutMs(): number {
    return this.#settings.stopTimeoutMs;
  }

  get generation(): number {
    return this.#generation;
  }

  get isRebalancing(): boolean {
    return this.#deadline !== undefined;
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  committed(partition: number): number {
    return this.#committed.get(partition) ?? 0;
  }

  commit(partition: number, offset: number): void {
    this.#committed.set(partition, offset);
    this.#onCommit(partition);
  }

  join(options: ConsumeOptions): Member {
    const member = new Member(this, options);
    this.#members.push(member);
    this.#rebalance();
    return member;
  }

  leave(member: Member): void {
    const rest = this.#members.filter((other) => other !== member);
    if (rest.length === this.#members.length) return;
    this.#members = rest;
    this.#rebalance();
  }

  /** Something was published, or a batch has ended. */
  wake(): void {
    if (this.isRebalancing) this.#assignWhenIdle();
    else for (const member of this.#members) member.wake();
  }

  #rebalance(): void {
    this.#deadline ??= setTimeout(() => this.#assign(), this.#settings.rebalanceTimeoutMs);
    setImmediate(() => this.#assignWhenIdle());
  }

  #assignWhenIdle(): void {
    if (this.isRebalancing && this.#members.every((member) => member.isIdle)) this.#assign();
  }

  #assign(): void {
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
    this.#generation++; // a batch that is still in hand can resolve nothing any more
    const members = this.#members;
    for (const [turn, member] of members.entries()) {
      member.assign(
        this.partitions.flatMap((_, partition) => (partition % members.length === turn ? [partition] : [])),
      );
    }
    this.wake();
  }
}
