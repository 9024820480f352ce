/** What the loops over a log do when a transaction fails. */
import type { Problem } from '../core/errors.js';
import { StoreError, type StoreErrorKind } from '../store/errors.js';

/** How to go on after an error: the store says it of its own; a programming error ends the process; the rest may pass. */
export function kindOf(error: unknown): StoreErrorKind {
  if (error instanceof StoreError) return error.kind;
  return error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError
    ? 'bug'
    : 'transient';
}

/** Resolves when `signal` aborts. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

interface Done {
  readonly kind: 'done';
}

/**
 * Postgres refused the data of a chunk: each record in its own transaction, the culprit with the problem that it is. What
 * fails for another reason is tried again from the first record: the position knows which are done.
 */
export async function commitOneByOne<T, H extends { readonly kind: string }>(
  records: readonly T[],
  commit: (record: T, problem?: Problem) => Promise<H | Done>,
): Promise<H | Done> {
  for (const record of records) {
    let handled: H | Done;
    try {
      handled = await commit(record);
    } catch (culprit) {
      if (kindOf(culprit) !== 'data') throw culprit;
      const message = `Postgres refused it: ${(culprit as Error).message}`;
      handled = await commit(record, { code: 'DATA_REFUSED', message });
    }
    if (handled.kind !== 'done') return handled;
  }
  return { kind: 'done' };
}
