/** Rows as the API shows them: ids as `id`, times as RFC 3339, and links. */
import { DEFAULT_PRIORITY } from '../core/records.js';
import type { IngestAnswer, IngestedItem } from '../runtime/ingest.js';
import type {
  CaseDetail,
  CaseSummary,
  IncidentLink,
  IncidentMemberRow,
  TimelineEntry,
  Wait,
} from '../store/queries.js';
import type { Submitted } from './intake.js';
import type {
  AcceptedItem,
  AcceptedMany,
  AcceptedOne,
  Approval,
  ExceptionDetail,
  Incident,
  Member,
  Summary,
  TimelineEvent,
} from './schemas.js';

/** Epoch ms as RFC 3339. */
export const timeOf = (ms: number): string => new Date(ms).toISOString();
export const timeOrNull = (ms: number | null): string | null => (ms === null ? null : timeOf(ms));

const selfOf = (tenantId: string, id: string): string => `/exceptions/${tenantId}/${id}`;

export const linksOf = (tenantId: string, id: string): Record<string, string> => {
  const self = selfOf(tenantId, id);
  return { self, timeline: `${self}/timeline`, approvals: `${self}/approvals` };
};

export function acceptedOne(tenantId: string, { items, replayed }: IngestAnswer): AcceptedOne {
  const item = items[0] as IngestedItem;
  return { ...itemOf(item, item.id === null ? {} : linksOf(tenantId, item.id)), replayed };
}

function itemOf({ id, status, outcome, note }: IngestedItem, links: Record<string, string>): AcceptedItem {
  return { id, status, outcome, ...(note !== undefined && { note }), links };
}

export function acceptedMany(tenantId: string, { items, skipped, replayed }: Submitted): AcceptedMany {
  const counts = { created: 0, merged: 0, resolving: 0, ignored: 0 };
  for (const { outcome } of items) counts[outcome]++;
  const shown = items.map((item) => itemOf(item, item.id === null ? {} : { self: selfOf(tenantId, item.id) }));
  return { items: shown, accepted: items.length, ...counts, ...(skipped.length > 0 && { skipped }), replayed };
}

export function summaryOf(tenantId: string, row: CaseSummary): Summary {
  const { caseId, createdAt, lastSeenAt, updatedAt, closedAt, ...rest } = row;
  return {
    id: caseId,
    ...rest,
    createdAt: timeOf(createdAt),
    lastSeenAt: timeOf(lastSeenAt),
    updatedAt: timeOf(updatedAt),
    closedAt: timeOrNull(closedAt),
    links: linksOf(tenantId, caseId),
  };
}

export function detailOf(row: CaseDetail): ExceptionDetail {
  const { tenantId, exception, triage, policy, run, feedback, openKey } = row;
  const { type = null, title = null, entity = null } = exception ?? {};
  const severity = triage?.severity ?? exception?.severity ?? null;
  const { category = null, priority = triage && DEFAULT_PRIORITY } = triage ?? {};
  const summary = summaryOf(tenantId, { ...row, type, title, entity, severity, category, priority });
  return { ...summary, fingerprint: openKey, exception, triage, policy, run, feedback };
}

/** What it has to do with an incident, for the exception itself. */
export const incidentView = (tenantId: string, { incidentId, place, rule, ...rest }: IncidentLink): Incident => ({
  id: incidentId,
  ...rest,
  rule: `${rule} (${place})`,
  by: [...rest.by],
  links: { self: selfOf(tenantId, incidentId) },
});

export const memberView = (tenantId: string, { caseId, title, status, joinedAt }: IncidentMemberRow): Member => ({
  ...{ id: caseId, title, status, joinedAt: timeOf(joinedAt) },
  links: { self: selfOf(tenantId, caseId) },
});

/** Events of a timeline with the type of each one's cause; `entries` starts with the case's first event. */
export function eventsOf(entries: readonly TimelineEntry[]): TimelineEvent[] {
  const types = new Map(entries.map(({ eventId, type }) => [eventId, type]));
  return entries.map(({ seq, eventId, type, time, emitter, causeId, published, data }) => {
    const causeType = causeId === null ? null : (types.get(causeId) ?? null);
    return { seq, id: eventId, type, time: timeOf(time), emitter, cause: causeId, causeType, published, data };
  });
}

export function approvalOf(
  wait: Wait,
  reminders: readonly { readonly wait: string; readonly time: number }[],
): Approval {
  const { tenantId, caseId, waitId, step, title, status, terms, decisions, createdAt, expiresAt } = wait;
  const times = reminders.filter((one) => one.wait === waitId).map(({ time }) => time);
  return {
    wait: waitId,
    step,
    title,
    status,
    terms,
    decisions: decisions.map(({ at, ...decision }) => ({ ...decision, at: timeOf(at) })),
    reminders: { count: times.length, last: timeOrNull(times.at(-1) ?? null) },
    createdAt: timeOf(createdAt),
    expiresAt: timeOf(expiresAt),
    links: {
      decide: `/exceptions/${tenantId}/${caseId}/approvals/${waitId}`,
      exception: selfOf(tenantId, caseId),
    },
  };
}
