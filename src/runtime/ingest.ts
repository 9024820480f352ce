/**
 * Ingestion: exceptions become cases. One transaction writes the case (`OPEN`), `ExceptionIngested` in the journal and
 * an outbox row; only after its commit is anything answered. Same fingerprint or Idempotency-Key: no second case.
 */
import type { CaseStatus } from '../core/case.js';
import type { JournalEntry } from '../core/envelope.js';
import { ProblemError } from '../core/errors.js';
import type { EventData } from '../core/events.js';
import { deterministicId } from '../core/ids.js';
import { type IdempotencyClaim, type NewCase, type Store, SYSTEM_TENANT, type Tx } from '../store/port.js';
import type { Telemetry } from '../telemetry/catalogue.js';
import { writeDrafts } from './append.js';
import { CaseDraft } from './draft.js';
import { GroupCommit } from './group-commit.js';
import { type Publisher, tenantsOf } from './publisher.js';

/** One exception of a request, already split and identified by its source. */
export interface IngestItem {
  readonly newCaseId: string; // used if no open case has the fingerprint
  readonly data: Omit<EventData['ExceptionIngested'], 'count'>;
}

export interface IngestRequest {
  readonly requestId: string; // UUID; event ids are made from it
  readonly tenantId: string;
  readonly items: readonly IngestItem[];
  readonly traceparent: string | null;
  readonly idempotency: { readonly key: string; readonly bodyHash: string } | null;
}

/** What became of one item. `ignored`: it says that something is over which is not open here. */
export interface IngestedItem {
  readonly id: string | null;
  readonly outcome: 'created' | 'merged' | 'resolving' | 'ignored';
  readonly status: CaseStatus | null;
}

export interface IngestAnswer {
  readonly replayed: boolean; // answered from an earlier request with the same Idempotency-Key
  readonly items: readonly IngestedItem[];
}

/** What a transaction accepted: an answer for each request, and the journal entries to publish after the commit. */
export interface AcceptedIn {
  readonly answers: readonly (IngestAnswer | ProblemError)[];
  readonly entries: readonly JournalEntry[];
}

const MOST_REQUESTS = 256;

export class Ingestion {
  private readonly group: GroupCommit<IngestRequest, IngestAnswer | ProblemError>;

  constructor(
    private readonly store: Store,
    private readonly publisher: Publisher,
    private readonly telemetry: Telemetry,
  ) {
    this.group = new GroupCommit((requests) => this.commit(requests), MOST_REQUESTS);
  }

  /** Accepts a request. Resolves after the commit; rejects with IDEMPOTENCY_CONFLICT, or when Postgres is down. */
  async accept(request: IngestRequest): Promise<IngestAnswer> {
    const started = performance.now();
    const answer = await this.group.add(request);
    if (answer instanceof ProblemError) throw answer;
    const count = (outcome: IngestedItem['outcome']) => answer.items.filter((item) => item.outcome === outcome).length;
    this.telemetry.emit('ingest.accepted', {
      tenantId: request.tenantId,
      source: request.items[0]?.data.source ?? '',
      created: count('created'),
      merged: count('merged'),
      ms: performance.now() - started,
    });
    return answer;
  }

  drain(): Promise<void> {
    return this.group.drain();
  }

  /**
   * Accepts requests inside a transaction of the caller, whose scope has their tenants. After its commit the caller
   * publishes the entries; until then nothing of it has happened.
   */
  acceptIn(tx: Tx, requests: readonly IngestRequest[]): Promise<AcceptedIn> {
    return new IngestRound(tx, requests).run();
  }

  private async commit(requests: readonly IngestRequest[]): Promise<readonly (IngestAnswer | ProblemError)[]> {
    const scope = [...tenantsOf(requests), SYSTEM_TENANT];
    const { answers, entries } = await this.store.transaction(scope, (tx) => this.acceptIn(tx, requests));
    void this.publisher.publish(entries);
    return answers;
  }
}

interface Report {
  readonly request: IngestRequest;
  readonly item: IngestItem;
  readonly index: number; // in the request
  readonly openKey: string;
}

