/**
 * A world in memory that carries cases through the stages' own decisions, with a clock that is told what time it is.
 * It has no second reading of the language: what a pack means is said by `decide` of each stage alone. Nothing here
 * writes, calls or asks anybody; who uses the world hears of every event and may append the answers.
 */
import { type CaseState, canMove, isClosed } from '../core/case.js';
import { type CaseEvent, type Emitter, type EventData, type EventType, stageFor } from '../core/events.js';
import type { Advance, Emission, Outcome } from '../core/outcome.js';
import type { StageName } from '../core/stages.js';
import { emissionOf } from '../core/timer.js';
import type { TimerDraft } from '../core/work.js';
import type { GatherDeps, PackVersion } from '../stages/contract.js';
import { STAGE_TABLE } from '../stages/index.js';
import { Agenda } from './agenda.js';
import { TrialBudgets } from './budgets.js';
import { type Decided, moved, type TrialCase } from './case.js';
import { Histories } from './histories.js';
import { TrialIncidents } from './incidents.js';
import { decidedOfTwin, eventOfTwin, isSameOutcome, leave, part } from './twin.js';

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
  readonly seenBackMs?: number; // how long after its last report a fingerprint still matters; as the pack reads `seen`
  readonly watcher: Watcher;
  readonly leaveOut?: StageName; // a stage whose decisions nobody asks for
  /** Another world lives through the same, and is told everything first; these stages decide the same in both. */
  readonly follows?: { readonly shared: ReadonlySet<StageName> };
  readonly leads?: boolean; // another world follows
}

type Report = EventData['ExceptionIngested'];
export type Arrival = 'created' | 'merged' | 'resolving';

/** The case that a report came to, and the report with the history of its fingerprint. */
export interface Arrived {
  readonly of: TrialCase;
  readonly arrival: Arrival;
  readonly told: Report;
}

const NO_TIMERS: TrialCase['timers'] = [];

export class World {
  now: number;
  private readonly open = new Map<string, TrialCase>();
  private readonly agenda = new Agenda();
  private readonly histories: Histories;
  private readonly gather: GatherDeps;
  private readonly budgets: TrialBudgets;
  private readonly incidents: TrialIncidents;
  private queue: { readonly of: TrialCase; readonly event: CaseEvent }[] = [];
  private working = false;
  private told = { now: Number.NaN, text: '' };

  constructor(private readonly options: WorldOptions) {
    this.now = options.now;
    this.budgets = new TrialBudgets(options.tenant);
    this.histories = new Histories(options.seenBackMs ?? options.pack.pack.seenBackMs);
    const pack = () => options.pack;
    this.gather = { activePack: pack, packVersion: pack };
    this.incidents = new TrialIncidents({
      tenant: options.tenant,
      now: () => this.now,
      begin: (id, openKey) => this.begin(id, openKey, null),
      append: (of, emission, emitter) => this.append(of, emission, emitter),
      schedule: (at, act) => this.schedule(at, act),
    });
  }

  /** How much of everything is kept. */
  get kept(): Readonly<Record<string, number>> {
    const { open, agenda, budgets, incidents, histories } = this;
    return { open: open.size, due: agenda.size, budgets: budgets.size, incidents: incidents.size, ...histories.kept };
  }

  /**
   * A report arrives: it joins the open case of its fingerprint, or begins one. Null: it ends what is not open here.
   * `first`: what became of it in the world that this one follows.
   */
  report(data: Report, newId: string, first: Arrived | null = null): Arrived | null {
    const key = data.accumulate?.key ?? data.fingerprint;
    const known = this.open.get(key);
    if (known === undefined && data.resolve) return null;
    const of = known ?? this.begin(newId, key, first?.of ?? null);
    const isShared = first !== null && this.options.follows?.shared.has('intake') === true;
    const told = isShared ? first.told : this.withHistory(data);
    this.append(of, { type: 'ExceptionIngested', data: told }, 'api');
    if (data.resolve && data.accumulate === undefined) this.release(of);
    const arrival = known === undefined ? 'created' : data.resolve ? 'resolving' : 'merged';
    return { of, arrival, told };
  }

  /** The report with the history of its fingerprint as it is by now, where the pack asks for it. */
  private withHistory({ seen: _, ...data }: Report): Report {
    const { pack, reportsBefore = 0 } = this.options;
    const packVersion = pack.version;
    if (!pack.pack.readsSeen || data.resolve) return { ...data, packVersion };
    const seen = this.histories.add(data.fingerprint, data.count, this.now, reportsBefore);
    return { ...data, packVersion, seen };
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
    this.agenda.put(Math.max(at, this.now), act);
  }

  /** Lets time pass: everything that is due until then happens, in order of time. */
  advanceTo(time: number): void {
    while (this.agenda.next <= time) this.step();
    this.now = Math.max(this.now, time);
  }

  /** The next thing that is due happens; false when nothing is. */
  step(): boolean {
    const next = this.agenda.take();
    if (next === undefined) return false;
    const { at, what } = next;
    this.now = Math.max(this.now, at);
    if (what === undefined) return true;
    if ('act' in what) what.act();
    else this.fire(what.of, what.timer);
    return true;
  }

  /** Ends a case from outside, without a decision: it takes no more reports. */
  close(of: TrialCase, status: 'RESOLVED' | 'CANCELED'): void {
    of.state = { ...of.state, status };
    this.release(of);
    this.incidents.closed(of);
  }

