/**
 * Step 4 of the shell: folds a stage's pure decision over the events of one chunk, on locked cases. Pure itself:
 * locked rows, events and facts in, one `WriteBatch` out.
 */
import { isDeepStrictEqual } from 'node:util';
import { delayBefore, RETRY_PROFILES } from '../core/backoff.js';
import { NO_BUDGETS } from '../core/budget.js';
import type { Problem } from '../core/errors.js';
import { type CaseEvent, EVENTS } from '../core/events.js';
import { caseKey, deterministicId } from '../core/ids.js';
import type { Advance, Outcome } from '../core/outcome.js';
import type { DeadLetterDraft, ExecutionRow, TallyRow, TimerRow, WaitRow, WriteBatch } from '../store/port.js';
import type { Decoded, Folded, FoldInput, Judged, Verdict } from './chunk.js';
import { CaseDraft, earlierOf, entriesOf, updatesOf } from './draft.js';
import { IncidentNoting } from './incident-notes.js';
import { draftLetter } from './letter.js';

/** More retries of one event than this make it a dead letter: "not now" became "never". */
const MAX_RETRIES = RETRY_PROFILES.resume.tries;

export const eventKey = (event: { tenantId: string; caseId: string; seq: number }): string =>
  `${event.tenantId}:${event.caseId}:${event.seq}`;

export function fold(input: FoldInput): Folded {
  return new Fold(input).run();
}

class Fold {
  private readonly drafts: Map<string, CaseDraft>;
  private readonly judged: Judged[] = [];
  private readonly deadLetters: DeadLetterDraft[] = [];
  private readonly executions: (ExecutionRow & { leaseOwner: null })[] = [];
  private readonly cancelExecutions: { tenantId: string; caseId: string; executionId: string }[] = [];
  private readonly waits: WaitRow[] = [];
  private readonly closeWaits: NonNullable<WriteBatch['closeWaits']>[number][] = [];
  private readonly timers: TimerRow[] = [];
  private readonly cancelTimers: { tenantId: string; caseId: string; timerId: string }[] = [];
  private readonly tally: TallyRow[] = [];
  private readonly incidents = new IncidentNoting();
  private readonly gaps = new Map<string, NonNullable<WriteBatch['resend']>[number]>();
  private readonly time: string;

  constructor(private readonly input: FoldInput) {
    this.drafts = new Map(
      input.opened.cases.map((row) => [caseKey(row.state.tenantId, row.state.caseId), new CaseDraft(row)]),
    );
    this.time = new Date(input.opened.now).toISOString();
  }

  run(): Folded {
    const { input } = this;
    const next = new Map<number, number>(); // by partition, as it is after the chunk
    let place = 0; // among the events that the chunk was opened with
    for (const decoded of input.records) {
      const { partition, record } = decoded;
      const from = input.opened.next.get(partition) ?? 0;
      const isKnown = 'event' in decoded && input.opened.known[place++] === true;
      if (record.offset >= from) this.judge(decoded, isKnown);
      next.set(partition, Math.max(from, record.offset + 1));
    }
    const drafts = [...this.drafts.values()];
    const batch: WriteBatch = {
      positions: [...next].map(([partition, at]) => ({ partition, next: at, ...input.source })),
      cases: updatesOf(drafts),
      journal: entriesOf(drafts),
      earlier: earlierOf(drafts),
      resend: [...this.gaps.values()],
      executions: this.executions,
      cancelExecutions: this.cancelExecutions,
      waits: this.waits,
      closeWaits: this.closeWaits,
      timers: this.timers,
      cancelTimers: this.cancelTimers,
      deadLetters: this.deadLetters,
      tally: this.tally,
      ...this.incidents.written(),
      ...(input.budgets && { budgets: input.budgets.changed() }),
    };
    return { batch, judged: this.judged };
  }

  private judge(decoded: Decoded, isKnown: boolean): void {
    if ('problem' in decoded) {
      this.deadLetter(decoded, decoded.problem, decoded.tenantId, null);
      return;
    }
    const { event, record } = decoded;
    const draft = this.drafts.get(record.key as string); // which is that of its case, or it would be no event
    if (!draft) {
      const problem = { code: 'CASE_ABSENT', message: `There is no case ${event.caseId} of this tenant.` };
      this.deadLetter(decoded, problem, event.tenantId, event);
    } else if (!isKnown) {
      this.deadLetter(decoded, unknownEvent(event, draft), event.tenantId, event);
    } else if (event.seq <= draft.seenBy(this.input.stage.name)) {
      this.judgeDuplicate(decoded);
    } else {
      this.judgeFresh(decoded, draft);
    }
  }

  private judgeDuplicate(decoded: Decoded & { event: CaseEvent }): void {
    const { event } = decoded;
    const data = this.input.journalData.get(eventKey(event));
    if (data !== undefined && !isDeepStrictEqual(EVENTS[event.type].data.parse(JSON.parse(data)), event.data)) {
      const message = `Event ${event.id} came before with other data; the journal's was used.`;
      this.deadLetter(decoded, { code: 'EVENT_ID_REUSED', message }, event.tenantId, event);
    } else {
      this.note('duplicate', event, `seq ${event.seq} was handled before`);
    }
  }

