/**
 * Ingestion: exceptions become cases. One transaction writes the case (`OPEN`), `ExceptionIngested` in the journal and
 * an outbox row; only after its commit is anything answered. Same fingerprint or Idempotency-Key: no second case.
 */
import type { CaseStatus } from '../core/case.js';
import { ProblemError } from '../core/errors.js';
import { deterministicId } from '../core/ids.js';
import type { Occurrences } from '../core/records.js';
import {
  fingerprintKey,
  type IdempotencyClaim,
  type Store,
  SYSTEM_TENANT,
  type Tx,
  type Unpublished,
} from '../store/port.js';
import type { Telemetry } from '../telemetry/catalogue.js';
import { writeDrafts } from './append.js';
import { CaseDraft } from './draft.js';
import { GroupCommit } from './group-commit.js';
import {
  byTenantAndKey,
  emptyRow,
  endsCase,
  fitting,
  groupEqual,
  type IngestRequest,
  isFull,
  keyOf,
  newCase,
  occurrencesIn,
  openName,
  type Report,
  reportsOf,
  resultKey,
  splitAtEnd,
} from './ingest-reports.js';
import { type Publisher, scopeWith, tenantsOf } from './publisher.js';

export type { IngestRequest } from './ingest-reports.js';

/** What became of one item. `ignored`: it says that something is over which is not open here. */
export interface IngestedItem {
  readonly id: string | null;
  readonly outcome: 'created' | 'merged' | 'resolving' | 'ignored';
  readonly status: CaseStatus | null;
  readonly note?: string; // why it is ignored, where that is not plain
}

export interface IngestAnswer {
  readonly replayed: boolean; // answered from an earlier request with the same Idempotency-Key
  readonly items: readonly IngestedItem[];
}

/** What a transaction accepted: an answer for each request, and what is to be published after the commit. */
export interface AcceptedIn {
  readonly answers: readonly (IngestAnswer | ProblemError)[];
  readonly batches: readonly (Unpublished | null)[];
}

const MOST_REQUESTS = 256;
/** So many exceptions that wait are worth a transaction of their own. */
const ASIDE = { weight: 64, of: ({ items }: IngestRequest): number => items.length };
const NONE_SEEN: ReadonlyMap<string, Occurrences> = new Map();

export class Ingestion {
  private readonly group: GroupCommit<IngestRequest, IngestAnswer | ProblemError>;

  constructor(
    private readonly store: Store,
    private readonly publisher: Publisher,
    private readonly telemetry: Telemetry,
  ) {
    this.group = new GroupCommit((requests) => this.commit(requests), MOST_REQUESTS, undefined, ASIDE);
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
   * publishes the batches; until then nothing of it has happened.
   */
  acceptIn(tx: Tx, requests: readonly IngestRequest[]): Promise<AcceptedIn> {
    return new IngestRound(tx, requests, null).run();
  }

  private async commit(requests: readonly IngestRequest[]): Promise<readonly (IngestAnswer | ProblemError)[]> {
    const settled = this.publisher.take();
    const scope = scopeWith([...tenantsOf(requests), SYSTEM_TENANT], settled);
    try {
      const { answers, batches } = await this.store.transaction(scope, (tx) => {
        const settle = async (): Promise<unknown> => settled.length > 0 && tx.deleteOutbox(settled);
        return new IngestRound(tx, requests, settle).run();
      });
      void this.publisher.publish(...batches);
      return answers;
    } catch (error) {
      this.publisher.giveBack(settled);
      throw error;
    }
  }
}

class IngestRound {
  private readonly batches: (Unpublished | null)[] = [];
  private readonly results = new Map<string, IngestedItem>(); // by requestId:index
  constructor(
    private readonly tx: Tx,
    private readonly requests: readonly IngestRequest[],
    /** What else ends the transaction; null where the caller goes on with it. */
    private readonly settle: (() => Promise<unknown>) | null,
  ) {}

