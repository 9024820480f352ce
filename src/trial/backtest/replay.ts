/**
 * The past once more under one pack: reports arrive when they arrived, tools and people answer what they really
 * answered, where they are asked the same; what nobody can know is not guessed, the run stops there.
 */
import { isDeepStrictEqual } from 'node:util';
import { isClosed } from '../../core/case.js';
import type { CaseEvent, EventData } from '../../core/events.js';
import type { StageName } from '../../core/stages.js';
import type { TrialCase } from '../case.js';
import { type Arrived, World } from '../world.js';
import { type AcceptedBy, isOf, type PastCase, type PastEnd, type PastEvent } from './past.js';
import { Refit, type Written } from './refit.js';
import { type Replayed, slim } from './replayed.js';
import { type Judged, NO_TRACES, VerdictMaker, without } from './verdict.js';

/** The correlator makes a parent at the latest so long after its member. */
const LATEST_MS = 60_000;

/** Where an exception of the past came to. */
type Place = { readonly in: Replayed } | { readonly judged: Judged };

export interface ReplayOptions {
  readonly tenant: string;
  readonly written: Written;
  readonly version: number;
  readonly now: number;
  readonly follows?: { readonly shared: ReadonlySet<StageName> }; // another replay that is told everything first
  readonly leads?: boolean; // another one follows
}

export class Replay {
  readonly world: World;
  private readonly refit: Refit;
  private readonly places = new Map<string, Place>(); // by the id of the past case
  private readonly cases = new Map<string, Replayed>(); // by the id of the replayed one
  private readonly holding = new Map<string, Set<Replayed>>(); // by the id of the past case
  private readonly further = new Map<string, number>(); // cases beyond the first, by the id of the past case
  private sweepAt = 2_000;
  merged = 0; // reports that joined an open case
  private beginning: PastCase | null = null;

  constructor({ tenant, written, version, now, ...twin }: ReplayOptions) {
    this.refit = new Refit(written);
    this.world = new World({
      ...{ tenant, now, pack: { version, pack: written.pack, tellsEach: true }, leaveOut: 'feedback', ...twin },
      watcher: {
        event: (of, event) => this.heard(of, event),
        refused: (of, _, code, message) => this.refused(of, code, message),
        timer: (_, { kind }) => kind !== 'wait.remind', // it changes nothing that is compared
      },
    });
  }

  /** A report of `past` arrives, at the time that the world has come to. `first`: what the replay that leads made of it. */
  report(
    past: PastCase,
    event: PastEvent<'ExceptionIngested'>,
    accepted: AcceptedBy | undefined,
    first: Arrived | null = null,
  ): Arrived | null {
    if (event.data.via === 'reingest') {
      this.workAgain(past, event.data);
      return null;
    }
    if (event.data.via === 'correlation') {
      this.incident(past);
      return null;
    }
    const place = this.places.get(past.id);
    const alone = place === undefined ? past.id : `${past.id}:${event.seq}`;
    const fitted = this.refit.report(event.data, accepted, alone);
    if ('unknown' in fitted) {
      this.settle(past, 'unknown', fitted.unknown);
      return null;
    }
    this.beginning = past;
    const told = this.world.report(fitted.data, alone, first);
    this.beginning = null;
    if (told === null) this.settle(past, 'dropped', 'it says that something is over which is not open');
    else this.placed(past, event, told);
    return told;
  }

  private placed(past: PastCase, { data }: PastEvent<'ExceptionIngested'>, { of, arrival }: Arrived): void {
    const replayed = this.cases.get(of.id);
    if (replayed === undefined) return;
    const isFirst = !this.places.has(past.id);
    this.hold(past, replayed);
    this.merged += arrival === 'merged' ? data.count : data.count - 1;
    if (!isFirst) {
      if (arrival === 'created') this.further.set(past.id, (this.further.get(past.id) ?? 0) + 1);
      return;
    }
    if (replayed.owner === past) this.places.set(past.id, { in: replayed });
    else this.settle(past, 'merged', `with ${replayed.owner.id}`);
  }

