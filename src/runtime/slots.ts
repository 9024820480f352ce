/** Places for tool calls: a chunk leases as many of its calls as its own process has room for. */
import type { ExecutionRow, WriteBatch } from '../store/port.js';

/** Where the tool worker takes executions that its chunk already leased to it. */
export interface ExecutionSlots {
  readonly owner: string;
  /** Reserves up to `wanted` free slots; answers how many. */
  reserve(wanted: number): number;
  release(count: number): void;
  /** After the commit: the calls whose places were reserved, and how many of the chunk nobody has leased. */
  start(executions: readonly ExecutionRow[], waiting: number): void;
}

/** The most urgent calls go to `owner`, as many as there are places. */
export function lease(batch: WriteBatch, owner: string | null, slots: number): WriteBatch {
  if (slots === 0) return batch;
  const urgentFirst = [...(batch.executions ?? [])].sort((a, b) => a.priority - b.priority);
  const executions = urgentFirst.map((execution, i) => (i < slots ? { ...execution, leaseOwner: owner } : execution));
  return { ...batch, executions };
}
