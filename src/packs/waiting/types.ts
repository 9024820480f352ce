/** What compiled rules of waiting before triage are made of. */
import type { IncidentEnd } from '../../core/incident.js';
import type { IncidentRun } from '../../core/records.js';
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

/** Cases that match and whose keys are the same are members of one incident, under a parent. */
export interface CompiledCorrelate {
  readonly name: string;
  readonly place: string;
  readonly when: Condition | null;
  readonly by: readonly Template[];
  readonly windowMs: number; // after its last member
  readonly min: number; // members that make it an incident
  readonly type: string; // of the parent
  readonly title: Template | null; // of the parent; null: the name, and what the members have in common
  readonly run: IncidentRun;
  readonly resolve: IncidentEnd;
}

/** What sources.yaml says of waiting before triage. */
export interface WaitingRules {
  readonly holds: readonly CompiledHold[];
  readonly accumulates: readonly CompiledAccumulate[];
  readonly correlates: readonly CompiledCorrelate[];
}

/** Which group of an `accumulate` rule an exception belongs to. */
export interface GroupKey {
  readonly rule: string;
  readonly key: string; // stands in for the fingerprint while the group takes reports
  readonly max: number;
}
