/** Intake: a report becomes a normalized exception, or counts towards the one that the case already has. */
import { type CaseState, isClosed } from '../../core/case.js';
import type { CaseEvent } from '../../core/events.js';
import { advance, type Emission, ignore, type Outcome, reject } from '../../core/outcome.js';
import { normalizeItem } from '../../packs/index.js';
import type { PackVersion } from '../contract.js';
import { closed, misfit } from '../fit.js';
import { windowOver } from './window.js';

type Ingested = CaseEvent<'ExceptionIngested'>;

/** What a report means depends on the case alone; `facts` is the pack that was active when it was accepted. */
export function decide(
  state: CaseState,
  event: CaseEvent<'ExceptionIngested' | 'AccumulationElapsed'>,
  facts: PackVersion,
  now: number,
): Outcome {
  if (event.type === 'AccumulationElapsed') {
    if (event.data.kind === 'window') return windowOver(state, event, facts);
    return ignore(`nothing waits for the end of this ${event.data.kind}`);
  }
  if (isClosed(state.status)) return crossed(state, event, now);
  if (event.data.resolve) return resolve(state, event, now);
  if (event.data.via === 'reingest' && state.status === 'ESCALATED') return normalize(event, facts, null);
  if (state.exception !== null) return merge(state, event, now);
  if (state.status !== 'OPEN') return misfit(state, 'OPEN');
  return normalize(event, facts, { count: state.count + event.data.count, lastSeenAt: now });
}

/** A report that was accepted while the case was open, and came after its end: it is counted, so that it is not lost. */
function crossed(state: CaseState, event: Ingested, now: number): Outcome {
  return event.data.resolve || state.exception === null ? closed(state) : merge(state, event, now);
}

/** `merged` is null when the case is worked again: nobody reported anything new. */
function normalize(
  event: Ingested,
  { pack, version }: PackVersion,
  merged: { readonly count: number; readonly lastSeenAt: number } | null,
): Outcome {
  const { source, receivedAt, item, body, headers, fingerprint, resolve } = event.data;
  const rest = { ...(body !== undefined && { body }), ...(headers !== undefined && { headers }) };
  const exception = normalizeItem(pack, source, { item, fingerprint, resolve, ...rest }, receivedAt);
  if ('code' in exception) return reject(exception.code, exception.message, exception.path);
  return advance({
    status: 'NORMALIZED',
    set: { exception },
    ...(merged && { merged }),
    emit: [{ type: 'ExceptionNormalized', data: { exception, packVersion: version } }],
  });
}

function merge(state: CaseState, event: Ingested, now: number): Outcome {
  const count = state.count + event.data.count;
  const reports = event.data.count === 1 ? 'one more report' : `${event.data.count} more reports`;
  const note = `${reports} of the same exception, ${count} in all`;
  return advance({ merged: { count, lastSeenAt: now }, emit: [mergedEvent(count, now, note)] });
}

/** The end is no further occurrence, so it is not counted. The playbook stage closes the case: it owns what runs. */
function resolve(state: CaseState, event: Ingested, now: number): Outcome {
  const { source } = event.data;
  const reason = `the source ${source} says that it is over`;
  return advance({
    merged: { count: state.count, lastSeenAt: now },
    emit: [
      mergedEvent(state.count, now, reason),
      { type: 'CaseCommanded', data: { command: 'resolve', by: source, reason } },
    ],
  });
}

const mergedEvent = (count: number, lastSeenAt: number, note: string): Emission => ({
  type: 'ExceptionMerged',
  data: { count, lastSeenAt, note },
});
