/**
 * A locked case while a transaction works on it: gives `seq` and `after` to each event, keeps the marks, and ends as
 * one row update. The shell, ingestion, timers and executors all append through it, so order is kept in one place.
 */
import { type CaseState, type CaseStatus, canMove, isClosed } from '../core/case.js';
import type { JournalEntry } from '../core/envelope.js';
import { type Emitter, type EventType, stageFor } from '../core/events.js';
import type { Advance, Emission } from '../core/outcome.js';
import type { StageName } from '../core/stages.js';
import type { Awaited, CaseRow, CaseUpdate, Earlier, Held, Marks } from '../store/port.js';

/** Where an appended event comes from. */
export interface Origin {
  readonly eventId: string;
  readonly emitter: Emitter;
  readonly causeId: string | null;
  readonly traceparent: string | null;
  readonly time: string; // RFC 3339
}

const NOTHING: CaseUpdate['set'] = {};

export class CaseDraft {
  state: CaseState;
  readonly entries: JournalEntry[] = [];
  private seq: number;
  private seen: Marks;
  private sent: Marks;
  private awaited: Awaited | null;
  private held: Held | null;
  private blocked: boolean;
  private releaseKey = false;
  private changed = false;
  private set: CaseUpdate['set'] = NOTHING;

  constructor(private readonly row: CaseRow) {
    this.state = row.state;
    this.seq = row.seq;
    this.seen = row.seen;
    this.sent = row.sent;
    this.awaited = row.awaited;
    this.held = row.held;
    this.blocked = row.blocked;
  }

  get isBlocked(): boolean {
    return this.blocked;
  }
  seenBy(stage: StageName): number {
    return this.seen[stage] ?? 0;
  }
  heldBy(stage: StageName): { readonly attempts: number; readonly until: number } | undefined {
    return this.held?.[stage];
  }
  lastSeq(): number {
    return this.seq;
  }

  /** The stage has dealt with the event of this seq: a repeat will be dropped, and a retry of it is over. */
  markSeen(stage: StageName, seq: number): void {
    this.seen = markedAsBefore(this.seen, stage, seq);
    if (this.awaited?.[stage] !== undefined && seq >= (this.sent[stage] ?? 0))
      this.awaited = without(this.awaited, stage);
    if (this.held?.[stage]) this.hold(stage, null);
    this.changed = true;
  }

  hold(stage: StageName, value: { attempts: number; until: number } | null): void {
    this.held = value === null ? this.held && without(this.held, stage) : marked(this.held, stage, value);
    this.changed = true;
  }

  block(blocked: boolean): void {
    this.blocked = blocked;
    this.changed = true;
  }

  /** The next exception with this fingerprint is a new case. */
  release(): void {
    this.releaseKey = true;
    this.changed = true;
  }

  append<T extends EventType>(emission: Extract<Emission, { type: T }>, origin: Origin): JournalEntry {
    const stage = stageFor(emission.type);
    this.seq += 1;
    this.changed = true;
    const entry: JournalEntry = {
      tenantId: this.state.tenantId,
      caseId: this.state.caseId,
      seq: this.seq,
      after: stage === null ? 0 : (this.sent[stage] ?? 0),
      eventId: origin.eventId,
      type: emission.type,
      emitter: origin.emitter,
      causeId: origin.causeId,
      time: origin.time,
      traceparent: origin.traceparent,
      data: JSON.stringify(emission.data),
    };
    if (stage !== null) this.expect(stage, origin.eventId);
    this.entries.push(entry);
    return entry;
  }

  private expect(stage: StageName, eventId: string): void {
    this.sent = markedAsBefore(this.sent, stage, this.seq);
    this.awaited = marked(this.awaited, stage, eventId);
  }

  /** Takes over what a decision says of the case itself; the caller appends its events. */
  advance(outcome: Advance): void {
    const status = outcome.status ?? this.state.status;
    if (!canMove(this.state.status, status)) {
      throw new Error(`A case cannot go from ${this.state.status} to ${status}.`);
    }
    if (outcome.release || isClosed(status)) this.releaseKey = true;
    if (outcome.set) this.set = this.set === NOTHING ? outcome.set : { ...this.set, ...outcome.set };
    this.state = stateAfter(this.state, status, outcome);
    this.changed = true;
  }

