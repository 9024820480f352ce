/** What the runtime reads outside its transactions: the queries of reconciler and dead letters, asked of the memory. */

import { stageFor } from '../../core/events.js';
import { caseKey } from '../../core/ids.js';
import type { StageName } from '../../core/stages.js';
import type { LetterReads } from '../../runtime/dead-letters.js';
import type { ReconcileQueries } from '../../runtime/reconciler.js';
import type { Process } from './scheduler.js';
import type { World } from './world.js';

/** As one process asks them; each is a choice point. */
export function reconcileReadsOf({ database, scheduler }: World, process: Process): ReconcileQueries {
  const { tables } = database;
  return {
    async lostEvents(stage, from, to, limit) {
      await scheduler.step(process);
      const found = new Map<string, { readonly tenantId: string; readonly caseId: string }>();
      for (const entry of tables.journal.rows.values()) {
        const { tenantId, caseId, seq, type, time } = entry;
        const at = Date.parse(time);
        if (at < from || at >= to || stageFor(type) !== stage) continue;
        const row = tables.cases.rows.get(caseKey(tenantId, caseId));
        if (row === undefined || row.blocked || row.held?.[stage] || seq <= (row.seen[stage] ?? 0)) continue;
        found.set(caseKey(tenantId, caseId), { tenantId, caseId });
      }
      return [...found.values()].slice(0, limit);
    },
    async oldestWaiting() {
      await scheduler.step(process);
      const all = [...tables.outbox.rows.values()].map(({ createdAt }) => createdAt);
      return all.length === 0 ? null : Math.min(...all);
    },
    strandedCases: async () => [], // a run that is stranded does not come to rest, and fails by that
    async pipeline() {
      await scheduler.step(process);
      const positions = [...tables.positions.rows].map(([name, { next }]) => {
        const [group = '', topic = '', epoch, partition] = name.split(' ');
        return { group, topic, epoch: Number(epoch), partition: Number(partition), next };
      });
      return { positions };
    },
  };
}

export function letterReadsOf({ database, scheduler }: World, process: Process): LetterReads {
  const { letters } = database.tables;
  return {
    async getDeadLetter(tenantId, deadLetterId) {
      await scheduler.step(process);
      return letters.rows.get(`${tenantId}:${deadLetterId}`) ?? null;
    },
    async deadLetterIds(tenantId, { status, caseId }, limit) {
      await scheduler.step(process);
      const found = [...letters.rows.values()].filter(
        (one) =>
          one.tenantId === tenantId &&
          (status === undefined || status.includes(one.status)) &&
          (caseId === undefined || one.caseId === caseId),
      );
      return found
        .sort((a, b) => a.firstAt - b.firstAt)
        .slice(0, limit)
        .map(({ deadLetterId }) => deadLetterId);
    },
  };
}

/** Whether the stage has not seen all that was sent to it. */
export function isBehind({ database }: World, stage: StageName): boolean {
  for (const { sent, seen, blocked } of database.tables.cases.rows.values())
    if (!blocked && (sent[stage] ?? 0) > (seen[stage] ?? 0)) return true;
  return false;
}
