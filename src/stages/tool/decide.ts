/** Tool: writes a requested call on the ledger, from where executors take it; they append `ToolFinished`. */
import { type CaseState, isClosed } from '../../core/case.js';
import type { CaseEvent } from '../../core/events.js';
import { advance, type Outcome } from '../../core/outcome.js';
import { DEFAULT_PRIORITY } from '../../core/records.js';
import { closed } from '../fit.js';

export function decide(state: CaseState, event: CaseEvent<'ToolRequested' | 'ToolCanceled'>): Outcome {
  if (event.type === 'ToolCanceled') return advance({ cancelExecutions: [event.data.executionId] });
  if (isClosed(state.status)) return closed(state);
  const { priority = DEFAULT_PRIORITY, ...call } = event.data;
  return advance({ executions: [{ priority, ...call }] });
}
