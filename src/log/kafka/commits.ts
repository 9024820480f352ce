/**
 * Offsets for the group to begin with, a second late at most. They are advisory: what was consumed stands in Postgres, and
 * who takes a partition over drops what it is given twice. A commit for each batch would be a third of the requests.
 */
import type { EachBatchPayload } from 'kafkajs';
import type { Membership } from './membership.js';

const EVERY_MS = 1_000;

export interface Commits {
  /** Something was resolved. Resolves at once, or when what was resolved so far is committed. */
  note(payload: EachBatchPayload): Promise<void>;
  /** Commits what is left, unless nothing is. */
  end(): Promise<void>;
}

/** A refusal is only noted: the membership says then that it is to join again. */
export function followCommits(membership: Membership): Commits {
  let committedAt = Number.NEGATIVE_INFINITY;
  let last: EachBatchPayload | undefined;
  let timer: NodeJS.Timeout | undefined;
  const commit = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    const payload = last;
    if (payload === undefined) return;
    last = undefined;
    committedAt = performance.now();
    try {
      // Without arguments kafkajs would commit nothing unless autoCommit is on.
      await payload.commitOffsetsIfNecessary(payload.uncommittedOffsets());
    } catch (error) {
      membership.refused(error);
    }
  };
  return {
    async note(payload) {
      last = payload;
      const due = committedAt + EVERY_MS - performance.now();
      if (due <= 0) await commit();
      else timer ??= setTimeout(commit, due).unref();
    },
    end: commit,
  };
}
