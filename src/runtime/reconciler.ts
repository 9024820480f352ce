/**
 * The reconciler of one stage: finds, every minute, events that were published and that the stage never saw (the log
 * lost them), and sends them again from the journal; and reports cases that nothing will move any more.
 *
 * An event counts as lost only when the stage has consumed everything that was in the log when it was published: the
 * ends of the partitions are noted at each tick, and compared with the positions at the next one.
 */
import { type StageName, TOPIC_OF } from '../core/stages.js';
import type { Log, Watermarks } from '../log/port.js';
import type { CaseKey, Store } from '../store/port.js';
import type { Telemetry } from '../telemetry/catalogue.js';
import { lockDrafts, writeDrafts } from './append.js';
import type { Publisher } from './publisher.js';

/** What it asks of the tables. */
export interface ReconcileQueries {
  lostEvents(stage: StageName, from: number, to: number, limit: number): Promise<readonly CaseKey[]>;
  strandedCases(scope: 'all', ms: number, limit: number): Promise<readonly (CaseKey & { readonly status: string })[]>;
  pipeline(scope: readonly string[]): Promise<{
    readonly positions: readonly {
      readonly group: string;
      readonly topic: string;
      readonly epoch: number;
      readonly partition: number;
      readonly next: number;
    }[];
  }>;
}

export interface ReconcilerDeps {
  readonly stage: StageName;
  readonly group: string;
  readonly epoch: number;
  readonly store: Store;
  readonly log: Log;
  readonly queries: ReconcileQueries;
  readonly publisher: Publisher;
  readonly telemetry: Telemetry;
  /** An event is published at the latest so long after its commit, or is still in the outbox (10 s). */
  readonly settleMs?: number;
}

const MOST = 500;
/** A case that nothing moves for so long is stranded. */
export const STRANDED_MS = 10 * 60_000;
const SETTLE_MS = 10_000;
const LOOK_BACK_MS = 24 * 60 * 60_000; // how far the first look of a process goes

export class Reconciler {
  private noted: { readonly at: number; readonly marks: readonly Watermarks[] } | undefined;
  private checkedTo: number | undefined;

  constructor(private readonly deps: ReconcilerDeps) {}

  /** One look; true when there was more to send than one round takes. */
  async tick(): Promise<boolean> {
    const { stage, log, store, queries } = this.deps;
    const now = await store.transaction([], (tx) => tx.now());
    const marks = await log.watermarks(TOPIC_OF[stage]);
    const before = this.noted;
    if (before && (await this.consumed(before.marks))) {
      const to = before.at - (this.deps.settleMs ?? SETTLE_MS);
      const lost = await queries.lostEvents(stage, this.checkedTo ?? to - LOOK_BACK_MS, to, MOST);
      if (lost.length > 0) await this.resend(lost);
      if (lost.length === MOST) return true;
      this.checkedTo = to;
    }
    this.noted = { at: now, marks };
    if (stage === 'playbook') await this.reportStranded();
    return false;
  }

  private async consumed(marks: readonly Watermarks[]): Promise<boolean> {
    const { group, epoch, stage, queries } = this.deps;
    const { positions } = await queries.pipeline([]);
    const mine = positions.filter((one) => one.group === group && one.topic === TOPIC_OF[stage] && one.epoch === epoch);
    const next = new Map(mine.map((one) => [one.partition, one.next]));
    return marks.every(({ partition, low, high }) => high === low || (next.get(partition) ?? 0) >= high);
  }

  private async resend(lost: readonly CaseKey[]): Promise<void> {
    const { store, stage, publisher, telemetry } = this.deps;
    const scope = [...new Set(lost.map(({ tenantId }) => tenantId))];
    const entries = await store.transaction(scope, async (tx) => {
      const drafts = [...(await lockDrafts(tx, lost)).values()];
      const resend = drafts
        .filter((draft) => !draft.isBlocked && draft.heldBy(stage) === undefined)
        .map((draft) => ({
          tenantId: draft.state.tenantId,
          caseId: draft.state.caseId,
          stage,
          above: draft.seenBy(stage),
        }));
      return writeDrafts(tx, drafts, { resend });
    });
    await publisher.publish(entries);
    if (entries.length > 0) telemetry.emit('reconciler.resent', { stage, cases: lost.length, events: entries.length });
  }

  private async reportStranded(): Promise<void> {
    const found = await this.deps.queries.strandedCases('all', STRANDED_MS, MOST);
    const [first] = found;
    if (!first) return;
    const example = `${first.tenantId}/${first.caseId} (${first.status})`;
    this.deps.telemetry.emit('reconciler.stranded', { stage: 'playbook', cases: found.length, example });
  }
}
