/** An exception of the past while it is replayed, and what it is under both packs. */
import type { PastCase, PastEnd } from './past.js';
import { type Guest, guestOf } from './replayed.js';

export interface Lived {
  readonly past: PastCase;
  readonly active: Guest;
  readonly candidate: Guest;
}

export const livedOf = (past: PastCase, end: PastEnd | null): Lived => ({
  past,
  active: guestOf(past, end),
  candidate: guestOf(past, end),
});
