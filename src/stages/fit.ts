/** Whether a case stands where a stage expects it, and the words for passing it over when it does not. */
import { type CaseState, type CaseStatus, isClosed, type Section, type Sections } from '../core/case.js';
import { ignore, type Outcome } from '../core/outcome.js';
import type { RuleTrace } from '../core/records.js';
import { isoOf } from '../core/time.js';
import type { Seen } from '../packs/index.js';

/** A case whose sections `K` are filled. */
export type Filled<K extends Section> = CaseState & { readonly [P in K]: NonNullable<Sections[P]> };

/** Whether the case has this status and these sections. */
export function fits<K extends Section>(state: CaseState, status: CaseStatus, needs: readonly K[]): state is Filled<K> {
  return state.status === status && needs.every((section) => state[section] !== null);
}

/** The outcome for a case that does not fit. */
export function misfit(state: CaseState, expected: string): Outcome {
  if (isClosed(state.status)) return closed(state);
  return ignore(`the case is ${state.status}; this event is for a case that is ${expected}`);
}

export const closed = (state: CaseState): Outcome => ignore(`the case is closed: ${state.status}`);

/** This fingerprint's history as conditions see it: of all its cases where that is counted, else of this one. */
export function seenOf(state: CaseState): Seen {
  const { count, createdAt, lastSeenAt } = state;
  if (state.exception?.history !== undefined) return state.exception.history;
  const first = isoOf(createdAt);
  const last = lastSeenAt === createdAt ? first : isoOf(lastSeenAt);
  return { count, first, last, in1h: count, in24h: count };
}

/** The record as the case keeps it: what did not match is in the event, and would make every row of the case large. */
export function keepMatched<R extends { readonly explain: RuleTrace[] }>(record: R): R {
  return { ...record, explain: record.explain.filter(({ matched }) => matched) };
}
