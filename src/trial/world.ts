/**
 * A world in memory that carries cases through the stages' own decisions, with a clock that is told what time it is.
 * It has no second reading of the language: what a pack means is said by `decide` of each stage alone. Nothing here
 * writes, calls or asks anybody; who uses the world hears of every event and may append the answers.
 */
import { type CaseState, canMove, isClosed } from '../core/case.js';
import { type CaseEvent, type Emitter, type EventData, stageFor } from '../core/events.js';
import { extended, type History, occurrences } from '../core/history.js';
import type { Advance, Emission, Outcome } from '../core/outcome.js';
import type { StageName } from '../core/stages.js';
import { emissionOf } from '../core/timer.js';
import type { TimerDraft } from '../core/work.js';
import type { GatherDeps, PackVersion } from '../stages/contract.js';
import { STAGE_TABLE } from '../stages/index.js';
import { TrialBudgets } from './budgets.js';
import { Heap } from './heap.js';

/** A case of the world. */
export interface TrialCase {
  readonly id: string;
  state: CaseState;
  seq: number;
  openKey: string | null; // while its fingerprint is taken
}

/** Who hears of what happens. */
export interface Watcher {
  /** An event was appended to a case; its stage decides after that. */
  event(of: TrialCase, event: CaseEvent): void;
  /** A decision refused its event: outside, a dead letter that holds the case. */
  refused(of: TrialCase, event: CaseEvent, code: string, message: string): void;
  /** Whether a timer is set at all; without it every one is. */
  timer?(of: TrialCase, timer: TimerDraft): boolean;
}

export interface WorldOptions {
  readonly tenant: string;
  readonly pack: PackVersion; // decides everything, whatever version an event names
  readonly now: number; // epoch ms
  readonly reportsBefore?: number; // how often each new case is taken to have been reported before; 0
  readonly watcher: Watcher;
  readonly leaveOut?: StageName; // a stage whose decisions nobody asks for
}

export type Arrival = 'created' | 'merged' | 'resolving';

/** Something that happens at its time: a timer, or what the user of the world has put there. */
type Due = { readonly timer: TimerDraft; readonly of: TrialCase } | { readonly act: () => void };

export class World {
  now: number;
  private readonly open = new Map<string, TrialCase>();
  private readonly due = new Heap<Due>();
  private readonly histories = new Map<string, History>(); // by fingerprint
  private readonly off = new Set<string>(); // timers that were canceled
  private readonly gather: GatherDeps;
  private readonly budgets: TrialBudgets;
  private queue: { readonly of: TrialCase; readonly event: CaseEvent }[] = [];
  private working = false;
  private told = { now: Number.NaN, text: '' };

  constructor(private readonly options: WorldOptions) {
    this.now = options.now;
    this.budgets = new TrialBudgets(options.tenant);
    const pack = () => options.pack;
    this.gather = { activePack: pack, packVersion: pack };
  }

  /** Cases whose fingerprint is taken. */
  get openCases(): number {
    return this.open.size;
  }

  /** When the next thing is due; infinity when nothing is. */
  get nextDue(): number {
    return this.due.next;
  }

  /** A report arrives: it joins the open case of its fingerprint, or begins one. Null: it ends what is not open here. */
  report(data: EventData['ExceptionIngested'], newId: string): { of: TrialCase; arrival: Arrival } | null {
    const key = data.accumulate?.key ?? data.fingerprint;
    const known = this.open.get(key);
    if (known === undefined && data.resolve) return null;
    const of = known ?? this.begin(newId, key);
    const told = { ...this.withHistory(data), packVersion: this.options.pack.version };
    this.append(of, { type: 'ExceptionIngested', data: told }, 'api');
    if (data.resolve && data.accumulate === undefined) this.release(of);
    if (known === undefined) return { of, arrival: 'created' };
    return { of, arrival: data.resolve ? 'resolving' : 'merged' };
  }

  /** The report with the history of its fingerprint as it is by now, where the pack asks for it. */
  private withHistory({ seen: _, ...data }: EventData['ExceptionIngested']): EventData['ExceptionIngested'] {
    const { pack, reportsBefore = 0 } = this.options;
    if (!pack.pack.readsSeen || data.resolve) return data;
    const before = reportsBefore > 0 ? extended(undefined, reportsBefore, this.now) : undefined;
    const history = extended(this.histories.get(data.fingerprint) ?? before, data.count, this.now);
    this.histories.set(data.fingerprint, history);
    return { ...data, seen: occurrences(history, this.now) };
  }

  /** Appends an event and lets every stage work until nothing is left to do at this moment. */
  append(of: TrialCase, emission: Emission, emitter: Emitter): void {
    this.put(of, emission, emitter, null);
    this.work();
  }