class IngestRound {
  private readonly entries: JournalEntry[] = [];
  private readonly results = new Map<string, IngestedItem>(); // by requestId:index
  constructor(
    private readonly tx: Tx,
    private readonly requests: readonly IngestRequest[],
  ) {}

  async run(): Promise<AcceptedIn> {
    const early = await this.claimKeys();
    const fresh = this.requests.filter((request) => !early.has(request.requestId));
    let reports = fresh.flatMap(reportsOf);
    while (reports.length > 0) reports = await this.commitReports(reports);
    const answers = this.requests.map((request) => early.get(request.requestId) ?? this.answer(request));
    await this.saveAnswers(fresh);
    return { answers, entries: this.entries };
  }

  /** Answers known without work: replays of an Idempotency-Key, and keys that were used for another body. */
  private async claimKeys(): Promise<Map<string, IngestAnswer | ProblemError>> {
    const early = new Map<string, IngestAnswer | ProblemError>();
    const claims = new Map<string, IdempotencyClaim & { requestId: string }>();
    for (const { requestId, tenantId, idempotency } of this.requests) {
      if (!idempotency) continue;
      const name = `${tenantId}:${idempotency.key}`;
      const first = claims.get(name);
      if (first) early.set(requestId, sameBody(first.bodyHash, idempotency) ?? repeatLater());
      else claims.set(name, { requestId, tenantId, ...idempotency });
    }
    if (claims.size === 0) return early;
    const before = await this.tx.claimIdempotencyKeys([...claims.values()]);
    for (const { tenantId, key, bodyHash, answer } of before) {
      const { requestId, ...claim } = claims.get(`${tenantId}:${key}`) as IdempotencyClaim & { requestId: string };
      const items = answer as readonly IngestedItem[];
      early.set(requestId, sameBody(bodyHash, claim) ?? { replayed: true, items });
    }
    return early;
  }

  private async saveAnswers(requests: readonly IngestRequest[]): Promise<void> {
    const answers = requests.flatMap((request) => {
      const { tenantId, idempotency } = request;
      return idempotency ? [{ tenantId, key: idempotency.key, answer: this.answer(request).items }] : [];
    });
    if (answers.length > 0) await this.tx.saveIdempotentAnswers(answers);
  }

  private answer(request: IngestRequest): IngestAnswer {
    const items = request.items.map((_, i) => this.results.get(`${request.requestId}:${i}`) as IngestedItem);
    return { replayed: false, items };
  }

  /** Handles the reports up to the first "it is over" of each fingerprint; answers the rest, for the next round. */
  private async commitReports(reports: readonly Report[]): Promise<Report[]> {
    const { now, later } = splitAtResolve(reports);
    const { drafts, created } = await this.openDrafts(now);
    for (const same of groupEqual(now)) this.append(same, drafts.get(openName(same[0] as Report)), created);
    this.entries.push(...(await writeDrafts(this.tx, drafts.values())));
    return later;
  }

  /** A locked draft for each fingerprint: the open case, or a new one where a report is not only a resolve. */
  private async openDrafts(
    reports: readonly Report[],
  ): Promise<{ drafts: Map<string, CaseDraft>; created: Set<string> }> {
    const drafts = new Map<string, CaseDraft>();
    const created = new Set<string>();
    const byName = new Map(reports.map((report) => [openName(report), report]));
    const firstReal = new Map<string, Report>();
    for (const report of reports) {
      const name = openName(report);
      if (!report.item.data.resolve && !firstReal.has(name)) firstReal.set(name, report);
    }
    for (;;) {
      const missing = [...byName.keys()].filter((name) => !drafts.has(name));
      const open = await this.tx.lockOpen(missing.map((name) => keyOf(byName.get(name) as Report)));
      for (const row of open) drafts.set(`${row.state.tenantId}:${row.openKey}`, new CaseDraft(row));
      const wanted = [...firstReal].filter(([name]) => !drafts.has(name));
      if (wanted.length === 0) return { drafts, created };
      const cases = wanted.map(([, report]) => newCase(report)).sort(byTenantAndKey);
      const inserted = await this.tx.createCases(cases);
      for (const made of cases.filter(({ caseId }) => inserted.has(caseId))) {
        created.add(made.caseId);
        drafts.set(`${made.tenantId}:${made.openKey}`, new CaseDraft(emptyRow(made)));
      } // those that lost a race against another request are found by the next lockOpen
    }
  }

