/** The words about dead letters that store, runtime and API share. */
import type { StageName } from './stages.js';

/** `parked`: failed after as many replays as it may have; it still needs a person. The last two are settled. */
export const LETTER_STATUSES = ['open', 'parked', 'replayed', 'discarded'] as const;
export type DeadLetterStatus = (typeof LETTER_STATUSES)[number];

/** A record that people wrote to be sent instead of the one that failed. */
export interface LetterInput {
  readonly key: string | null;
  readonly value: string; // base64
  readonly headers: Readonly<Record<string, string>>;
}

/** One thing that happened to a dead letter. `by` is who did it; `note` the code, or the reason that was given. */
export interface LetterStep {
  readonly at: number; // epoch ms
  readonly what: 'failed' | 'edited' | 'replayed' | 'discarded';
  readonly by: string | null;
  readonly note: string | null;
}

/** Which letters of a tenant are meant; what is absent does not matter. */
export interface LetterFilter {
  readonly status?: readonly DeadLetterStatus[];
  readonly stage?: StageName;
  readonly code?: string;
  readonly eventType?: string;
  readonly caseId?: string;
  readonly failedBefore?: number; // epoch ms
}

/** What a person decided about a letter. `parks`: it may not be replayed once more if it fails again. */
export interface LetterSettlement {
  readonly tenantId: string;
  readonly deadLetterId: string;
  readonly status: 'replayed' | 'discarded';
  readonly by: string;
  readonly reason: string | null;
  readonly parks: boolean;
}