  /** A parent of the past: the one of the replay is known by its id, which is made of its first member. */
  private incident(past: PastCase): void {
    if (this.places.has(past.id)) return;
    const replayed = this.cases.get(past.id);
    if (replayed === undefined) {
      this.settle(past, 'dropped', 'its members are no such incident');
      return;
    }
    replayed.owner = past;
    this.places.set(past.id, { in: replayed });
    this.hold(past, replayed);
    for (const ask of replayed.asked.splice(0)) ask();
  }

  /**
   * `past` really ended: what it holds in the replay ends with it. But where the pack leaves it to people, and really
   * nobody was asked, it takes as long as people take (`peopleMs`); null: nobody knows, it stays open. What its source
   * ended is ended by that very report, where the pack reads it so.
   */
  end(past: PastCase, how: PastEnd['how'], peopleMs: number | null): void {
    for (const { of, holders } of this.holding.get(past.id) ?? []) {
      holders.delete(past.id);
      const { status } = of.state;
      if (how === 'source' || holders.size > 0 || isClosed(status)) continue;
      const isLeft = how !== 'people' && (status === 'ESCALATED' || status === 'WAITING');
      if (!isLeft && how !== 'suppressed') this.world.close(of, 'RESOLVED');
      else if (peopleMs !== null) this.world.schedule(this.world.now + peopleMs, () => this.closeLate(of, holders));
    }
    this.holding.delete(past.id);
  }

  private closeLate(of: TrialCase, holders: ReadonlySet<string>): void {
    if (holders.size === 0 && !isClosed(of.state.status)) this.world.close(of, 'RESOLVED');
  }

  /** Whether everything that the pack decides about it is decided. */
  isSettled(past: PastCase): boolean {
    const place = this.places.get(past.id);
    return place === undefined || 'judged' in place || place.in.maker.isDecided;
  }

  /** What became of it; after that it is forgotten. */
  take(past: PastCase): Judged {
    const place = this.places.get(past.id);
    this.places.delete(past.id);
    if (place === undefined) return judged('unknown', 'it was not replayed');
    if ('judged' in place) {
      this.further.delete(past.id);
      return place.judged;
    }
    const { verdict, traces } = place.in.maker;
    const cases = 1 + (this.further.get(past.id) ?? 0);
    this.further.delete(past.id);
    this.forget(place.in);
    return { verdict: cases === 1 ? verdict : { ...verdict, cases }, traces };
  }

  private hold(past: PastCase, replayed: Replayed): void {
    replayed.holders.add(past.id);
    const held = this.holding.get(past.id);
    if (held === undefined) this.holding.set(past.id, new Set([replayed]));
    else held.add(replayed);
  }

  /** At once where it is closed: what lives long is collected late. Else what is kept of it is made small. */
  private forget(replayed: Replayed): void {
    slim(replayed);
    if (replayed.of.openKey === null) this.cases.delete(replayed.of.id);
    else if (this.cases.size > this.sweepAt) this.sweep();
  }

  /** Forgets what is closed and counted. */
  private sweep(): void {
    for (const [id, { of, taken }] of this.cases) if (taken && of.openKey === null) this.cases.delete(id);
    this.sweepAt = 2 * this.cases.size + 2_000;
  }

  private settle(past: PastCase, fate: 'unknown' | 'dropped' | 'merged', reason: string): void {
    if (!this.places.has(past.id)) this.places.set(past.id, { judged: judged(fate, reason) });
  }

  private workAgain(past: PastCase, data: EventData['ExceptionIngested']): void {
    const place = this.places.get(past.id);
    if (place === undefined || 'judged' in place || place.in.of.state.status !== 'ESCALATED') return;
    this.world.append(place.in.of, { type: 'ExceptionIngested', data }, 'api');
  }

  private refused(of: TrialCase, code: string, message: string): void {
    const replayed = this.cases.get(of.id);
    if (replayed?.taken === false) replayed.maker.refuse(code, message);
  }

