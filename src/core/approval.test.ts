import { describe, expect, it } from 'vitest';
import { decideApproval, type OpenApproval, type WaitDecision } from './approval.js';
import { ProblemError } from './errors.js';

const NOW = Date.UTC(2026, 10, 20);

const approval = (change: Partial<OpenApproval> = {}, terms: Partial<OpenApproval['terms']> = {}): OpenApproval => ({
  status: 'open',
  terms: { from: ['ann', 'bob', 'cat'], quorum: 1, notRequester: false, timeoutMs: 1, onTimeout: 'escalate', ...terms },
  expiresAt: NOW + 1_000,
  requester: 'cat',
  decisions: [],
  ...change,
});
const by = (name: string, decision: WaitDecision['decision'] = 'approved', at = NOW): WaitDecision => ({
  by: name,
  decision,
  comment: null,
  at,
});

describe('a decision settles an approval', () => {
  it.each([
    ['one approval where one is enough', approval(), by('ann'), 'approved'],
    ['the first of two', approval({}, { quorum: 2 }), by('ann'), null],
    ['the second of two', approval({ decisions: [by('bob')] }, { quorum: 2 }), by('ann'), 'approved'],
    ['one rejection, whatever the quorum', approval({}, { quorum: 3 }), by('ann', 'rejected'), 'rejected'],
    [
      'a rejection after an approval',
      approval({ decisions: [by('bob')] }, { quorum: 2 }),
      by('ann', 'rejected'),
      'rejected',
    ],
    ['the last moment', approval(), by('ann', 'approved', NOW + 1_000), 'approved'],
    ['the requester where that is allowed', approval(), by('cat'), 'approved'],
    ['another than the requester', approval({}, { notRequester: true }), by('ann'), 'approved'],
    ['nobody asked for it', approval({ requester: null }, { notRequester: true }), by('ann'), 'approved'],
  ] as const)('%s', (_what, open, decision, settled) => {
    expect(decideApproval(open, decision)).toEqual({ decisions: [...open.decisions, decision], settled });
  });
});

describe('a decision is refused', () => {
  it.each([
    ['after it was settled', approval({ status: 'approved' }), by('ann'), 'ALREADY_DECIDED', 409],
    ['after its time', approval(), by('ann', 'approved', NOW + 1_001), 'APPROVAL_EXPIRED', 410],
    ['by somebody else', approval(), by('dan'), 'NOT_AN_APPROVER', 403],
    ['by its requester where four eyes are asked', approval({}, { notRequester: true }), by('cat'), 'FOUR_EYES', 403],
    [
      'by the same person again',
      approval({ decisions: [by('ann')] }, { quorum: 2 }),
      by('ann'),
      'ALREADY_DECIDED',
      409,
    ],
  ] as const)('%s', (_what, open, decision, code, status) => {
    const decide = () => decideApproval(open, decision);
    expect(decide).toThrow(ProblemError);
    expect(decide).toThrow(expect.objectContaining({ status, problem: expect.objectContaining({ code }) }));
  });
});
