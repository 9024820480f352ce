/**
 * The past once more under one pack: reports arrive when they arrived, tools and people answer what they really
 * answered, where they are asked the same; what nobody can know is not guessed, the run stops there.
 */
import { isClosed } from '../../core/case.js';
import type { CaseEvent, EventData } from '../../core/events.js';
import type { StageName } from '../../core/stages.js';
import type { TrialCase } from '../case.js';
import { type Arrived, World } from '../world.js';
import { answerOfPeople, answerOfTool } from './answers.js';
import type { AcceptedBy, PastCase, PastEnd, PastEvent } from './past.js';
import { Refit, type Written } from './refit.js';
import { type Guest, Replayed } from './replayed.js';
import { type Judged, NO_TRACES, without } from './verdict.js';

/** The correlator makes a parent at the latest so long after its member. */
const LATEST_MS = 60_000;

export interface ReplayOptions {
  readonly tenant: string;
  readonly written: Written;
  readonly version: number;
  readonly now: number;
  readonly seenBackMs?: number;
  readonly follows?: { readonly shared: ReadonlySet<StageName> }; // another replay that is told everything first
  readonly leads?: boolean; // another one follows
}

export class Replay {
  readonly world: World;
  private readonly refit: Refit;
  private readonly parents = new Map<string, Replayed>(); // of incidents, by id
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

  /** How much of everything is kept. */
  get kept(): Readonly<Record<string, number>> {
    return { parents: this.parents.size, ...this.world.kept };
  }

  /** A report of `guest` arrives, at the time that the world has come to. `first`: what the replay that leads made of it. */
  report(
    guest: Guest,
    event: PastEvent<'ExceptionIngested'>,
    accepted: AcceptedBy | undefined,
    first: Arrived | null = null,
  ): Arrived | null {
    const { past, place } = guest;
    if (event.data.via === 'reingest') {
      this.workAgain(guest, event.data);
      return null;
    }
    if (event.data.via === 'correlation') {
      this.incident(guest);
      return null;
    }
    const alone = place === null ? past.id : `${past.id}:${event.seq}`;
    const fitted = this.refit.report(event.data, accepted, alone);
    if ('unknown' in fitted) {
      settle(guest, 'unknown', fitted.unknown);
      return null;
    }
    this.beginning = past;
    const told = this.world.report(fitted.data, alone, first);
    this.beginning = null;
    if (told === null) settle(guest, 'dropped', 'it says that something is over which is not open');
    else this.placed(guest, event, told);
    return told;
  }

  private placed(guest: Guest, { data }: PastEvent<'ExceptionIngested'>, { of, arrival }: Arrived): void {
    const replayed = of.note;
    if (!(replayed instanceof Replayed)) return;
    replayed.heldBy(guest);
    this.merged += arrival === 'merged' ? data.count : data.count - 1;
    if (guest.place !== null) {
      if (arrival === 'created') guest.further += 1;
      return;
    }
    if (replayed.owner === guest.past) guest.place = { in: replayed };
    else settle(guest, 'merged', `with ${replayed.owner.id}`);
  }

  /** A parent of the past: the one of the replay is known by its id, which is made of its first member. */
  private incident(guest: Guest): void {
    if (guest.place !== null) return;
    const { past } = guest;
    const replayed = this.parents.get(past.id);
    this.parents.delete(past.id);
    if (replayed === undefined) {
      settle(guest, 'dropped', 'its members are no such incident');
      return;
    }
    replayed.owner = past;
    guest.place = { in: replayed };
    replayed.heldBy(guest);
    askNow(replayed);
  }

  /**
   * `guest` really ended: what it holds in the replay ends with it. But where the pack leaves it to people, and really
   * nobody was asked, it takes as long as people take (`peopleMs`); null: nobody knows, it stays open. What its source
   * ended is ended by that very report, where the pack reads it so.
   */
  end(guest: Guest, how: PastEnd['how'], peopleMs: number | null): void {
    guest.end = null;
    for (const replayed of guest.holds.splice(0)) {
      replayed.letGo();
      const { status } = replayed.of.state;
      if (how === 'source' || !replayed.isLoose || isClosed(status)) continue;
      const isLeft = how !== 'people' && (status === 'ESCALATED' || status === 'WAITING');
      if (!isLeft && how !== 'suppressed') this.close(replayed);
      else if (peopleMs !== null) this.world.schedule(this.world.now + peopleMs, () => this.closeLate(replayed));
    }
  }

