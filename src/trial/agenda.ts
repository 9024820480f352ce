/** What is going to happen in a world, and when: timers of its cases, and what its user has put there. */
import type { TimerDraft } from '../core/work.js';
import type { CaseTimer, TrialCase } from './case.js';
import { Heap } from './heap.js';

/** A timer, or what the user of the world has put there. */
export type Due = { readonly timer: TimerDraft; readonly of: TrialCase } | { readonly act: () => void };

export class Agenda {
  private readonly due = new Heap<CaseTimer | (() => void)>();

  /** How much there is to come. */
  get size(): number {
    return this.due.size;
  }

  /** When the next thing is due; infinity when nothing is. */
  get next(): number {
    return this.due.next;
  }

  put(at: number, act: () => void): void {
    this.due.push(at, act);
  }

  set(of: TrialCase, timer: TimerDraft): void {
    const entry = { of, timer };
    of.timers = [...of.timers, entry];
    this.due.push(timer.dueAt, entry);
  }

  /** The case need not be kept until it would have been due. */
  cancel(of: TrialCase, timerId: string): void {
    for (const entry of of.timers) if (entry.timer.timerId === timerId) entry.of = null;
    of.timers = of.timers.filter((entry) => entry.of !== null);
  }

  /** The next thing, with its time; `what` is undefined for a timer that was canceled. */
  take(): { readonly at: number; readonly what: Due | undefined } | undefined {
    const next = this.due.pop();
    if (next === undefined) return undefined;
    const { at, value } = next;
    if (typeof value === 'function') return { at, what: { act: value } };
    const { of, timer } = value;
    if (of === null) return { at, what: undefined };
    of.timers = of.timers.filter((entry) => entry !== value);
    return { at, what: { of, timer } };
  }
}
