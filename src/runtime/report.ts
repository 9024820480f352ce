/** Turns what a chunk came to into telemetry. */
import type { JournalEntry } from '../core/envelope.js';
import { EVENTS } from '../core/events.js';
import type { StageName } from '../core/stages.js';
import type { Telemetry } from '../telemetry/catalogue.js';
import type { Judged, Verdict } from './chunk.js';

interface Rejected {
  readonly code: string;
  readonly partition: number;
}

/** Emits one event a chunk and what is worth saying of its records; answers its dead letters. */
export function reportChunk(
  telemetry: Telemetry,
  stage: StageName,
  topic: string,
  partitions: readonly number[],
  judged: readonly Judged[],
  ms: number,
): Rejected[] {
  const counts: Record<Verdict, number> = { advanced: 0, ignored: 0, duplicate: 0, retried: 0, rejected: 0, parked: 0 };
  const rejected: Rejected[] = [];
  for (const one of judged) {
    counts[one.verdict]++;
    if (one.verdict === 'rejected') rejected.push({ code: one.code, partition: one.partition ?? 0 });
    reportRecord(telemetry, stage, topic, one, judged.length === 1);
  }
  const { duplicate: duplicates, ...others } = counts;
  telemetry.emit('chunk.handled', { stage, partitions, records: judged.length, duplicates, ...others, ms });
  return rejected;
}

/** Says aloud that people are waited for: a log that alerts on it is a way to reach them. */
export function reportReminders(telemetry: Telemetry, journal: readonly JournalEntry[]): void {
  for (const { type, tenantId, caseId, data } of journal) {
    if (type !== 'ApprovalReminded') continue;
    const { waitId, title, from, count, expiresAt } = EVENTS[type].data.parse(JSON.parse(data));
    telemetry.emit('approval.reminded', { tenantId, caseId, waitId, title, from, count, expiresAt });
  }
}

function reportRecord(telemetry: Telemetry, stage: StageName, topic: string, one: Judged, single: boolean): void {
  const { event, verdict, detail } = one;
  if (verdict === 'rejected') {
    const { code } = one;
    telemetry.emit('event.rejected', {
      stage,
      topic,
      code,
      message: detail,
      tenantId: event?.tenantId ?? null,
      caseId: event?.caseId ?? null,
    });
    return;
  }
  if (!event || verdict === 'duplicate') return;
  const { type, tenantId, caseId, seq } = event;
  telemetry.emit('event.processing', { stage, type, tenantId, caseId, single, traceparent: event.traceparent });
  if (verdict === 'ignored') telemetry.emit('event.ignored', { stage, type, tenantId, caseId, seq, reason: detail });
  if (verdict === 'retried') telemetry.emit('event.retried', { stage, type, tenantId, caseId, seq, reason: detail });
  if (verdict === 'parked') telemetry.emit('event.parked', { stage, type, tenantId, caseId, seq, reason: detail });
}