  private heard(of: TrialCase, event: CaseEvent): void {
    const replayed = this.cases.get(of.id) ?? this.begin(of);
    if (replayed === undefined) return;
    if (!replayed.taken) replayed.maker.note(event);
    if (event.type !== 'ToolRequested' && event.type !== 'ApprovalRequested') return;
    const ask = () =>
      event.type === 'ToolRequested' ? this.answerCall(replayed, event.data) : this.answerWait(replayed, event.data);
    if (replayed.owner.id === of.id && replayed.owner.events.length === 0 && !replayed.taken) replayed.asked.push(ask);
    else ask();
  }

  private begin(of: TrialCase): Replayed | undefined {
    const isParent = of.openKey?.startsWith('incident:') === true;
    const owner = isParent ? { id: of.id, events: [] } : this.beginning;
    if (owner === null) return undefined;
    const replayed: Replayed = {
      of,
      owner,
      maker: new VerdictMaker(),
      holders: new Set(isParent ? [] : [owner.id]),
      used: new Set<number>(),
      asked: [],
      taken: false,
    };
    this.cases.set(of.id, replayed);
    if (isParent) this.world.schedule(this.world.now + LATEST_MS, () => this.withoutPast(replayed));
    return replayed;
  }

  /** An incident that there never was: nobody knows what would have become of its run, so it ends where that asks. */
  private withoutPast(replayed: Replayed): void {
    if (replayed.owner.events.length > 0 || replayed.taken) return;
    replayed.taken = true;
    for (const ask of replayed.asked.splice(0)) ask();
  }

  /** The call really made, with the same input, answers; a call that nobody ever made ends the replay of this run. */
  private answerCall(replayed: Replayed, asked: EventData['ToolRequested']): void {
    const { owner, used, of } = replayed;
    const call = owner.events.find(
      (event) => isOf('ToolRequested', event) && !used.has(event.seq) && isSameCall(event.data, asked),
    );
    if (call === undefined || !isOf('ToolRequested', call)) {
      this.stopHere(replayed);
      return;
    }
    used.add(call.seq);
    const end = owner.events.find(
      (event) => isOf('ToolFinished', event) && event.data.executionId === call.data.executionId,
    );
    if (end === undefined || !isOf('ToolFinished', end)) {
      this.stopHere(replayed);
      return;
    }
    const { runId, executionId, packVersion } = asked;
    const data = { ...end.data, runId, executionId, packVersion };
    const at = Math.max(end.at, this.world.now + (end.at - call.at));
    this.world.schedule(at, () => this.world.append(of, { type: 'ToolFinished', data }, 'executor'));
  }

  /** Calls take seconds, people hours: a run at a call that nobody can answer is over soon, so its case closes. */
  private stopHere({ of, holders, owner }: Replayed): void {
    this.world.schedule(this.world.now, () => {
      const end = owner.events.some(({ type }) => type === 'PlaybookFinished');
      if (!end || holders.size === 0) this.world.close(of, 'RESOLVED');
    });
  }

  private answerWait({ owner, used, of }: Replayed, asked: EventData['ApprovalRequested']): void {
    const answer = owner.events.find(
      (event) => isOf('WaitResolved', event) && event.data.step === asked.step && !used.has(event.seq),
    );
    if (answer === undefined || !isOf('WaitResolved', answer)) return;
    if (!answer.data.by.every((name) => asked.terms.from.includes(name))) return;
    used.add(answer.seq);
    const { runId, waitId } = asked;
    const data = { ...answer.data, runId, waitId, packVersion: of.state.run?.packVersion ?? 0 };
    this.world.schedule(answer.at, () => this.world.append(of, { type: 'WaitResolved', data }, 'api'));
  }
}

const judged = (fate: 'unknown' | 'dropped' | 'merged', reason: string): Judged => ({
  verdict: without(fate, reason),
  traces: NO_TRACES,
});

const isSameCall = (a: EventData['ToolRequested'], b: EventData['ToolRequested']): boolean =>
  a.step === b.step && a.tool === b.tool && isDeepStrictEqual(a.input, b.input);