  async run(): Promise<AcceptedIn> {
    const early = await this.claimKeys();
    const fresh = this.requests.filter((request) => !early.has(request.requestId));
    let reports = fresh.flatMap(reportsOf);
    if (reports.length === 0) await this.end(null, fresh);
    while (reports.length > 0) reports = await this.commitReports(reports, fresh);
    const answers = this.requests.map((request) => early.get(request.requestId) ?? this.answer(request));
    return { answers, batches: this.batches };
  }

  /** The last statements, sent together: what they answer changes nothing any more. */
  private async end(drafts: Iterable<CaseDraft> | null, requests: readonly IngestRequest[]): Promise<void> {
    const work = () =>
      Promise.all([drafts && writeDrafts(this.tx, drafts), this.saveAnswers(requests), this.settle?.()]);
    const [batch] = await (this.settle === null ? work() : this.tx.last(work));
    this.batches.push(batch);
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

  /** Handles the reports up to the end of each fingerprint, or to a full group; answers the rest, for the next round. */
  private async commitReports(reports: readonly Report[], requests: readonly IngestRequest[]): Promise<Report[]> {
    const { now, later } = splitAtEnd(reports);
    const { drafts, created } = await this.openDrafts(now);
    const { fit, over } = fitting(groupEqual(now), drafts);
    for (const report of over) drafts.get(openName(report))?.release(); // full before, or by this round
    const occurrences = occurrencesIn(fit);
    const seen = occurrences.length === 0 ? NONE_SEEN : await this.tx.countFingerprints(occurrences);
    for (const same of fit) this.append(same, drafts.get(openName(same[0] as Report)), created, seen);
    const rest = [...later, ...over];
    if (rest.length === 0) await this.end(drafts.values(), requests);
    else this.batches.push(await writeDrafts(this.tx, drafts.values()));
    return rest;
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
      const missing = [...byName].filter(([name]) => !drafts.has(name)).map(([, report]) => keyOf(report));
      const wanted = [...firstReal].filter(([name]) => !drafts.has(name));
      const cases = wanted.map(([, report]) => newCase(report)).sort(byTenantAndKey);
      // Sent together: a fingerprint that is open makes no case.
      const [open, inserted] = await Promise.all([this.tx.lockOpen(missing), this.tx.createCases(cases)]);
      for (const row of open) drafts.set(`${row.state.tenantId}:${row.openKey}`, new CaseDraft(row));
      for (const made of cases.filter(({ caseId }) => inserted.has(caseId))) {
        created.add(made.caseId);
        drafts.set(`${made.tenantId}:${made.openKey}`, new CaseDraft(emptyRow(made)));
      }
      // Those that lost a race against another request are found by the next look.
      if (wanted.every(([name]) => drafts.has(name))) return { drafts, created };
    }
  }

  private append(
    same: readonly Report[],
    draft: CaseDraft | undefined,
    created: Set<string>,
    history: ReadonlyMap<string, Occurrences>,
  ): void {
    const first = same[0] as Report;
    const { request, item, index } = first;
    if (!draft) {
      const note = item.data.accumulate && { note: GATHERS_NO_MORE };
      for (const report of same)
        this.results.set(resultKey(report), { id: null, outcome: 'ignored', status: null, ...note });
      return;
    }
    const seen = history.get(fingerprintKey(request.tenantId, item.data.fingerprint));
    draft.append(
      { type: 'ExceptionIngested', data: { count: same.length, ...item.data, ...(seen && { seen }) } },
      {
        eventId: deterministicId(request.requestId, 'api', index),
        emitter: 'api',
        causeId: null,
        traceparent: request.traceparent,
        time: item.data.receivedAt,
      },
    );
    if (endsCase(first) || isFull(first, draft)) draft.release();
    for (const report of same) {
      const { caseId, status } = draft.state;
      const outcome = item.data.resolve ? 'resolving' : created.delete(caseId) ? 'created' : 'merged';
      this.results.set(resultKey(report), { id: caseId, outcome, status });
    }
  }
}

/** Only while its window is open is the case of a group known by what belongs to it. */
const GATHERS_NO_MORE =
  'it belongs to a group, and none gathers now: an exception made of an earlier group does not end with this';

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
