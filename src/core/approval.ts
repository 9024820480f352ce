/** Pure rules of an approval: who may decide, how many it takes, and what a decision comes to. */
import { ProblemError } from './errors.js';
import type { ApprovalTerms } from './records.js';

export interface WaitDecision {
  readonly by: string; // a named principal
  readonly decision: 'approved' | 'rejected';
  readonly comment: string | null;
  readonly at: number; // epoch ms
}

/** An approval as it stands when somebody decides. */
export interface OpenApproval {
  readonly status: string; // `open` while it can be decided
  readonly terms: ApprovalTerms;
  readonly expiresAt: number; // epoch ms
  readonly requester: string | null;
  readonly decisions: readonly WaitDecision[];
}

export interface Decided {
  readonly decisions: readonly WaitDecision[];
  /** Set once it is settled: one rejection settles it, approvals when the quorum is reached. */
  readonly settled: 'approved' | 'rejected' | null;
}

/**
 * Adds one decision. Throws ProblemError: ALREADY_DECIDED (409), APPROVAL_EXPIRED (410), NOT_AN_APPROVER (403),
 * FOUR_EYES (403).
 */
export function decideApproval(approval: OpenApproval, decision: WaitDecision): Decided {
  const { terms, decisions } = approval;
  const { by } = decision;
  if (approval.status !== 'open') {
    throw problem(
      'ALREADY_DECIDED',
      'This approval was decided before.',
      'Look at the timeline of the exception.',
      409,
    );
  }
  if (decision.at > approval.expiresAt) {
    throw problem(
      'APPROVAL_EXPIRED',
      'The time for this approval is over.',
      'The exception was escalated, or will be at once.',
      410,
    );
  }
  if (!terms.from.includes(by)) {
    throw problem(
      'NOT_AN_APPROVER',
      `"${by}" is not among the approvers.`,
      `Ask one of: ${terms.from.join(', ')}.`,
      403,
    );
  }
  if (terms.notRequester && by === approval.requester) {
    throw problem('FOUR_EYES', `"${by}" asked for this and cannot approve it.`, 'Another approver has to decide.', 403);
  }
  if (decisions.some((earlier) => earlier.by === by)) {
    throw problem('ALREADY_DECIDED', `"${by}" has decided before.`, 'Another approver has to decide.', 409);
  }
  const all = [...decisions, decision];
  if (decision.decision === 'rejected') return { decisions: all, settled: 'rejected' };
  return { decisions: all, settled: all.length >= terms.quorum ? 'approved' : null };
}

const problem = (code: string, message: string, hint: string, status: number): ProblemError =>
  new ProblemError({ code, message, hint }, status);
