/** What goes wrong, how often, and which of it a shorter story leaves out. */
import { Random } from './random.js';

/** Faults of a moment: something is done to a process, the log or the store from outside. */
export const WORLD_FAULTS = [
  'crash',
  'zombie',
  'rebalance',
  'rewind',
  'latest',
  'retention',
  'clock',
  'poison',
  'snapshot',
  'restore',
  'pack',
] as const;

/** Faults of a call: what was asked for fails, or seems to. */
export const CALL_FAULTS = [
  'store-refused', // 40001, 40P01, 55P03, a lost connection
  'commit-not-applied',
  'commit-applied', // and the answer is lost
  'publish-refused',
  'publish-partial',
  'publish-twice',
  'ack-lost',
  'record-lost', // acknowledged, and gone with a broker
  'offset-lost', // an offset commit that the broker never got
  'tool-refused',
  'answer-lost',
] as const;

/** What people do. */
export const PEOPLE_FAULTS = [
  'sent-twice',
  'decided-twice',
  'settled-twice',
  'rejected-report',
  'refused-data',
] as const;

export type FaultKind = (typeof WORLD_FAULTS)[number] | (typeof CALL_FAULTS)[number] | (typeof PEOPLE_FAULTS)[number];

/** What of a seed's run is left out: to shorten a story. */
export interface Cut {
  readonly kinds: ReadonlySet<FaultKind>;
  readonly faults: ReadonlySet<number>; // by their number in the run
  readonly cases?: number; // at most so many exceptions
}

export const NO_CUT: Cut = { kinds: new Set(), faults: new Set() };

const MOST = 0.1;
const WORLD_SHARE = 0.12; // a fault from outside at a tenth of all steps would leave no work between them
const TOOLS: ReadonlySet<FaultKind> = new Set(['tool-refused', 'answer-lost']);
const OFTEN: ReadonlySet<FaultKind> = new Set(['rebalance', 'zombie']); // few of them meet somebody in the middle of work
const RARE: ReadonlySet<FaultKind> = new Set(['restore', 'snapshot', 'record-lost']);

/** Half of the kinds of fault take part in a run, each at its own rate: a world with everything hides what few do. */
export class Faults {
  enabled = true;
  fired = 0;
  readonly byKind = new Map<FaultKind, number>();
  private readonly rates = new Map<FaultKind, number>();
  private readonly random: Random;
  private readonly worldRate: number;

  constructor(
    seed: number,
    private readonly cut: Cut,
    private readonly tell: (what: string) => void,
  ) {
    this.random = new Random(seed + 7_919);
    const draw = (kind: FaultKind, share: number): void => {
      const isIn = this.random.chance(RARE.has(kind) ? 0.2 : 0.5);
      const rate = MOST * this.random.next() ** 3 * share;
      if (isIn) this.rates.set(kind, rate);
    };
    for (const kind of WORLD_FAULTS) draw(kind, OFTEN.has(kind) ? 3 * WORLD_SHARE : WORLD_SHARE);
    for (const kind of CALL_FAULTS) draw(kind, TOOLS.has(kind) ? 6 : 1); // few steps are calls of tools
    for (const kind of PEOPLE_FAULTS) draw(kind, kind.startsWith('decided') || kind.startsWith('settled') ? 40 : 6); // few cases wait for people
    this.worldRate = WORLD_FAULTS.reduce((sum, kind) => sum + (this.rates.get(kind) ?? 0), 0);
  }

  /** Whether a fault of this kind happens now. */
  strikes(kind: FaultKind): boolean {
    const rate = this.rates.get(kind);
    return rate !== undefined && this.enabled && this.random.next() < rate && this.takes(kind);
  }

  /** The fault from outside that happens before the next step, if any. */
  fromOutside(): (typeof WORLD_FAULTS)[number] | undefined {
    if (!this.enabled) return undefined;
    let draw = this.random.next();
    if (draw >= this.worldRate) return undefined;
    for (const kind of WORLD_FAULTS) {
      draw -= this.rates.get(kind) ?? 0;
      if (draw < 0) return this.takes(kind) ? kind : undefined;
    }
    return undefined;
  }

  /** Says what the fault did, for the story. */
  note(what: string): void {
    this.tell(`! ${what}`);
  }

  private takes(kind: FaultKind): boolean {
    const number = this.fired++;
    if (this.cut.kinds.has(kind) || this.cut.faults.has(number)) return false;
    this.byKind.set(kind, (this.byKind.get(kind) ?? 0) + 1);
    return true;
  }
}