  private closeLate(replayed: Replayed): void {
    if (replayed.isLoose && !isClosed(replayed.of.state.status)) this.close(replayed);
  }

  private close({ of }: Replayed): void {
    this.world.close(of, 'RESOLVED');
  }

  /** Whether everything that the pack decides about it is decided. */
  isSettled({ place }: Guest): boolean {
    return place === null || 'judged' in place || place.in.maker.isDecided;
  }

  /** What became of it; after that it is forgotten. */
  take({ place, further }: Guest): Judged {
    if (place === null) return judged('unknown', 'it was not replayed');
    if ('judged' in place) return place.judged;
    const { verdict, traces } = place.in.maker;
    place.in.count();
    return { verdict: further === 0 ? verdict : { ...verdict, cases: 1 + further }, traces };
  }

  private workAgain({ place }: Guest, data: EventData['ExceptionIngested']): void {
    if (place === null || 'judged' in place || place.in.of.state.status !== 'ESCALATED') return;
    this.world.append(place.in.of, { type: 'ExceptionIngested', data }, 'api');
  }

  private refused(of: TrialCase, code: string, message: string): void {
    if (of.note instanceof Replayed && !of.note.taken) of.note.maker.refuse(code, message);
  }

  private heard(of: TrialCase, event: CaseEvent): void {
    const replayed = of.note instanceof Replayed ? of.note : this.begin(of);
    if (replayed === undefined) return;
    if (!replayed.taken) replayed.maker.note(event);
    else if (event.type === 'CaseEscalated') this.world.schedule(this.world.now, () => replayed.slim());
    if (event.type !== 'ToolRequested' && event.type !== 'ApprovalRequested') return;
    const ask = () =>
      event.type === 'ToolRequested' ? this.answerCall(replayed, event.data) : this.answerWait(replayed, event.data);
    if (replayed.owner.id === of.id && replayed.owner.events.length === 0 && !replayed.taken) replayed.asked?.push(ask);
    else ask();
  }

  private begin(of: TrialCase): Replayed | undefined {
    const isParent = of.openKey?.startsWith('incident:') === true;
    const owner = isParent ? { id: of.id, events: [] } : this.beginning;
    if (owner === null) return undefined;
    const replayed = new Replayed(of, owner, isParent ? [] : null);
    of.note = replayed;
    if (isParent) this.parents.set(of.id, replayed);
    if (isParent) this.world.schedule(this.world.now + LATEST_MS, () => this.withoutPast(replayed));
    return replayed;
  }

  /** An incident that there never was: nobody knows what would have become of its run, so it ends where that asks. */
  private withoutPast(replayed: Replayed): void {
    if (replayed.owner.events.length > 0 || replayed.taken) return;
    this.parents.delete(replayed.of.id);
    replayed.count();
    askNow(replayed);
  }

  /** The call really made, with the same input, answers; a call that nobody ever made ends the replay of this run. */
  private answerCall(replayed: Replayed, asked: EventData['ToolRequested']): void {
    const answer = answerOfTool(replayed, asked);
    if (answer === null) {
      this.stopHere(replayed);
      return;
    }
    const { at, tookMs, data } = answer;
    const emission = { type: 'ToolFinished', data } as const;
    this.world.schedule(Math.max(at, this.world.now + tookMs), () =>
      this.world.append(replayed.of, emission, 'executor'),
    );
  }

  /** Calls take seconds, people hours: a run at a call that nobody can answer is over soon, so its case closes. */
  private stopHere(replayed: Replayed): void {
    const ends = replayed.owner.events.some(({ type }) => type === 'PlaybookFinished');
    this.world.schedule(this.world.now, () => {
      if (!ends || replayed.isLoose) this.close(replayed);
    });
  }

  private answerWait(replayed: Replayed, asked: EventData['ApprovalRequested']): void {
    const answer = answerOfPeople(replayed, asked);
    if (answer === null) return;
    const emission = { type: 'WaitResolved', data: answer.data } as const;
    this.world.schedule(answer.at, () => this.world.append(replayed.of, emission, 'api'));
  }
}

const judged = (fate: 'unknown' | 'dropped' | 'merged', reason: string): Judged => ({
  verdict: without(fate, reason),
  traces: NO_TRACES,
});

const askNow = ({ asked }: Replayed): void => {
  for (const ask of asked?.splice(0) ?? []) ask();
};

function settle(guest: Guest, fate: 'unknown' | 'dropped' | 'merged', reason: string): void {
  guest.place ??= { judged: judged(fate, reason) };
}
