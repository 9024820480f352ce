/**
 * Schedules: a time that has come becomes an exception, in the transaction that moves the row to its next time. However
 * many processes look, one of them gets the row's lock; however long nobody looked, at most one is made up for.
 */
import { randomUUID } from 'node:crypto';
import { ProblemError } from '../../core/errors.js';
import { deterministicId } from '../../core/ids.js';
import type { ScheduleMove, ScheduleRow } from '../../core/schedule.js';
import { type CompiledSchedule, decideDue, nextDue, scheduledItem, specOf } from '../../packs/index.js';
import type { GatherDeps } from '../../stages/contract.js';
import type { Store, Tx, Unpublished } from '../../store/port.js';
import type { Telemetry } from '../../telemetry/catalogue.js';
import { writeDrafts } from '../append.js';
import { CaseDraft } from '../draft.js';
import type { Ingestion, IngestRequest } from '../ingest.js';
import type { Publisher } from '../publisher.js';
import type { InletPack } from './packs.js';

export interface SchedulesDeps {
  readonly store: Store;
  readonly publisher: Pick<Publisher, 'publish'>;
  readonly ingestion: Pick<Ingestion, 'acceptIn'>;
  readonly packs: Pick<GatherDeps, 'activePack'>;
  readonly telemetry: Telemetry;
}

const MOST = 100;
/** Nobody looks while none is due; but for no longer than this, since people may set the clock, or restore a table. */
const LONGEST_MS = 10_000;

interface Fired {
  readonly move: ScheduleMove;
  readonly batches: readonly (Unpublished | null)[];
}

export class Schedules {
  private readonly synced = new Map<string, number>(); // version by tenant
  private lookFrom = 0; // when one may be due, by `performance.now`
  private changes = 0;

  constructor(private readonly deps: SchedulesDeps) {}

  /** Takes over what new versions of packs say. What they say no more goes when it is due. */
  async settle(packs: readonly InletPack[], now: number = Date.now()): Promise<void> {
    for (const { tenantId, version, pack } of packs) {
      if (this.synced.get(tenantId) === version) continue;
      const drafts = pack.schedules.map((one) => ({
        ...{ name: one.name, spec: specOf(one), nextAt: nextDue(one, now) },
      }));
      if (drafts.length > 0) {
        await this.deps.store.transaction([tenantId], (tx) => tx.schedules.sync(tenantId, version, drafts));
        this.lookFrom = 0;
        this.changes++;
      }
      this.synced.set(tenantId, version);
    }
  }

  /** Does what is due; true when there may be more at once. */
  async tick(): Promise<boolean> {
    const now = performance.now();
    if (now < this.lookFrom) return false;
    const { changes } = this;
    const [due, left] = await this.deps.store.transaction('all', (tx) =>
      Promise.all([tx.schedules.due(MOST), tx.schedules.untilNext()]),
    );
    for (const row of due) await this.handle(row);
    if (due.length === 0 && changes === this.changes) this.lookFrom = now + Math.min(left ?? LONGEST_MS, LONGEST_MS);
    return due.length >= MOST;
  }

  private async handle(row: ScheduleRow): Promise<void> {
    const { tenantId, name } = row;
    const { pack, version } = await this.deps.packs.activePack(tenantId); // before the transaction: it asks the database, too
    const schedule = pack.schedules.find((one) => one.name === name);
    const fired = await this.deps.store.transaction([tenantId], async (tx) => {
      const mine = await tx.schedules.lock(row);
      if (mine === null) return null;
      if (schedule === undefined) return tx.schedules.drop(mine);
      if (mine.spec !== specOf(schedule)) {
        return tx.schedules.sync(tenantId, version, [
          { name, spec: specOf(schedule), nextAt: nextDue(schedule, await tx.now()) },
        ]);
      }
      const done = await this.fire(tx, mine, schedule, version);
      await tx.schedules.move(done.move);
      return done;
    });
    if (!fired) return;
    void this.deps.publisher.publish(...fired.batches);
    const { outcome, dueAt, missed } = fired.move;
    this.deps.telemetry.emit('schedule.fired', { tenantId, schedule: name, outcome, dueAt, missed });
  }

  private async fire(tx: Tx, row: ScheduleRow, schedule: CompiledSchedule, version: number): Promise<Fired> {
    const { tenantId, name } = row;
    const { fire, next } = decideDue(schedule, row.nextAt, await tx.now());
    const move = { tenantId, name, nextAt: next };
    if (fire === null) {
      return { move: { ...move, dueAt: row.nextAt, outcome: 'missed', caseId: null, missed: 1 }, batches: [] };
    }
    const { dueAt, missed } = fire;
    const at = new Date(dueAt).toISOString();
    const each = schedule.overlap === 'allow' ? [at] : [];
    const openKey = deterministicId('schedule', name, ...each);
    const [open] = schedule.overlap === 'skip' ? await tx.lockOpen([{ tenantId, openKey }]) : [];
    if (open !== undefined) {
      const draft = new CaseDraft(open);
      const data = { schedule: name, dueAt: at, missed };
      const eventId = deterministicId('schedule', tenantId, name, at, 'skipped');
      const time = new Date(await tx.now()).toISOString();
      const origin = { eventId, emitter: 'timers', causeId: null, traceparent: null, time } as const;
      draft.append({ type: 'ScheduleSkipped', data }, origin);
      const { caseId } = open.state;
      return {
        move: { ...move, dueAt, outcome: 'skipped', caseId, missed },
        batches: [await writeDrafts(tx, [draft])],
      };
    }
    const request = requestOf(schedule, { tenantId, dueAt, missed, at, openKey, version });
    const { answers, batches } = await this.deps.ingestion.acceptIn(tx, [request]);
    const [answer] = answers;
    if (answer instanceof ProblemError) throw answer;
    const caseId = answer?.items[0]?.id ?? null;
    return { move: { ...move, dueAt, outcome: 'created', caseId, missed }, batches };
  }
}

interface Due {
  readonly tenantId: string;
  readonly dueAt: number;
  readonly missed: number;
  readonly at: string;
  readonly openKey: string;
  readonly version: number;
}

function requestOf(schedule: CompiledSchedule, due: Due): IngestRequest {
  const { tenantId, at, openKey, version } = due;
  const data = {
    source: 'generic',
    via: 'schedule',
    receivedAt: at,
    item: scheduledItem(schedule, due),
    fingerprint: openKey,
    resolve: false,
    packVersion: version,
  } as const;
  const requestId = deterministicId('schedule', tenantId, schedule.name, at);
  // A space cannot stand in a key that a client sends. The same time is never reported twice, whatever moved the row back.
  const idempotency = { key: `schedule ${requestId}`, bodyHash: '' };
  return { requestId, tenantId, items: [{ newCaseId: randomUUID(), data }], traceparent: null, idempotency };
}
