/**
 * Appends events to cases from outside a stage: the API's commands, fired timers, finished tool calls. They never
 * change a case themselves; the event reaches it through its worker's topic.
 */
import type { Emitter } from '../core/events.js';
import { caseKey } from '../core/ids.js';
import type { Emission } from '../core/outcome.js';
import type { CaseKey, Tx, Unpublished, WriteBatch } from '../store/port.js';
import { CaseDraft, earlierOf, entriesOf, updatesOf } from './draft.js';

/** One event to append to a case. Its id must be the same when the same thing is appended again. */
export interface Appendix extends CaseKey {
  readonly emission: Emission;
  readonly eventId: string;
  readonly causeId: string | null;
  readonly traceparent: string | null;
}

/** Locks the cases of `keys`, sorted; answers a draft for each that exists, by `tenant:case`. */
export async function lockDrafts(tx: Tx, keys: readonly CaseKey[]): Promise<Map<string, CaseDraft>> {
  const rows = await tx.lockCases(keys, []);
  return new Map(rows.map((row) => [caseKey(row.state.tenantId, row.state.caseId), new CaseDraft(row)]));
}

/** Appends to locked drafts; events of cases that do not exist are left out. */
export function appendAll(
  drafts: ReadonlyMap<string, CaseDraft>,
  appendices: readonly Appendix[],
  emitter: Emitter,
  now: number,
): void {
  const time = new Date(now).toISOString();
  for (const { tenantId, caseId, emission, eventId, causeId, traceparent } of appendices) {
    drafts.get(caseKey(tenantId, caseId))?.append(emission, { eventId, emitter, causeId, traceparent, time });
  }
}

/** Writes the drafts; answers what is to be published after the commit. */
export function writeDrafts(
  tx: Tx,
  drafts: Iterable<CaseDraft>,
  rest: Partial<WriteBatch> = {},
): Promise<Unpublished | null> {
  const all = [...drafts];
  return tx.write({ cases: updatesOf(all), journal: entriesOf(all), earlier: earlierOf(all), ...rest });
}
