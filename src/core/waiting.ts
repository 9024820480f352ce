/** What a case waits for before triage. Kept with its exception until the wait is over. */
import type { GroupItem, NormalizedException } from './records.js';

interface AnyWait {
  readonly rule: string;
  readonly place: string; // `sources.yaml:12:5`
  readonly since: number; // epoch ms
  readonly packVersion: number;
}

interface Wait extends AnyWait {
  readonly timerId: string;
  readonly until: number; // it ends then, if nothing more comes
}

/** It is over when its time is; if its source says before that it is over, nobody hears of it. */
export interface Holding extends Wait {
  readonly kind: 'hold';
}

/** A group that takes reports. */
export interface Gathering extends Wait {
  readonly kind: 'accumulate';
  readonly max: number; // reports that it takes
  readonly reports: number; // that it took, ends of single items included
  readonly windowMs: number;
  readonly latest: number; // epoch ms: it ends then, however many come
  readonly items: readonly GroupItem[];
  readonly size: number; // characters of the items
}

/** `member`: for the end of its incident; `parent`: for its members. Who ends it is the incident's correlator. */
export interface Belonging extends AnyWait {
  readonly kind: 'member' | 'parent';
}

/** The exception as the case keeps it. */
export type KeptException = NormalizedException & { readonly waiting?: Holding | Gathering | Belonging };