  private append(same: readonly Report[], draft: CaseDraft | undefined, created: Set<string>): void {
    const { request, item, index } = same[0] as Report;
    if (!draft) {
      for (const report of same) this.results.set(resultKey(report), { id: null, outcome: 'ignored', status: null });
      return;
    }
    draft.append(
      { type: 'ExceptionIngested', data: { ...item.data, count: same.length } },
      {
        eventId: deterministicId(request.requestId, 'api', index),
        emitter: 'api',
        causeId: null,
        traceparent: request.traceparent,
        time: item.data.receivedAt,
      },
    );
    if (item.data.resolve) draft.release();
    for (const report of same) {
      const { caseId, status } = draft.state;
      const outcome = item.data.resolve ? 'resolving' : created.delete(caseId) ? 'created' : 'merged';
      this.results.set(resultKey(report), { id: caseId, outcome, status });
    }
  }
}

const reportsOf = (request: IngestRequest): Report[] =>
  request.items.map((item, index) => ({ request, item, index, openKey: item.data.fingerprint }));
const openName = ({ request, openKey }: Report): string => `${request.tenantId}:${openKey}`;
const resultKey = ({ request, index }: Report): string => `${request.requestId}:${index}`;
const keyOf = ({ request, openKey }: Report) => ({ tenantId: request.tenantId, openKey });

function newCase({ request, item, openKey }: Report): NewCase {
  const { source, receivedAt } = item.data;
  return { tenantId: request.tenantId, caseId: item.newCaseId, openKey, source, at: Date.parse(receivedAt) };
}

const byTenantAndKey = (a: NewCase, b: NewCase): number =>
  a.tenantId === b.tenantId ? (a.openKey < b.openKey ? -1 : 1) : a.tenantId < b.tenantId ? -1 : 1;

function emptyRow({ tenantId, caseId, at }: NewCase) {
  const sections = { exception: null, triage: null, policy: null, run: null, feedback: null };
  const state = {
    tenantId,
    caseId,
    kind: 'exception',
    status: 'OPEN',
    paused: false,
    count: 0,
    createdAt: at,
    lastSeenAt: at,
    ...sections,
  } as const;
  return { state, version: 1, seq: 0, seen: {}, sent: {}, held: null, blocked: false };
}

/** After a resolve of a fingerprint, its next report is a new case: it has to wait for the next round. */
function splitAtResolve(reports: readonly Report[]): { now: Report[]; later: Report[] } {
  const over = new Set<string>();
  const now: Report[] = [];
  const later: Report[] = [];
  for (const report of reports) {
    const name = openName(report);
    if (over.has(name)) later.push(report);
    else now.push(report);
    if (report.item.data.resolve) over.add(name);
  }
  return { now, later };
}

/** Neighbours of one fingerprint that say exactly the same are one event with a count: a burst costs one row. */
function groupEqual(reports: readonly Report[]): Report[][] {
  const groups: Report[][] = [];
  const last = new Map<string, { text: string; group: Report[] }>();
  for (const report of reports) {
    const name = openName(report);
    const { item, body, source, resolve } = report.item.data;
    const text = JSON.stringify([item, body, source, resolve]);
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

function sameBody(
  bodyHash: string,
  claim: { readonly key: string; readonly bodyHash: string },
): ProblemError | undefined {
  if (bodyHash === claim.bodyHash) return undefined;
  const message = `The Idempotency-Key "${claim.key}" was used for another body.`;
  return new ProblemError(
    { code: 'IDEMPOTENCY_CONFLICT', message, path: 'Idempotency-Key', hint: 'Use a new key for a new request.' },
    409,
  );
}

const repeatLater = (): ProblemError =>
  new ProblemError(
    { code: 'IDEMPOTENCY_IN_PROGRESS', message: 'A request with this key is being handled.', hint: 'Ask again.' },
    409,
  );