  private judgeFresh(decoded: Decoded & { event: CaseEvent }, draft: CaseDraft): void {
    const { event } = decoded;
    const stage = this.input.stage.name;
    const seen = draft.seenBy(stage);
    const held = draft.heldBy(stage);
    if (draft.isBlocked) {
      this.note('parked', event, 'a dead letter holds the case; its later events wait in order');
    } else if (held && this.input.opened.now < held.until) {
      this.note('parked', event, 'an earlier event of the case is being retried');
    } else if (event.after > seen) {
      const { tenantId, caseId } = event;
      this.gaps.set(caseKey(tenantId, caseId), { tenantId, caseId, stage, above: seen });
      this.note(
        'parked',
        event,
        `SEQ_GAP: it follows seq ${event.after}, but only ${seen} was seen; the journal sends what is missing`,
      );
    } else {
      this.decide(decoded, draft);
    }
  }

  private decide(decoded: Decoded & { event: CaseEvent }, draft: CaseDraft): void {
    const { event } = decoded;
    const outcome = this.outcomeOf(decoded, draft);
    switch (outcome.kind) {
      case 'advance':
        this.advance(event, draft, outcome);
        return;
      case 'ignore':
        draft.markSeen(this.input.stage.name, event.seq);
        this.note('ignored', event, outcome.reason);
        return;
      case 'retry':
        this.retry(decoded, draft, outcome);
        return;
      case 'reject':
        draft.block(true);
        this.deadLetter(decoded, outcome, event.tenantId, event, true);
        return;
    }
  }

  private outcomeOf(decoded: Decoded & { event: CaseEvent }, draft: CaseDraft): Outcome {
    if (this.input.poison) return { kind: 'reject', ...this.input.poison };
    if ('instead' in decoded && decoded.instead) return decoded.instead;
    const facts = 'facts' in decoded ? decoded.facts : undefined;
    try {
      const budgets = this.input.budgets?.of(decoded.event.tenantId) ?? NO_BUDGETS;
      return this.input.stage.decide(draft.state, decoded.event, facts, this.input.opened.now, budgets);
    } catch (error) {
      const message = `The ${this.input.stage.name} decision failed: ${(error as Error).message}`;
      return { kind: 'reject', code: 'DECISION_FAILED', message };
    }
  }

  private advance(event: CaseEvent, draft: CaseDraft, outcome: Advance): void {
    const stage = this.input.stage.name;
    const { tenantId, caseId } = event;
    this.incidents.advance(draft, outcome);
    draft.markSeen(stage, event.seq);
    let index = 0;
    for (const emission of outcome.emit ?? []) {
      draft.append(emission, {
        eventId: deterministicId(event.id, stage, index++),
        emitter: stage,
        causeId: event.id,
        traceparent: event.traceparent,
        time: this.time,
      });
    }
    // A copy by `...` comes last: added to, it has a shape of its own, slow to make and slow wherever it goes.
    const call = { tenantId, caseId, traceparent: event.traceparent, causeId: event.id, leaseOwner: null };
    for (const one of outcome.executions ?? []) this.executions.push(Object.assign({}, one, call));
    for (const executionId of outcome.cancelExecutions ?? [])
      this.cancelExecutions.push({ tenantId, caseId, executionId });
    for (const wait of outcome.waits ?? []) this.waits.push({ tenantId, caseId, ...wait });
    for (const change of outcome.closeWaits ?? []) this.closeWaits.push({ tenantId, caseId, ...change });
    for (const timer of outcome.timers ?? []) this.timers.push({ tenantId, caseId, ...timer });
    for (const timerId of outcome.cancelTimers ?? []) this.cancelTimers.push({ tenantId, caseId, timerId });
    for (const tally of outcome.tally ?? []) this.tally.push({ tenantId, ...tally });
    this.input.budgets?.spend(tenantId, outcome.spend ?? []);
    this.note('advanced', event, '');
  }

  private retry(
    decoded: Decoded & { event: CaseEvent },
    draft: CaseDraft,
    outcome: Extract<Outcome, { kind: 'retry' }>,
  ): void {
    const { event } = decoded;
    const stage = this.input.stage.name;
    const attempts = (draft.heldBy(stage)?.attempts ?? 0) + 1;
    if (attempts >= MAX_RETRIES) {
      draft.hold(stage, null);
      draft.block(true);
      const message = `Tried ${attempts} times, the last time: ${outcome.reason}`;
      this.deadLetter(decoded, { code: outcome.code ?? 'RETRY_EXHAUSTED', message }, event.tenantId, event, true);
      return;
    }
    const until = this.input.opened.now + Math.max(outcome.afterMs, delayBefore(RETRY_PROFILES.block, attempts));
    draft.hold(stage, { attempts, until });
    this.timers.push({
      tenantId: event.tenantId,
      caseId: event.caseId,
      timerId: deterministicId(event.id, stage, 'redeliver', attempts),
      kind: 'redeliver',
      dueAt: until,
      data: { stage, above: event.seq - 1 },
    });
    this.note('retried', event, outcome.reason);
  }

  private deadLetter(
    { record, partition }: Decoded,
    problem: Problem,
    tenantId: string | null,
    event: CaseEvent | null,
    blocks = false,
  ): void {
    const { source, stage } = this.input;
    const position = { partition, ...source };
    this.deadLetters.push(draftLetter({ stage: stage.name, position, record, problem, tenantId, event, blocks }));
    this.judged.push({ verdict: 'rejected', event, detail: problem.message, code: problem.code, partition });
  }

  private note(verdict: Verdict, event: CaseEvent, detail: string): void {
    this.judged.push({ verdict, event, detail, code: '' });
  }
}

function unknownEvent(event: CaseEvent, draft: CaseDraft): Problem {
  return event.seq <= draft.lastSeq()
    ? { code: 'SEQ_CONFLICT', message: `The journal has another event with seq ${event.seq} of this case.` }
    : {
        code: 'EVENT_UNKNOWN',
        message: `The journal has no event ${event.id}: it was not written by a worker or the API.`,
      };
}
