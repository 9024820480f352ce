/** What compiled rules of waiting before triage are made of. */
import type { Condition, Template } from '../expressions/types.js';

/** A normalized exception that matches waits for `forMs`: if it is over until then, nobody hears of it. */
export interface CompiledHold {
  readonly name: string;
  readonly place: string;
  readonly when: Condition | null; // null: always
  readonly forMs: number;
}

/** Exceptions that match and whose keys are the same become one case. */
export interface CompiledAccumulate {
  readonly name: string;
  readonly place: string;
  readonly when: Condition | null;
  readonly by: readonly Template[];
  readonly windowMs: number;
  readonly max: number; // reports that one group takes
  readonly mode: 'batch' | 'debounce'; // debounce: the window starts again with each report
  readonly atMostMs: number; // after the first report the group ends, however many come
}

/** Which group of an `accumulate` rule an exception belongs to. */
export interface GroupKey {
  readonly rule: string;
  readonly key: string; // stands in for the fingerprint while the group takes reports
  readonly max: number;
}
