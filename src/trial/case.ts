/** A case of a world that is tried, and what it leaves for the case that follows it. */
import type { CaseState, CaseStatus } from '../core/case.js';
import type { CaseEvent } from '../core/events.js';
import type { Advance, Outcome } from '../core/outcome.js';
import type { TimerDraft } from '../core/work.js';

export interface TrialCase {
  readonly id: string;
  state: CaseState;
  seq: number;
  openKey: string | null; // while its fingerprint is taken
  lead: Lead; // for the world that follows this one
  twin: TrialCase | null; // the same case in the world that goes first, as long as this one has had the same
  timers: readonly CaseTimer[]; // set, and neither fired nor canceled
  note: unknown; // of who uses the world
}

export interface CaseTimer {
  readonly timer: TimerDraft;
  of: TrialCase | null; // null once it is canceled
}

/** The steps that the other world has not taken yet, by seq; null: nobody follows. */
export type Lead = Map<number, Step> | null;

/** An event, and what was decided about it. */
interface Step {
  readonly event: CaseEvent;
  decided: Decided | null;
}

/** What a stage made of an event. */
export interface Decided {
  readonly before: CaseState;
  readonly outcome: Outcome;
  readonly after: CaseState;
}

// Written out: copies of what may be set by `...` cost many times more.
export function moved(
  state: CaseState,
  status: CaseStatus,
  set: Advance['set'] = {},
  merged?: Advance['merged'],
): CaseState {
  const { tenantId, caseId, kind, paused, createdAt } = state;
  const { count, lastSeenAt } = merged ?? state;
  const { exception = state.exception, triage = state.triage, policy = state.policy } = set;
  const { run = state.run, feedback = state.feedback } = set;
  const whole: Required<CaseState> = {
    tenantId,
    caseId,
    kind,
    status,
    paused,
    count,
    createdAt,
    lastSeenAt,
    exception,
    triage,
    policy,
    run,
    feedback,
  };
  return whole;
}
