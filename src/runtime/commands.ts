/** What people ask of a case: decide an approval, work it again, end it. Each appends an event; stages do the rest. */

import { decideApproval, type WaitDecision } from '../core/approval.js';
import { type CaseStatus, isClosed } from '../core/case.js';
import { ProblemError } from '../core/errors.js';
import type { Command, EventData } from '../core/events.js';
import { deterministicId } from '../core/ids.js';
import { STAGES, type StageName } from '../core/stages.js';
import type { CaseKey, CaseRow, Store, Tx } from '../store/port.js';
import { writeDrafts } from './append.js';
import { CaseDraft } from './draft.js';
import type { Ingestion } from './ingest.js';
import type { Publisher } from './publisher.js';

export interface ApprovalCommand extends CaseKey {
  readonly waitId: string;
  readonly decision: 'approved' | 'rejected';
  readonly by: string;
  readonly comment: string | null;
}

export interface ApprovalAnswer {
  readonly waitId: string;
  readonly status: 'open' | 'approved' | 'rejected';
  readonly approvals: number;
  readonly quorum: number;
}

/** `resent`: events that a worker has not seen are on their way again; `reworked`: the case starts over; `created`: a
 * closed case's report made a new case; `in_progress`: nothing to do, workers have it. */
export interface ReingestAnswer {
  readonly id: string;
  readonly outcome: 'resent' | 'reworked' | 'created' | 'in_progress';
}

/** Somebody ends a case, or takes it on. */
export interface EndCommand extends CaseKey {
  readonly command: Command;
  readonly by: string;
  readonly reason: string;
}

/** Finds the report that began a case, as it was ingested. */
export type FirstReport = (key: CaseKey) => Promise<EventData['ExceptionIngested'] | null>;

export class Commands {
  constructor(
    private readonly store: Store,
    private readonly publisher: Publisher,
    private readonly ingestion: Ingestion,
    private readonly firstReport: FirstReport,
    private readonly newId: () => string,
  ) {}

  /** Decides an approval once. Throws ProblemError (CASE_NOT_FOUND, WAIT_NOT_FOUND, and those of `decideApproval`). */
  async decideApproval(command: ApprovalCommand): Promise<ApprovalAnswer> {
    const { answer, batch } = await this.store.transaction([command.tenantId], async (tx) => {
      const row = await lockCase(tx, command, []);
      const wait = await tx.lockWait(command.tenantId, command.waitId);
      if (!wait || wait.caseId !== command.caseId)
        throw notFound('WAIT_NOT_FOUND', `There is no approval ${command.waitId}.`);
      const at = await tx.now();
      const { by, decision, comment } = command;
      const { decisions, settled } = decideApproval({ ...wait, requester: null }, { by, decision, comment, at });
      await tx.saveDecision({ decisions, status: settled ? 'decided' : 'open', ...command });
      const draft = new CaseDraft(row);
      if (settled)
        draft.append({ type: 'WaitResolved', data: resolution(wait, settled, decisions) }, originOf(wait.waitId, at));
      const approvals = decisions.filter((one) => one.decision === 'approved').length;
      const answer = { waitId: wait.waitId, status: settled ?? 'open', approvals, quorum: wait.terms.quorum } as const;
      return { answer, batch: await writeDrafts(tx, [draft]) };
    });
    void this.publisher.publish(batch);
    return answer;
  }

  /** Ends an open case from wherever it is. Throws CASE_NOT_FOUND, CASE_CLOSED, CASE_ESCALATED, CASE_BLOCKED. */
  async end({ tenantId, caseId, ...data }: EndCommand): Promise<{ readonly status: CaseStatus }> {
    const { status, batch } = await this.store.transaction([tenantId], async (tx) => {
      const row = await lockCase(tx, { tenantId, caseId }, []);
      requireOpen(row, data.command);
      const draft = new CaseDraft(row);
      draft.append({ type: 'CaseCommanded', data }, originOf(this.newId(), await tx.now()));
      return { status: row.state.status, batch: await writeDrafts(tx, [draft]) };
    });
    void this.publisher.publish(batch);
    return { status };
  }

