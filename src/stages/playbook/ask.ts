/** Asks people: suspends a run until they have decided, or until their time is over. */
import { deterministicId } from '../../core/ids.js';
import type { ApprovalTerms } from '../../core/records.js';
import type { RunState } from '../../core/run.js';
import { expandApprovers } from '../../packs/index.js';
import { type Progress, progress, type RunContext } from './context.js';
import { firstReminder } from './remind.js';

/** The name under which policy's approval is asked, before the first step. No step can have it: ids have no hyphen. */
const GATE = 'policy-gate';

/** Asks for the approval that policy puts before the first step. */
export function askGate(context: RunContext, run: RunState, terms: ApprovalTerms): Progress {
  const title = terms.title ?? `Run ${run.playbook}: ${context.state.exception.title}`;
  return ask(context, { ...run, gate: 'asked' }, { step: GATE, visit: 1, title, terms });
}

interface Question {
  readonly step: string;
  readonly visit: number;
  readonly title: string;
  readonly terms: ApprovalTerms;
}

/** Suspends the run until people have decided or their time is over. */
export function ask({ pack, now }: RunContext, run: RunState, { step, visit, title, terms }: Question): Progress {
  const { runId, packVersion } = run;
  const waitId = deterministicId(runId, step, visit, 'wait');
  const timerId = deterministicId(waitId, 'timeout');
  const expiresAt = now + terms.timeoutMs;
  const people = { ...terms, from: expandApprovers(pack, terms.from) };
  const wait = { runId, step, waitId, title, terms: people, expiresAt };
  const asker = { waitId, step, runId, packVersion };
  const { timers, ...first } = firstReminder(asker, terms, { title, expiresAt }, now);
  return progress({
    status: 'WAITING',
    set: { run: { ...run, status: 'WAITING', pending: { kind: 'approval', step, waitId, timerId, ...first } } },
    waits: [{ kind: 'approval', packVersion, ...wait }],
    timers: [{ timerId, kind: 'wait.timeout', dueAt: expiresAt, data: asker }, ...timers],
    emit: [{ type: 'ApprovalRequested', data: wait }],
  });
}
