/** The reports of a round of ingestion: under which key each looks for its case, and which of them share an event. */
import type { EventData } from '../core/events.js';
import type { SourceItem } from '../packs/index.js';
import type { PackVersion } from '../stages/contract.js';
import { type CaseRow, type FingerprintReport, fingerprintKey, type NewCase } from '../store/port.js';
import type { CaseDraft } from './draft.js';

/** One exception of a request, already split and identified by its source. */
export interface IngestItem {
  readonly newCaseId: string; // used if no open case has the fingerprint
  readonly data: Omit<EventData['ExceptionIngested'], 'count'>;
  readonly counted?: boolean; // the history of its fingerprint is kept, and wanted
}

export interface IngestRequest {
  readonly requestId: string; // UUID; event ids are made from it
  readonly tenantId: string;
  readonly items: readonly IngestItem[];
  readonly traceparent: string | null;
  readonly idempotency: { readonly key: string; readonly bodyHash: string } | null;
}

export interface Report {
  readonly request: IngestRequest;
  readonly item: IngestItem;
  readonly index: number; // in the request
  readonly openKey: string;
}

/** An item of a source, ready to be accepted; `active` is the pack that split it. */
export function ingestItem(
  { pack, version }: PackVersion,
  { fingerprint, ...item }: SourceItem,
  about: Pick<IngestItem, 'newCaseId'> & Pick<IngestItem['data'], 'source' | 'via' | 'receivedAt'>,
): IngestItem {
  const { newCaseId, source, via, receivedAt } = about;
  const name = fingerprint ?? newCaseId;
  const data = { source, via, receivedAt, fingerprint: name, packVersion: version, ...item };
  return { newCaseId, data, counted: pack.readsSeen && fingerprint !== null };
}

/** What belongs to a group looks for the group's case, everything else for the one of its fingerprint. */
export const reportsOf = (request: IngestRequest): Report[] =>
  request.items.map((item, index) => {
    const { accumulate, fingerprint } = item.data;
    return { request, item, index, openKey: accumulate?.key ?? fingerprint };
  });

export const openName = ({ request, openKey }: Report): string => `${request.tenantId}:${openKey}`;
export const resultKey = ({ request, index }: Report): string => `${request.requestId}:${index}`;
export const keyOf = ({ request, openKey }: Report) => ({ tenantId: request.tenantId, openKey });

/** Ends the case; the end of one of a group does not end the group. */
export const endsCase = ({ item: { data } }: Report): boolean => data.resolve && data.accumulate === undefined;

/** After the end of a fingerprint, its next report is a new case: it has to wait for the next round. */
export function splitAtEnd(reports: readonly Report[]): { now: Report[]; later: Report[] } {
  const over = new Set<string>();
  const now: Report[] = [];
  const later: Report[] = [];
  for (const report of reports) {
    const name = openName(report);
    if (over.has(name)) later.push(report);
    else now.push(report);
    if (endsCase(report)) over.add(name);
  }
  return { now, later };
}

/** Neighbours of one fingerprint that say exactly the same are one event with a count: a burst costs one row. */
export function groupEqual(reports: readonly Report[]): Report[][] {
  const groups: Report[][] = [];
  const last = new Map<string, { text: string; group: Report[] }>();
  for (const report of reports) {
    const name = openName(report);
    const text = whatItSays(report);
    const previous = last.get(name);
    if (previous?.text === text) {
      previous.group.push(report);
    } else {
      const group = [report];
      groups.push(group);
      last.set(name, { text, group });
    }
  }
  return groups;
}

/** All but what differs with each delivery: when and by which request it came, and when a repeat says that it happened. */
function whatItSays({ item: { data } }: Report): string {
  const { item, body, source, resolve } = data;
  return JSON.stringify([source === 'generic' ? { ...(item as object), occurredAt: '' } : item, body, source, resolve]);
}

/** How many reports a gathering case has: all of its events but the one of intake that says that it gathers. */
const reportsIn = (draft: CaseDraft): number => draft.lastSeq() - (draft.seenBy('intake') > 0 ? 1 : 0);

/** Whether the group of this report has all that it takes: then the next one opens another. */
export const isFull = ({ item }: Report, draft: CaseDraft, more = 0): boolean =>
  item.data.accumulate !== undefined && reportsIn(draft) + more >= item.data.accumulate.max;

/** Of these events, those that their groups still take, and the reports that have to wait for the next round. */
export function fitting(
  groups: readonly Report[][],
  drafts: ReadonlyMap<string, CaseDraft>,
): { fit: Report[][]; over: Report[] } {
  const taken = new Map<string, number>();
  const fit: Report[][] = [];
  const over: Report[] = [];
  for (const same of groups) {
    const first = same[0] as Report;
    const name = openName(first);
    const draft = drafts.get(name);
    const more = taken.get(name) ?? 0;
    if (draft !== undefined && isFull(first, draft, more)) {
      over.push(...same);
    } else {
      fit.push(same);
      taken.set(name, more + 1);
    }
  }
  return { fit, over };
}

/** What these events add to the history of fingerprints, where their packs ask for it. Ends are no occurrences. */
export function occurrencesIn(groups: readonly Report[][]): FingerprintReport[] {
  const counts = new Map<string, FingerprintReport>();
  for (const same of groups) {
    const { request, item } = same[0] as Report;
    const { fingerprint, resolve } = item.data;
    if (item.counted !== true || resolve) continue;
    const name = fingerprintKey(request.tenantId, fingerprint);
    const count = same.length + (counts.get(name)?.count ?? 0);
    counts.set(name, { tenantId: request.tenantId, fingerprint, count });
  }
  return [...counts.values()];
}

export function newCase({ request, item, openKey }: Report): NewCase {
  const { source, receivedAt } = item.data;
  return { tenantId: request.tenantId, caseId: item.newCaseId, openKey, source, at: Date.parse(receivedAt) };
}

export const byTenantAndKey = (a: NewCase, b: NewCase): number =>
  a.tenantId === b.tenantId ? (a.openKey < b.openKey ? -1 : 1) : a.tenantId < b.tenantId ? -1 : 1;

export function emptyRow({ tenantId, caseId, at }: NewCase): CaseRow {
  const none = { exception: null, triage: null, policy: null, run: null, feedback: null };
  const times = { createdAt: at, lastSeenAt: at };
  const state = {
    tenantId,
    caseId,
    kind: 'exception',
    status: 'OPEN',
    paused: false,
    count: 0,
    ...times,
    ...none,
  } as const;
  return { state, version: 1, seq: 0, seen: {}, sent: {}, awaited: null, held: null, blocked: false, place: null };
}
