/**
 * Offsets for the group to begin with, a second late while there is much, five at most. They are advisory: what was consumed
 * stands in Postgres, and who takes a partition over drops what it is given twice. A commit for each batch would be a third
 * of the requests.
 */
import type { EachBatchPayload } from 'kafkajs';
import type { Membership } from './membership.js';

const EVERY_MS = 1_000;
const FEW_MS = 5_000;
const FEW = 200; // records

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
  let records = 0; // since the last commit
  let timer: NodeJS.Timeout | undefined;
  const commit = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    const payload = last;
    if (payload === undefined) return;
    last = undefined;
    records = 0;
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
      records += payload.batch.messages.length;
      const since = performance.now() - committedAt;
      if (since >= (records > FEW ? EVERY_MS : FEW_MS)) await commit();
      else timer ??= setTimeout(commit, FEW_MS - since).unref();
    },
    end: commit,
  };
}