  /** The row update, or undefined if nothing changed. */
  update(): CaseUpdate | undefined {
    if (!this.changed) return undefined;
    const { tenantId, caseId, status, count, lastSeenAt } = this.state;
    const { seq, seen, sent, awaited, held, blocked, releaseKey, set } = this;
    return {
      tenantId,
      caseId,
      version: this.row.version,
      place: this.row.place,
      status,
      seq,
      seen,
      sent,
      awaited,
      held,
      blocked,
      count,
      lastSeenAt,
      releaseKey,
      set,
    };
  }
}

let last: { readonly of: Marks; readonly stage: StageName; readonly value: number; readonly marks: Marks } | undefined;

/** The cases of a chunk come from the same marks to the same marks, and share them. */
function markedAsBefore(of: Marks, stage: StageName, value: number): Marks {
  if (last === undefined || last.of !== of || last.stage !== stage || last.value !== value) {
    last = { of, stage, value, marks: marked(of, stage, value) };
  }
  return last.marks;
}

/** A copy by `...` that is added to has a shape of its own: eight times as slow to make, four times as large. */
function marked<V>(
  of: Readonly<Partial<Record<StageName, V>>> | null,
  stage: StageName,
  value: V,
): Partial<Record<StageName, V>> {
  const marks: Partial<Record<StageName, V>> = {};
  let name: StageName;
  if (of !== null) for (name in of) marks[name] = of[name] as V;
  marks[stage] = value;
  return marks;
}

/** Null where nothing is left, as it mostly is: looked for first, since copying the rest costs more, once an event in every stage. */
function without<V>(of: Readonly<Partial<Record<StageName, V>>>, stage: StageName): typeof of | null {
  for (const name in of) {
    if (name === stage) continue;
    const { [stage]: _, ...others } = of;
    return others as typeof of;
  }
  return null;
}

/** Written out in one go: a copy by `...` for each part takes several times as long, once an event in every stage. */
function stateAfter(state: CaseState, status: CaseStatus, { set = NOTHING, merged = state }: Advance): CaseState {
  const { tenantId, caseId, kind, paused, createdAt } = state;
  const { exception, triage, policy, run, feedback } = set;
  return {
    tenantId,
    caseId,
    kind,
    status,
    paused,
    count: merged.count,
    createdAt,
    lastSeenAt: merged.lastSeenAt,
    exception: exception === undefined ? state.exception : exception,
    triage: triage === undefined ? state.triage : triage,
    policy: policy === undefined ? state.policy : policy,
    run: run === undefined ? state.run : run,
    feedback: feedback === undefined ? state.feedback : feedback,
  };
}

// Loops, not `flatMap`: the engine takes several times as long for each element of that, and this is every chunk's.

/** What changed of these cases. */
export function updatesOf(drafts: Iterable<CaseDraft>): CaseUpdate[] {
  const updates: CaseUpdate[] = [];
  for (const draft of drafts) {
    const update = draft.update();
    if (update !== undefined) updates.push(update);
  }
  return updates;
}

/** What the stages that these cases tell something new have not seen of what they were sent before. */
export function earlierOf(drafts: Iterable<CaseDraft>): Earlier[] {
  const earlier: Earlier[] = [];
  for (const draft of drafts) {
    for (const { type, after, seq, tenantId, caseId } of draft.entries) {
      const stage = stageFor(type);
      if (stage === null || after <= draft.seenBy(stage)) continue;
      const isFirst = draft.entries.every((one) => one.seq >= seq || stageFor(one.type) !== stage);
      if (isFirst) earlier.push({ tenantId, caseId, stage, above: draft.seenBy(stage), below: seq });
    }
  }
  return earlier;
}

/** What was appended to these cases. */
export function entriesOf(drafts: Iterable<CaseDraft>): JournalEntry[] {
  const entries: JournalEntry[] = [];
  for (const draft of drafts) for (const entry of draft.entries) entries.push(entry);
  return entries;
}