  private work(): void {
    if (this.working) return;
    this.working = true;
    try {
      for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift())
        this.decide(next.of, next.event);
    } finally {
      this.working = false;
      this.queue = [];
    }
  }

  /** Calls `act` when the clock comes to `at`, or at once when that is past. */
  schedule(at: number, act: () => void): void {
    this.due.push(Math.max(at, this.now), { act });
  }

  /** Lets time pass: everything that is due until then happens, in order of time. */
  advanceTo(time: number): void {
    while (this.due.next <= time) this.step();
    this.now = Math.max(this.now, time);
  }

  /** The next thing that is due happens; false when nothing is. */
  step(): boolean {
    const next = this.due.pop();
    if (next === undefined) return false;
    this.now = Math.max(this.now, next.at);
    if ('act' in next.value) next.value.act();
    else this.fire(next.value.of, next.value.timer);
    return true;
  }

  /** Ends a case from outside, without a decision: it takes no more reports. */
  close(of: TrialCase, status: 'RESOLVED' | 'CANCELED'): void {
    of.state = { ...of.state, status };
    this.release(of);
  }

  private begin(id: string, openKey: string): TrialCase {
    const { tenant: tenantId } = this.options;
    const sections = { exception: null, triage: null, policy: null, run: null, feedback: null };
    const times = { createdAt: this.now, lastSeenAt: this.now };
    const count = this.options.reportsBefore ?? 0;
    const fresh = { kind: 'exception', status: 'OPEN', paused: false, count } as const;
    const of: TrialCase = { id, seq: 0, openKey, state: { tenantId, caseId: id, ...fresh, ...times, ...sections } };
    this.open.set(openKey, of);
    return of;
  }

  private release(of: TrialCase): void {
    if (of.openKey === null) return;
    if (this.open.get(of.openKey) === of) this.open.delete(of.openKey);
    of.openKey = null;
  }

  private put(of: TrialCase, emission: Emission, emitter: Emitter, causeId: string | null): void {
    of.seq += 1;
    const event = {
      ...emission,
      id: `${of.id}:${of.seq}`,
      emitter,
      tenantId: this.options.tenant,
      caseId: of.id,
      seq: of.seq,
      after: 0,
      causeId,
      time: this.timeText(),
      traceparent: null,
    };
    this.options.watcher.event(of, event);
    const stage = stageFor(event.type);
    if (stage !== null && stage !== this.options.leaveOut) this.queue.push({ of, event });
  }

  /** Many events have one time. */
  private timeText(): string {
    if (this.told.now !== this.now) this.told = { now: this.now, text: new Date(this.now).toISOString() };
    return this.told.text;
  }

  private decide(of: TrialCase, event: CaseEvent): void {
    const name = stageFor(event.type);
    if (name === null) return;
    const stage = STAGE_TABLE[name];
    let outcome: Outcome;
    try {
      const facts = stage.gather(this.gather, event);
      const lent = this.budgets.lend(stage.claims?.(of.state, event, facts, this.now) ?? [], this.now);
      outcome = stage.decide(of.state, event, facts, this.now, lent.view);
      if (outcome.kind === 'advance') {
        this.advance(of, outcome);
        lent.spend(outcome.spend ?? []);
      }
    } catch (error) {
      const message = `The ${name} decision failed: ${(error as Error).message}`;
      outcome = { kind: 'reject', code: 'DECISION_FAILED', message };
    }
    if (outcome.kind === 'reject') this.options.watcher.refused(of, event, outcome.code, outcome.message);
    if (outcome.kind === 'retry') this.schedule(this.now + outcome.afterMs, () => this.again(of, event));
    if (outcome.kind !== 'advance') return;
    for (const emission of outcome.emit ?? []) this.put(of, emission, name, event.id);
    this.setTimers(of, outcome);
  }

  private again(of: TrialCase, event: CaseEvent): void {
    this.queue.push({ of, event });
    this.work();
  }

  private advance(of: TrialCase, outcome: Advance): void {
    const status = outcome.status ?? of.state.status;
    if (!canMove(of.state.status, status)) throw new Error(`a case cannot go from ${of.state.status} to ${status}`);
    of.state = { ...of.state, ...outcome.set, ...outcome.merged, status };
    if (isClosed(status) || outcome.release) this.release(of);
  }

  private setTimers(of: TrialCase, outcome: Advance): void {
    for (const timer of outcome.timers ?? []) {
      if (this.options.watcher.timer?.(of, timer) ?? true) this.due.push(timer.dueAt, { timer, of });
    }
    for (const timerId of outcome.cancelTimers ?? []) this.off.add(timerId);
  }

  private fire(of: TrialCase, timer: TimerDraft): void {
    const emission = emissionOf(timer);
    if (this.off.delete(timer.timerId) || emission === null) return;
    if (timer.kind === 'accumulate' && timer.data.closes === true) this.release(of);
    this.append(of, emission, 'timers');
  }
}
