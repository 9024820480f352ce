/** The timer loop, in every process: what is due becomes an event in the journal, in the transaction that takes it. */
import { caseKey, deterministicId } from '../core/ids.js';
import type { StageName } from '../core/stages.js';
import { emissionOf } from '../core/timer.js';
import type { Store, TimerRow, Tx, WriteBatch } from '../store/port.js';
import type { Telemetry } from '../telemetry/catalogue.js';
import { type Appendix, appendAll, lockDrafts, writeDrafts } from './append.js';
import type { Publisher } from './publisher.js';

const MOST = 256;

export class Timers {
  constructor(
    private readonly store: Store,
    private readonly publisher: Publisher,
    private readonly telemetry: Telemetry,
  ) {}

  /** Fires what is due; true when there may be more at once. */
  async tick(): Promise<boolean> {
    const fired = await this.store.transaction('all', (tx) => this.fire(tx));
    if (fired === null) return false;
    this.telemetry.emit('timers.fired', { timers: fired.timers, late: fired.lateMs });
    void this.publisher.publish(fired.batch);
    return fired.timers >= MOST;
  }

  private async fire(tx: Tx) {
    if (!(await tx.claimTimerTurn())) return null;
    const due = await tx.dueTimers(MOST);
    if (due.length === 0) return null;
    const drafts = await lockDrafts(tx, due);
    const taken = await tx.takeTimers(due);
    const mine = due.filter(({ timerId }) => taken.has(timerId));
    const now = await tx.now();
    for (const timer of mine.filter(closesGroup)) drafts.get(caseKey(timer.tenantId, timer.caseId))?.release();
    appendAll(drafts, mine.flatMap(timerEvent), 'timers', now);
    const resend: WriteBatch['resend'] = mine.filter(({ kind }) => kind === 'redeliver').map(redelivery);
    const batch = await writeDrafts(tx, drafts.values(), { resend });
    const lateMs = Math.max(0, ...mine.map(({ dueAt }) => now - dueAt));
    return { timers: mine.length, lateMs, batch };
  }
}

/** The group's key is free with the event that ends it: what is accepted later cannot follow it into this case. */
const closesGroup = ({ kind, data }: TimerRow): boolean => kind === 'accumulate' && data.closes === true;

function timerEvent(timer: TimerRow): Appendix[] {
  const { tenantId, caseId, timerId } = timer;
  const emission = emissionOf(timer);
  if (emission === null) return [];
  return [{ tenantId, caseId, emission, eventId: deterministicId(timerId, 'fired'), causeId: null, traceparent: null }];
}

const redelivery = ({ tenantId, caseId, data }: TimerRow) => ({
  tenantId,
  caseId,
  stage: data.stage as StageName,
  above: Number(data.above),
});
