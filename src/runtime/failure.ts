/** What the loops over a log do when a transaction fails. */
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
