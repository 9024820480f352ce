/**
 * Playbook: runs a playbook for a case, step by step. A decision takes the run as far as it can go without waiting;
 * the checkpoint on the case says what it waits for, and only the event that names it wakes the run.
 */
import { type CaseState, isClosed } from '../../core/case.js';
import type { CaseEvent } from '../../core/events.js';
import { ignore, type Outcome } from '../../core/outcome.js';
import type { PackVersion } from '../contract.js';
import { closed } from '../fit.js';
import { endByCommand } from './ending.js';
import { start } from './start.js';
import { toolFinished } from './tool-finished.js';
import { timerFired, waitResolved } from './wait-resolved.js';

export const CONSUMES = ['PolicyEvaluated', 'ToolFinished', 'WaitResolved', 'TimerFired', 'CaseCommanded'] as const;
export type PlaybookEvent = CaseEvent<(typeof CONSUMES)[number]>;

/** `facts` is the pack that the event names: the run's own version. Null for an event that names none. */
export function decide(state: CaseState, event: PlaybookEvent, facts: PackVersion | null, now: number): Outcome {
  if (isClosed(state.status)) return closed(state);
  if (event.type === 'CaseCommanded') return endByCommand(state, event.data, now);
  if (facts === null) return ignore(`the ${event.type} names no pack version, so it belongs to no run`);
  switch (event.type) {
    case 'PolicyEvaluated':
      return start(state, event, facts, now);
    case 'ToolFinished':
      return toolFinished(state, event, facts, now);
    case 'WaitResolved':
      return waitResolved(state, event, facts, now);
    case 'TimerFired':
      return timerFired(state, event, facts, now);
  }
}
