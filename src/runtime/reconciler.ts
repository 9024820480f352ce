/**
 * The reconciler of one stage: finds, every minute, events that were published and that the stage never saw (the log
 * lost them), and sends them again from the journal; and reports cases that nothing will move any more.
 *
 * An event counts as lost when the stage has consumed everything that was in the log when it was published, or when a
 * partition with records stands still: ends and positions are noted at each tick, and compared at the next one.
 */
import { type StageName, TOPIC_OF } from '../core/stages.js';
import type { Log, Watermarks } from '../log/port.js';
import type { CaseKey, Store } from '../store/port.js';
import type { Telemetry } from '../telemetry/catalogue.js';
import { lockDrafts, writeDrafts } from './append.js';
import { LostEvents } from './lost-events.js';
import type { Publisher } from './publisher.js';

/** What it asks of the tables. */
export interface ReconcileQueries {
  /** Null: there is too much of this time for one look. */
  lostEvents(stage: StageName, from: number, to: number, limit: number): Promise<readonly CaseKey[] | null>;
  oldestWaiting(): Promise<number | null>;
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

/** One look at a stage's topic and positions, by partition. */
interface Noted {
  readonly at: number; // epoch ms, the database's clock
  readonly marks: readonly Watermarks[];
  readonly next: ReadonlyMap<number, number>;
}

/**
 * `consumed`: everything that was in the log at the first look is done. `still`: a partition with records has not moved
 * in between, as when its group's offset was set to the end and nothing new comes: what is sent again wakes it.
 */
function compare(before: Noted, now: Pick<Noted, 'next'>): 'consumed' | 'still' | 'working' {
  const behind = before.marks.filter(({ partition, low, high }) => high > low && (now.next.get(partition) ?? 0) < high);
  if (behind.length === 0) return 'consumed';
  return behind.some(({ partition }) => before.next.get(partition) === now.next.get(partition)) ? 'still' : 'working';
}

export class Reconciler {
  private noted: Noted | undefined;
  private readonly lost: LostEvents;

  constructor(private readonly deps: ReconcilerDeps) {
    const { stage, queries } = deps;
    this.lost = new LostEvents((from, to, limit) => queries.lostEvents(stage, from, to, limit), MOST);
  }

  /** One look; true when there was more to send than one round takes. */
  async tick(): Promise<boolean> {
    const { stage, store, queries } = this.deps;
    const now = await this.look();
    const before = this.noted;
    const state = before ? compare(before, now) : 'working';
    if (before && state !== 'working') {
      const waiting = (await queries.oldestWaiting()) ?? Number.POSITIVE_INFINITY; // what came to be before is published
      const lost = await this.lost.before(Math.min(before.at - (this.deps.settleMs ?? SETTLE_MS), waiting));
      if (lost.length > 0) await this.resend(lost);
      if (lost.length >= MOST) return true;
    }
    this.noted = { ...now, at: await store.transaction([], (tx) => tx.now()) };
    if (stage === 'playbook') await this.reportStranded();
    return false;
  }

  /** The positions before the ends: both only grow, so a position is never beyond an end that was read after it. */
  private async look(): Promise<Omit<Noted, 'at'>> {
    const { group, epoch, stage, queries, log } = this.deps;
    const { positions } = await queries.pipeline([]);
    const mine = positions.filter((one) => one.group === group && one.topic === TOPIC_OF[stage] && one.epoch === epoch);
    const next = new Map(mine.map((one) => [one.partition, one.next]));
    return { next, marks: await log.watermarks(TOPIC_OF[stage]) };
  }

  private async resend(lost: readonly CaseKey[]): Promise<void> {
    const { store, stage, publisher, telemetry } = this.deps;
    const scope = [...new Set(lost.map(({ tenantId }) => tenantId))];
    const resent = await store.transaction(scope, async (tx) => {
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
    await publisher.publish(resent);
    if (resent !== null)
      telemetry.emit('reconciler.resent', { stage, cases: lost.length, events: resent.entries.length });
  }

  private async reportStranded(): Promise<void> {
    const found = await this.deps.queries.strandedCases('all', STRANDED_MS, MOST);
    const [first] = found;
    if (!first) return;
    const example = `${first.tenantId}/${first.caseId} (${first.status})`;
    this.deps.telemetry.emit('reconciler.stranded', { stage: 'playbook', cases: found.length, example });
  }
}
