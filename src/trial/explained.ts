/** What an explanation is made of: plain JSON. */
import type { Emission } from '../core/outcome.js';
import type { RuleTrace } from '../core/records.js';
import type { StageName } from '../core/stages.js';

/** An event as timelines tell it. */
export type ToldEvent = Emission & { readonly seq: number; readonly time: string };

/** One thing that happened, with everything that was weighed for it. */
export interface ExplainedPart {
  readonly stage: StageName | 'people';
  readonly seq: number;
  readonly time: string; // RFC 3339
  readonly what: string; // `settlement, critical, 0.95 sure`
  readonly why: string | null; // in one sentence
  readonly packVersion: number | null;
  readonly tried: readonly Tried[];
}

export interface Tried extends RuleTrace {
  readonly kind: 'intake rule' | 'triage rule' | 'policy' | 'playbook';
  readonly decided: boolean; // this one made the difference: it set something, its effect won, it was chosen
}

export interface Explanation {
  readonly summary: string;
  readonly parts: readonly ExplainedPart[];
}

export type Part = Pick<ExplainedPart, 'stage' | 'what' | 'why'> & Partial<ExplainedPart>;
