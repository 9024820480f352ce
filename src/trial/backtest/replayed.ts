/** A case of the replay, and an exception of the past that takes part in it. */
import { isClosed } from '../../core/case.js';
import type { NormalizedException } from '../../core/records.js';
import type { TrialCase } from '../case.js';
import type { PastCase, PastEnd, PastEvent } from './past.js';
import { type Judged, VerdictMaker } from './verdict.js';

/** Where an exception of the past came to. */
export type Place = { readonly in: Replayed } | { readonly judged: Judged };

/** An exception of the past under one pack. */
export interface Guest {
  readonly past: PastCase;
  end: PastEnd | null; // how it will really end; null: it never does, or it has
  place: Place | null;
  readonly holds: Replayed[]; // cases that end with it
  further: number; // cases beyond the first that its reports are
}

export const guestOf = (past: PastCase, end: PastEnd | null): Guest => ({
  past,
  end,
  place: null,
  holds: [],
  further: 0,
});

const NO_EVENTS: readonly PastEvent[] = [];
const COUNTED = new VerdictMaker(); // of all cases that were counted: nothing is added to it
const ANY: NormalizedException = {
  ...{ type: '-', title: '', severity: 'info', entity: null, source: '-', occurredAt: '', fingerprint: '', fields: {} },
};

/** A case of the replay, with the exceptions of the past whose reports it took. It hangs on its case, and goes with it. */
export class Replayed {
  maker = new VerdictMaker();
  taken = false; // it was counted; it may still be open
  used: Set<number> | null = null; // answers of the past, by seq
  private holders = 0; // exceptions of the past that will end, and with them this one
  private stays = false; // one that never ends holds it too

  constructor(
    readonly of: TrialCase,
    public owner: PastCase, // whose report began it
    readonly asked: (() => void)[] | null, // of a parent, before the one of the past is known
  ) {}

  /** Nothing of the past holds it any more. */
  get isLoose(): boolean {
    return !this.stays && this.holders === 0;
  }

  /** What is held by an exception that never ends stays open, whatever becomes of others that hold it. */
  heldBy(guest: Guest): void {
    if (guest.end === null) this.stays = true;
    if (guest.end === null || guest.holds.includes(this)) return;
    guest.holds.push(this);
    this.holders += 1;
  }

  letGo(): void {
    this.holders -= 1;
  }

  /** From here on it only takes reports, until it is closed. */
  count(): void {
    this.taken = true;
    this.maker = COUNTED;
    this.slim();
  }

  /** An escalated case may stay open to the end of the replay: what is kept of it is what takes further reports. */
  slim(): void {
    const { of, owner } = this;
    if (of.state.status !== 'ESCALATED' && !isClosed(of.state.status)) return;
    const exception = of.state.exception === null ? null : ANY;
    of.state = { ...of.state, exception, triage: null, policy: null, run: null, feedback: null };
    of.lead = null;
    of.twin = null;
    this.used = null;
    this.owner = { id: owner.id, events: NO_EVENTS };
  }
}