  /** Works a case again: what that means depends on where it is. Throws CASE_NOT_FOUND. */
  async reingest(key: CaseKey): Promise<ReingestAnswer> {
    const first = alone(await this.firstReport(key));
    const { row, at, outcome, batch } = await this.store.transaction([key.tenantId], async (tx) => {
      const locked = await lockCase(tx, key, []);
      return { row: locked, at: await tx.now(), ...(await this.resendOrRework(tx, locked, first)) };
    });
    void this.publisher.publish(batch);
    if (outcome || !first || !isClosed(row.state.status)) return { id: key.caseId, outcome: outcome ?? 'in_progress' };
    const newCaseId = this.newId();
    const item = {
      newCaseId,
      data: { ...first, via: 'reingest' as const, receivedAt: new Date(at).toISOString(), resolve: false },
    };
    const request = {
      requestId: this.newId(),
      tenantId: key.tenantId,
      items: [item],
      traceparent: null,
      idempotency: null,
    };
    const answer = await this.ingestion.accept(request);
    return { id: answer.items[0]?.id ?? newCaseId, outcome: 'created' };
  }

  private async resendOrRework(tx: Tx, row: CaseRow, first: EventData['ExceptionIngested'] | null) {
    const { tenantId, caseId, status } = row.state;
    const unseen = STAGES.filter((stage) => (row.sent[stage] ?? 0) > (row.seen[stage] ?? 0));
    const draft = new CaseDraft(row);
    if (unseen.length > 0) {
      const resend = unseen.map((stage: StageName) => ({ tenantId, caseId, stage, above: row.seen[stage] ?? 0 }));
      return { outcome: 'resent' as const, batch: await writeDrafts(tx, [draft], { resend }) };
    }
    if (status !== 'ESCALATED' || !first) return { outcome: undefined, batch: null };
    const at = await tx.now();
    const data = {
      ...first,
      via: 'reingest' as const,
      receivedAt: new Date(at).toISOString(),
      count: 1,
      resolve: false,
    };
    draft.append({ type: 'ExceptionIngested', data }, originOf(this.newId(), at));
    return { outcome: 'reworked' as const, batch: await writeDrafts(tx, [draft]) };
  }
}

async function lockCase(tx: Tx, key: CaseKey, sections: readonly []): Promise<CaseRow> {
  const [row] = await tx.lockCases([key], sections);
  if (!row) throw notFound('CASE_NOT_FOUND', `There is no exception ${key.caseId}.`);
  return row;
}

function requireOpen({ state: { caseId, status }, blocked }: CaseRow, command: Command): void {
  const refuse = (code: string, message: string, hint: string): never => {
    throw new ProblemError({ code, message, hint }, 409);
  };
  if (isClosed(status)) refuse('CASE_CLOSED', `It is ${status} already.`, 'Show it to see who ended it, and why.');
  if (command === 'escalate' && status === 'ESCALATED')
    refuse('CASE_ESCALATED', 'It is ESCALATED already.', 'Resolve it, cancel it, or have it worked again.');
  if (!blocked) return;
  const hint = `Find it: millrace dead-letters list TENANT --exception ${caseId}. Discard it with --cancel to end both.`;
  refuse('CASE_BLOCKED', 'A dead letter holds it: nothing reaches it before that is settled.', hint);
}

/** It is worked by itself, whatever group it came with, and nobody reported it again. */
function alone(first: EventData['ExceptionIngested'] | null): EventData['ExceptionIngested'] | null {
  if (first === null) return null;
  const { accumulate: _, seen: __, incident: ___, ...report } = first;
  return report;
}

const notFound = (code: string, message: string): ProblemError => new ProblemError({ code, message }, 404);

function resolution(
  wait: { runId: string; step: string; waitId: string; packVersion: number },
  decision: 'approved' | 'rejected',
  decisions: readonly WaitDecision[],
): EventData['WaitResolved'] {
  const comment = decisions[decisions.length - 1]?.comment ?? null;
  const { runId, step, waitId, packVersion } = wait;
  return { runId, step, waitId, decision, by: decisions.map(({ by }) => by), comment, packVersion };
}

const originOf = (id: string, at: number) => ({
  eventId: deterministicId(id, 'command'),
  emitter: 'api' as const,
  causeId: null,
  traceparent: null,
  time: new Date(at).toISOString(),
});
