/**
 * One seeded scheduler: whatever awaits the outside world (store, log, tool, clock) stands in a line here, and the seed
 * says who goes on. Exactly one continuation runs at a time, and time passes only here.
 */
import type { Random } from './random.js';

/** Something that can crash by itself: its steps wait here under its name. */
export class Process {
  alive = true;
  pausedUntil = 0;
  /** Batches and calls that it has in hand. */
  busy = 0;
  /** How far its wall clock is off, in ms. */
  skewMs = 0;
  constructor(readonly name: string) {}
}

interface Step {
  readonly process: Process;
  readonly run: Run;
  readonly at: number; // not before this time
}

/** What a step does; `QUIET` when nothing of it is still to come, so that the next step may follow at once. */
export type Run = (() => void) | (() => typeof QUIET | undefined);
export const QUIET = Symbol('quiet');

const PACE_MS = 4; // most that one step takes
const DONE = Promise.resolve();

export class Scheduler {
  /** Virtual milliseconds since the start. */
  now = 0;
  steps = 0;
  current: Process;
  /** `before` has set something going: what follows from it comes before the next step. */
  disturbed = false;
  private ready: Step[] = [];
  private sleeping: Step[] = [];
  private nextWake = Number.POSITIVE_INFINITY;

  /** @param before called before each step; answers true when the run is over */
  constructor(
    private readonly random: Random,
    private readonly before: () => boolean,
  ) {
    this.current = new Process('nobody');
  }

  get isIdle(): boolean {
    return this.ready.length === 0;
  }

  /** A choice point: goes on when the seed says so; never, when the process has died. */
  step(process: Process): Promise<void> {
    return new Promise((resolve) => {
      if (process.alive) this.ready.push({ process, run: resolve, at: 0 }); // a dead one's promise goes with who waits for it
    });
  }

  sleep(process: Process, ms: number): Promise<void> {
    return new Promise((resolve) => this.later(process, ms, resolve));
  }

  /** Runs `run` after `ms`; answers what takes it back. */
  timer(process: Process, ms: number, run: () => void): () => void {
    const step = this.later(process, ms, run);
    return () => {
      this.sleeping = this.sleeping.filter((one) => one !== step);
      this.ready = this.ready.filter((one) => one !== step);
    };
  }

  /** Runs `run` after `ms`, as `timer` does, whatever happens meanwhile. */
  later(process: Process, ms: number, run: Run): Step | undefined {
    if (!process.alive) return undefined;
    const step = { process, run, at: this.now + Math.max(0, ms) };
    this.sleeping.push(step);
    this.nextWake = Math.min(this.nextWake, step.at);
    return step;
  }

  /** What waits for the process is gone. */
  drop(process: Process): void {
    process.alive = false;
    this.ready = this.ready.filter((step) => step.process !== process);
    this.sleeping = this.sleeping.filter((step) => step.process !== process);
  }

  /** Runs until `before` says that it is over, or nothing is left to do. */
  run(): Promise<void> {
    return new Promise((resolve, reject) => {
      const next = (): void => process.nextTick(turn);
      const turn = (): void => {
        try {
          for (;;) {
            const step = this.before() ? undefined : this.choose();
            if (step === undefined) {
              resolve();
              return;
            }
            this.current = step.process;
            if (step.run() !== QUIET || this.disturbed) break;
          }
          this.disturbed = false;
        } catch (error) {
          reject(error as Error);
          return;
        }
        // A tick that a microtask asks for comes when all microtasks of this step are done. (`queueMicrotask` makes a
        // resource of each call, and costs several times as much.)
        void DONE.then(next);
      };
      process.nextTick(turn);
    });
  }

  private choose(): Step | undefined {
    for (;;) {
      this.steps++;
      if (this.ready.length === 0) {
        if (this.sleeping.length === 0) return undefined;
        this.now = Math.max(this.now, this.nextWake);
      } else {
        this.now += this.random.next() * PACE_MS;
      }
      if (this.now >= this.nextWake) this.wake();
      const at = this.random.below(this.ready.length);
      const step = this.ready[at];
      if (step === undefined) continue;
      this.ready[at] = this.ready[this.ready.length - 1] as Step;
      this.ready.pop();
      if (step.process.pausedUntil <= this.now) return step;
      this.sleeping.push({ ...step, at: step.process.pausedUntil });
      this.nextWake = Math.min(this.nextWake, step.process.pausedUntil);
    }
  }

  private wake(): void {
    const { sleeping } = this;
    let left = 0;
    this.nextWake = Number.POSITIVE_INFINITY;
    for (const step of sleeping) {
      if (step.at <= this.now) {
        this.ready.push(step);
      } else {
        sleeping[left++] = step;
        this.nextWake = Math.min(this.nextWake, step.at);
      }
    }
    sleeping.length = left;
  }
}