  private begin(id: string, openKey: string, first: TrialCase | null): TrialCase {
    const { tenant: tenantId, leads = false, reportsBefore: count = 0 } = this.options;
    const sections = { exception: null, triage: null, policy: null, run: null, feedback: null };
    const times = { createdAt: this.now, lastSeenAt: this.now };
    const fresh = { kind: 'exception', status: 'OPEN', paused: false, count } as const;
    const begun = first?.id === id ? first.lead?.get(1)?.decided?.before : undefined;
    const state: CaseState = begun ?? { tenantId, caseId: id, ...fresh, ...times, ...sections };
    const twin = begun === undefined ? null : first;
    if (twin === null && first?.id === id) first.lead = null;
    const follow = { lead: leads ? new Map() : null, twin };
    const of: TrialCase = { id, seq: 0, openKey, state, ...follow, timers: NO_TIMERS, note: null };
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
    const event =
      eventOfTwin(of, emission, emitter, this.timeText()) ??
      this.eventOf(of, emission.type, emission.data, emitter, causeId);
    leave(of, event);
    this.options.watcher.event(of, event);
    const stage = stageFor(event.type);
    if (stage !== null && stage !== this.options.leaveOut) this.queue.push({ of, event });
    else of.twin?.lead?.delete(event.seq);
  }

  // Written out: copying an emission into an event costs many times more.
  private eventOf<T extends EventType>(
    of: TrialCase,
    type: T,
    data: EventData[T],
    emitter: Emitter,
    causeId: string | null,
  ): CaseEvent<T> {
    const { id: caseId, seq } = of;
    const { tenant: tenantId } = this.options;
    const [id, time] = [`${caseId}:${seq}`, this.timeText()];
    return { id, type, emitter, tenantId, caseId, seq, after: 0, causeId, time, traceparent: null, data };
  }

  /** Many events have one time. */
  private timeText(): string {
    if (this.told.now !== this.now) this.told = { now: this.now, text: new Date(this.now).toISOString() };
    return this.told.text;
  }

  private decide(of: TrialCase, event: CaseEvent): void {
    const name = stageFor(event.type);
    if (name === null) return;
    const before = of.state;
    const first = decidedOfTwin(of, event);
    const outcome = this.outcomeOf(name, of, event, first);
    if (first !== null && first.outcome !== outcome) part(of);
    of.twin?.lead?.delete(event.seq);
    const step = of.lead?.get(event.seq);
    if (step !== undefined) step.decided = { before, outcome, after: of.state };
    if (outcome.kind === 'reject') this.options.watcher.refused(of, event, outcome.code, outcome.message);
    if (outcome.kind === 'retry') this.schedule(this.now + outcome.afterMs, () => this.again(of, event));
    if (outcome.kind !== 'advance') return;
    for (const emission of outcome.emit ?? []) this.put(of, emission, name, event.id);
    this.setTimers(of, outcome);
    if (outcome.joins) this.incidents.join(of, outcome.joins);
    if (!isClosed(before.status) && isClosed(of.state.status)) this.incidents.closed(of);
  }

  /** Decides, and brings the case to where that leads; `first`: what was decided about the same in the other world. */
  private outcomeOf(name: StageName, of: TrialCase, event: CaseEvent, first: Decided | null): Outcome {
    const stage = STAGE_TABLE[name];
    try {
      const facts = stage.gather(this.gather, event);
      const claims = stage.claims?.(of.state, event, facts, this.now) ?? [];
      if (first !== null && claims.length === 0 && this.options.follows?.shared.has(name)) {
        return this.take(of, first);
      }
      const lent = this.budgets.lend(claims, this.now);
      const own = stage.decide(of.state, event, facts, this.now, lent.view);
      if (own.kind === 'advance') {
        this.move(of, own);
        lent.spend(own.spend ?? []);
      }
      return first !== null && isSameOutcome(first.outcome, own) ? this.take(of, first) : own;
    } catch (error) {
      const message = `The ${name} decision failed: ${(error as Error).message}`;
      return { kind: 'reject', code: 'DECISION_FAILED', message };
    }
  }

  private again(of: TrialCase, event: CaseEvent): void {
    this.queue.push({ of, event });
    this.work();
  }

  private move(of: TrialCase, { status = of.state.status, set, merged, release }: Advance): void {
    if (!canMove(of.state.status, status)) throw new Error(`a case cannot go from ${of.state.status} to ${status}`);
    of.state = moved(of.state, status, set, merged);
    if (isClosed(status) || release) this.release(of);
  }

  /** What was decided about the case's twin is so for it. */
  private take(of: TrialCase, { outcome, after }: Decided): Outcome {
    of.state = after;
    if (outcome.kind === 'advance' && (isClosed(after.status) || outcome.release)) this.release(of);
    return outcome;
  }

  private setTimers(of: TrialCase, outcome: Advance): void {
    for (const timer of outcome.timers ?? []) {
      if (this.options.watcher.timer?.(of, timer) ?? true) this.agenda.set(of, timer);
    }
    for (const timerId of outcome.cancelTimers ?? []) this.agenda.cancel(of, timerId);
  }

  private fire(of: TrialCase, timer: TimerDraft): void {
    const emission = emissionOf(timer);
    if (emission === null) return;
    if (timer.kind === 'accumulate' && timer.data.closes === true) this.release(of);
    this.append(of, emission, 'timers');
  }
}
