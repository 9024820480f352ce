/** What is measured side by side. */
import type { Running } from './processes.js';

export type ContenderName = 'handWritten' | 'bare' | 'millrace';

export interface Contender {
  readonly name: ContenderName;
  readonly about: string;
  readonly firstGuess: number; // exceptions/s, until it was measured
  /** Starts its processes. */
  open(profile: string | undefined): Promise<Opened>;
}

export interface Opened {
  readonly processes: readonly Running[]; // one per hop or worker: what its CPU time is taken from
  /** Exceptions accepted and stored, their first events kept back. `release` publishes those all at once. */
  prepare(count: number): Promise<{ release(): Promise<void> }>;
  /** One exception, as it arrives; answers its id once it is accepted. */
  send(): Promise<string>;
  /** How many have come to their end since the contender was made. */
  finished(): Promise<number>;
  /** When these were resolved, by the journal, and when the last stage had them; ms, the database's clock. */
  endings(ids: readonly string[]): Promise<ReadonlyMap<string, Ending>>;
  close(): Promise<void>;
}

export interface Ending {
  readonly resolvedAt: number;
  readonly lastAt: number;
}
