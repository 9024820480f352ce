import { describe, expect, it } from 'vitest';
import { decideApproval, type OpenApproval, type WaitDecision } from './approval.js';
import { ProblemError } from './errors.js';
import type { ApprovalTerms } from './records.js';

const TERMS: ApprovalTerms = {
  from: ['ann', 'bob', 'eve'],
  quorum: 1,
  notRequester: false,
  timeoutMs: 3_600_000,
  onTimeout: 'escalate',
};

interface Changes extends Partial<Omit<OpenApproval, 'terms'>> {
  readonly terms?: Partial<ApprovalTerms>;
}

const approval = ({ terms, ...rest }: Changes = {}): OpenApproval => ({
  status: 'open',
  expiresAt: 10_000,
  requester: null,
  decisions: [],
  ...rest,
  terms: { ...TERMS, ...terms },
});

const by = (name: string, decision: WaitDecision['decision'] = 'approved', at = 5_000): WaitDecision => ({
  by: name,
  decision,
  comment: null,
  at,
});

function refusalOf(
  open: OpenApproval,
  decision: WaitDecision,
): { code: string; status: number; hint: string | undefined } {
  try {
    decideApproval(open, decision);
  } catch (error) {
    if (error instanceof ProblemError) {
      return { code: error.problem.code, status: error.status, hint: error.problem.hint };
    }
    throw error;
  }
  throw new Error('The decision was taken.');
}

describe('an approval', () => {
  it('is settled by one approval when the quorum is one', () => {
    expect(decideApproval(approval(), by('ann'))).toEqual({ decisions: [by('ann')], settled: 'approved' });
  });

  it('stays open until the quorum is reached', () => {
    const two = approval({ terms: { quorum: 2 } });
    const first = decideApproval(two, by('ann'));
    expect(first).toEqual({ decisions: [by('ann')], settled: null });
    const second = decideApproval({ ...two, decisions: first.decisions }, by('bob'));
    expect(second).toEqual({ decisions: [by('ann'), by('bob')], settled: 'approved' });
  });

  it('is settled by one rejection, whatever the quorum', () => {
    const open = approval({ terms: { quorum: 3 }, decisions: [by('ann')] });
    const settled = decideApproval(open, by('bob', 'rejected'));
    expect(settled).toEqual({ decisions: [by('ann'), by('bob', 'rejected')], settled: 'rejected' });
  });

  it('can still be decided in the moment in which it expires', () => {
    expect(decideApproval(approval(), by('ann', 'approved', 10_000)).settled).toBe('approved');
  });

  it('can be decided by its requester where four eyes are not asked for', () => {
    expect(decideApproval(approval({ requester: 'ann' }), by('ann')).settled).toBe('approved');
  });

  it('can be decided by another than its requester where four eyes are asked for', () => {
    const open = approval({ requester: 'ann', terms: { notRequester: true } });
    expect(decideApproval(open, by('bob')).settled).toBe('approved');
  });

  it.each<[string, number, OpenApproval, WaitDecision]>([
    ['ALREADY_DECIDED', 409, approval({ status: 'decided' }), by('ann')],
    ['APPROVAL_EXPIRED', 410, approval(), by('ann', 'approved', 10_001)],
    ['NOT_AN_APPROVER', 403, approval(), by('mallory')],
    ['FOUR_EYES', 403, approval({ requester: 'ann', terms: { notRequester: true } }), by('ann')],
    ['ALREADY_DECIDED', 409, approval({ terms: { quorum: 2 }, decisions: [by('ann')] }), by('ann')],
  ])('is refused with %s (%d)', (code, status, open, decision) => {
    expect(refusalOf(open, decision)).toMatchObject({ code, status });
  });

  it('names those who may decide to one who may not', () => {
    expect(refusalOf(approval(), by('mallory')).hint).toBe('Ask one of: ann, bob, eve.');
  });
});
