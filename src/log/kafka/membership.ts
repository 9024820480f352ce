/**
 * What this member knows of its place in the group. kafkajs joins again while a handler runs and then lets that
 * handler commit for partitions that belong to another member; counting the joins tells.
 */
import type { Consumer } from 'kafkajs';
import { rootOf } from './errors.js';

const EXPELLED = new Set(['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID']);

export interface Membership {
  /** The coordinator's refusal since the last join: thrown to kafkajs, it makes the member join again at once. */
  readonly refusal: () => Error | undefined;
  /** A hold on `partition` as of now. */
  take(partition: number): Hold;
  /** A heartbeat or commit was refused. */
  refused(error: unknown): void;
}

export interface Hold {
  /** The partition may belong to another member. */
  isLost(): boolean;
  /** Lost, or about to be given away: the group waits for this member to join again. */
  isStale(): boolean;
}

export function followMembership(
  consumer: Consumer,
  topic: string,
  sessionTimeoutMs: number,
  onAssigned: (partitions: readonly number[]) => void,
): Membership {
  let joins = 0;
  let refusal: Error | undefined;
  let expelled = false;
  let partitions: readonly number[] = [];
  let aliveAt = performance.now();

  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    joins++;
    refusal = undefined;
    expelled = false;
    aliveAt = performance.now();
    partitions = [...(payload.memberAssignment[topic] ?? [])].sort((a, b) => a - b);
    onAssigned(partitions);
  });
  consumer.on(consumer.events.HEARTBEAT, () => {
    aliveAt = performance.now();
  });
  return {
    refusal: () => refusal,
    take(partition) {
      const joined = joins;
      const isLost = (): boolean =>
        joined !== joins ||
        expelled ||
        !partitions.includes(partition) ||
        performance.now() - aliveAt > sessionTimeoutMs; // silent for so long, the group goes on without it
      return { isLost, isStale: () => refusal !== undefined || isLost() };
    },
    refused(error) {
      const root = rootOf(error);
      if (EXPELLED.has(root.type ?? '')) expelled = true;
      if (expelled || root.type === 'REBALANCE_IN_PROGRESS') refusal = root;
    },
  };
}
