/** What becomes of one reported exception under one pack, or what really became of it. */
import type { Emission } from '../../core/outcome.js';
import type { RuleTrace } from '../../core/records.js';
import { CALL_EFFECTS, type CallEffect } from '../../core/work.js';

/** Its own case; merged into another one; dropped before triage; refused (a dead letter); unknown: it cannot be told. */
export const FATES = ['case', 'merged', 'dropped', 'refused', 'unknown'] as const;
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

const noCalls = (): Record<CallEffect, number> => ({ read: 0, idempotent: 0, at_most_once: 0 });

const NOTHING: Verdict = {
  ...{ fate: 'case', cases: 1, reason: null, title: null, type: null, category: null, severity: null, effect: null },
  ...{ policy: null, playbook: null, escalation: null, outcome: 'open', held: null, approvals: [], calls: noCalls() },
};

export const without = (fate: Fate, reason: string | null): Verdict => ({ ...NOTHING, fate, reason });

/** Adds up the events of one case. */
export class VerdictMaker {
  traces: Traces = NO_TRACES;
  private told: Verdict = NOTHING;

  get verdict(): Verdict {
    return this.told;
  }

  /** Decided by policy, or ended: what comes later changes no decision. */
  get isDecided(): boolean {
    return this.told.effect !== null || this.told.fate !== 'case' || this.told.outcome !== 'open';
  }

  refuse(code: string, message: string): void {
    if (!this.isDecided) this.add({ fate: 'refused', reason: `${code}: ${message}` });
  }

  note({ type, data }: Emission): void {
    switch (type) {
      case 'ExceptionNormalized':
        this.add({ title: data.exception.title, type: data.exception.type });
        break;
      case 'ExceptionHeld':
        this.add({ held: this.told.held ?? data.rule });
        break;
      case 'ExceptionTriaged':
        this.add({ category: data.triage.category, severity: data.triage.severity });
        this.traces = { ...this.traces, triage: data.triage.explain };
        break;
      case 'PolicyEvaluated':
      case 'CaseSuppressed':
        this.add({ effect: data.policy.effect, policy: data.policy.winner });
        this.traces = { ...this.traces, policy: data.policy.explain };
        if (type === 'CaseSuppressed') this.suppressed(data.policy.reason);
        break;
      case 'PlaybookStarted':
        this.add({ playbook: data.playbook });
        this.traces = { ...this.traces, playbook: data.explain };
        break;
      case 'ApprovalRequested': {
        const { from, quorum } = data.terms;
        this.add({ approvals: [...this.told.approvals, { from, quorum }] });
        break;
      }
      case 'ToolRequested':
        this.add({ calls: { ...this.told.calls, [data.effect]: this.told.calls[data.effect] + 1 } });
        break;
      case 'CaseEscalated': {
        const { code, reason, explain } = data;
        this.add({
          outcome: 'escalated',
          escalation: this.told.escalation ?? code,
          reason: this.told.reason ?? reason,
        });
        if (code === 'NO_PLAYBOOK') this.traces = { ...this.traces, playbook: explain };
        break;
      }
      case 'PlaybookFinished':
        this.add({ outcome: data.outcome });
        break;
      default:
    }
  }

  /** Without a triage it never got so far: a hold ended it. */
  private suppressed(reason: string): void {
    const fate = this.told.category === null ? ({ fate: 'dropped' } as const) : {};
    this.add({ ...fate, outcome: 'suppressed', reason });
  }

  private add(what: Partial<Verdict>): void {
    this.told = { ...this.told, ...what };
  }
}

/** One word for where it came to: the effect of policy for a case of its own. */
export const resultOf = ({ fate, effect }: Verdict): string => (fate === 'case' ? (effect ?? 'undecided') : fate);

export const callsText = (calls: Verdict['calls']): string =>
  CALL_EFFECTS.flatMap((effect) => (calls[effect] === 0 ? [] : [`${calls[effect]} ${effect}`])).join(', ') || 'none';

export const approvalsText = (approvals: readonly Approval[]): string =>
  approvals.map(({ from, quorum }) => `${quorum} of ${from.join(', ')}`).join('; then ') || 'nobody';
