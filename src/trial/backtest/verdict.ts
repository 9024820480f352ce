/** What becomes of one reported exception under one pack, or what really became of it. */
import type { EventData } from '../../core/events.js';
import type { Emission } from '../../core/outcome.js';
import type { RuleTrace } from '../../core/records.js';
import { CALL_EFFECTS, type CallEffect } from '../../core/work.js';

/** Its own case; merged into another one; a member that waits for its incident; dropped before triage; refused (a dead letter); unknown: it cannot be told. */
export const FATES = ['case', 'merged', 'member', 'dropped', 'refused', 'unknown'] as const;
export type Fate = (typeof FATES)[number];

/** The rules that were tried, by the stage that tried them. */
export interface Traces {
  readonly triage: readonly RuleTrace[];
  readonly policy: readonly RuleTrace[];
  readonly playbook: readonly RuleTrace[];
}
export const NO_TRACES: Traces = { triage: [], policy: [], playbook: [] };

export interface Approval {
  readonly from: readonly string[]; // people
  readonly quorum: number;
}

export interface Verdict {
  readonly fate: Fate;
  readonly cases: number; // how many cases its reports are in the end; only reports that were one case are split
  readonly reason: string | null; // of a fate other than `case`, or of an escalation
  readonly title: string | null;
  readonly type: string | null;
  readonly category: string | null;
  readonly severity: string | null;
  readonly effect: string | null;
  readonly policy: string | null; // the one that won; null: the default
  readonly playbook: string | null;
  readonly escalation: string | null; // the code of the first one
  readonly outcome: string; // resolved, escalated, suppressed, canceled, open
  readonly held: string | null; // the rule that held it before triage
  readonly approvals: readonly Approval[];
  readonly calls: Readonly<Record<CallEffect, number>>;
}

/** A verdict with the rules that led to it. */
export interface Judged {
  readonly verdict: Verdict;
  readonly traces: Traces;
}

type Draft = { -readonly [K in keyof Verdict]: Verdict[K] };

const NO_CALLS: Verdict['calls'] = { read: 0, idempotent: 0, at_most_once: 0 };
const NO_APPROVALS: Verdict['approvals'] = [];

// Written out, and changed in place: every case of the past has several of them.
const nothing = (fate: Fate, reason: string | null): Draft => ({
  fate,
  cases: 1,
  reason,
  title: null,
  type: null,
  category: null,
  severity: null,
  effect: null,
  policy: null,
  playbook: null,
  escalation: null,
  outcome: 'open',
  held: null,
  approvals: NO_APPROVALS,
  calls: NO_CALLS,
});

export const without = (fate: Fate, reason: string | null): Verdict => nothing(fate, reason);

/** Adds up the events of one case. */
export class VerdictMaker {
  private readonly tried: { -readonly [K in keyof Traces]: Traces[K] } = { triage: [], policy: [], playbook: [] };
  private readonly told = nothing('case', null);
  private waits = false; // as a member, once there is an incident

  get traces(): Traces {
    return this.tried;
  }

  get verdict(): Verdict {
    return this.told;
  }

  /** Decided by policy, or ended: what comes later changes no decision. */
  get isDecided(): boolean {
    return this.told.effect !== null || this.told.fate !== 'case' || this.told.outcome !== 'open';
  }

  refuse(code: string, message: string): void {
    if (this.isDecided) return;
    this.told.fate = 'refused';
    this.told.reason = `${code}: ${message}`;
  }

  note({ type, data }: Emission): void {
    const { told, tried } = this;
    switch (type) {
      case 'ExceptionNormalized':
        told.title = data.exception.title;
        told.type = data.exception.type;
        this.member(false, null);
        break;
      case 'ExceptionCorrelated':
        this.waits = data.run === 'parent';
        break;
      case 'IncidentJoined':
        if (this.waits) this.member(true, data.rule);
        break;
      case 'ExceptionHeld':
        told.held ??= data.rule;
        break;
      case 'ExceptionTriaged':
        told.category = data.triage.category;
        told.severity = data.triage.severity;
        tried.triage = data.triage.explain;
        break;
      case 'PolicyEvaluated':
      case 'CaseSuppressed':
        told.effect = data.policy.effect;
        told.policy = data.policy.winner;
        tried.policy = data.policy.explain;
        if (type === 'CaseSuppressed') this.suppressed(data.policy.reason);
        break;
      case 'PlaybookStarted':
        told.playbook = data.playbook;
        tried.playbook = data.explain;
        break;
      case 'ApprovalRequested': {
        const { from, quorum } = data.terms;
        told.approvals = [...told.approvals, { from, quorum }];
        break;
      }
      case 'ToolRequested':
        told.calls = { ...told.calls, [data.effect]: told.calls[data.effect] + 1 };
        break;
      case 'CaseEscalated':
        this.escalated(data);
        break;
      case 'PlaybookFinished':
        told.outcome = data.outcome;
        break;
      default:
    }
  }

  /** It waits for an incident; or there was none, and it goes its own way. */
  private member(isOne: boolean, rule: string | null): void {
    const { told } = this;
    this.waits = false;
    if (!isOne && told.fate !== 'member') return;
    told.fate = isOne ? 'member' : 'case';
    told.reason = isOne ? 'it waits for its incident' : null;
    told.held = rule;
  }

  private escalated({ code, reason, explain }: EventData['CaseEscalated']): void {
    this.told.outcome = 'escalated';
    this.told.escalation ??= code;
    this.told.reason ??= reason;
    if (code === 'NO_PLAYBOOK') this.tried.playbook = explain;
  }

  /** Without a triage it never got so far: a hold ended it. */
  private suppressed(reason: string): void {
    if (this.told.category === null) this.told.fate = 'dropped';
    this.told.outcome = 'suppressed';
    this.told.reason = reason;
  }
}

/** One word for where it came to: the effect of policy for a case of its own. */
export const resultOf = ({ fate, effect }: Verdict): string => (fate === 'case' ? (effect ?? 'undecided') : fate);

export const callsText = (calls: Verdict['calls']): string =>
  CALL_EFFECTS.flatMap((effect) => (calls[effect] === 0 ? [] : [`${calls[effect]} ${effect}`])).join(', ') || 'none';

export const approvalsText = (approvals: readonly Approval[]): string =>
  approvals.map(({ from, quorum }) => `${quorum} of ${from.join(', ')}`).join('; then ') || 'nobody';
