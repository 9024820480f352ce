/** What compiled policies are made of. */
import type { Afterwards, ApprovalTerms, PolicyEffect } from '../../core/records.js';
import type { Condition, Template } from '../expressions/types.js';

export interface CompiledPolicy {
  readonly name: string;
  readonly place: string;
  readonly when: Condition | null;
  readonly effect: PolicyEffect;
  readonly reason: string | null;
  readonly approval: ApprovalTerms | null;
  readonly window: PolicyWindow | null; // null: at any time
  readonly hold: HoldTerms | null;
  readonly budget: PolicyBudget | null;
  readonly playbooks: readonly string[] | null; // the only ones that it lets run; null: any
}

/** A window in time, as one began and ends. Epoch ms. */
export interface WindowTimes {
  readonly from: number;
  readonly until: number;
}

export interface PolicyWindow {
  readonly text: string; // as it is told: `window 0 22 * * 5 for 4h UTC`
  /** The window that `now` lies in, if there is one. */
  at(now: number): WindowTimes | undefined;
}

/** How long a case is held, and what becomes of it then. */
export interface HoldTerms {
  readonly forMs: number | null; // null: until the window's end
  readonly afterwards: Afterwards;
}

/** `escalate` denies, and says that it was for the budget. */
export const OVERS = ['require_approval', 'deny', 'hold', 'escalate', 'suppress'] as const;
export type Over = (typeof OVERS)[number];

export interface PolicyBudget {
  readonly by: { readonly source: string; readonly template: Template } | null; // null: one for all
  readonly limit: number;
  readonly perMs: number;
  readonly over: Over;
}

export interface PolicyDefault {
  readonly place: string;
  readonly effect: PolicyEffect;
  readonly reason: string;
  readonly approval: ApprovalTerms | null;
  readonly hold: HoldTerms | null;
  readonly playbooks: readonly string[] | null;
}
