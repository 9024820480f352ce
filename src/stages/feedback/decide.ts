/** Feedback: captures how a case ended, and counts it for every rule, policy and playbook that had a part in it. */
import type { CaseState } from '../../core/case.js';
import type { CaseEvent } from '../../core/events.js';
import { advance, ignore, type Outcome, type Tally } from '../../core/outcome.js';
import type { PolicyEffect, RuleTrace } from '../../core/records.js';
import type { FeedbackRecord } from '../../core/run.js';

type Ending = CaseEvent<'PlaybookFinished' | 'CaseEscalated' | 'CaseSuppressed'>;

/** What an ending says of itself; the rest is read from the case. */
interface Told {
  readonly outcome: string;
  readonly note: string | null;
  readonly playbook: string | null;
  readonly explain: readonly RuleTrace[];
  readonly packVersion: number | null;
}

/** What had a part in it. */
interface Used {
  readonly rules: string[];
  readonly policies: string[];
  readonly effect: PolicyEffect | null;
  readonly playbook: string | null;
}

const ESCALATED = 'escalated';
const MOST_TRACES = 50; // the case's row stays small; the event has all of them

/** Works on closed cases too: they are what it is for. An escalation is no end, so a later outcome is captured over it. */
export function decide(state: CaseState, event: Ending, _facts: null, now: number): Outcome {
  const before = state.feedback;
  if (before !== null && before.outcome !== ESCALATED)
    return ignore(`the outcome was captured before: ${before.outcome}`);
  const { outcome, note, playbook, explain, packVersion } = toldBy(event);
  const durationMs = Math.max(0, now - state.createdAt);
  const used = usedBy(state, playbook);
  const captured = { outcome, note, durationMs, used };
  return advance({
    set: { feedback: { explain: explain.slice(0, MOST_TRACES), packVersion, ...captured } },
    tally: tallyOf(captured),
    emit: [{ type: 'FeedbackCaptured', data: captured }],
  });
}

function toldBy({ type, data }: Ending): Told {
  switch (type) {
    case 'PlaybookFinished':
      return { explain: [], ...data };
    case 'CaseEscalated':
      return { outcome: ESCALATED, note: data.reason, ...data };
    case 'CaseSuppressed': {
      const { reason, explain, packVersion } = data.policy;
      return { outcome: 'suppressed', note: reason, playbook: null, explain: explain.filter(isMatched), packVersion };
    }
  }
}

const usedBy = ({ triage, policy }: CaseState, playbook: string | null): Used => ({
  rules: namesOf(triage?.explain),
  policies: namesOf(policy?.explain),
  effect: policy?.effect ?? null,
  playbook,
});

function tallyOf({ outcome, durationMs, used }: Pick<FeedbackRecord, 'outcome' | 'durationMs' | 'used'>): Tally[] {
  const entry = (kind: Tally['kind']) => (name: string) => ({ kind, name, outcome, durationMs });
  const playbooks = used.playbook === null ? [] : [used.playbook];
  return [...used.rules.map(entry('rule')), ...used.policies.map(entry('policy')), ...playbooks.map(entry('playbook'))];
}

const isMatched = ({ matched }: RuleTrace): boolean => matched;
const namesOf = (explain: readonly RuleTrace[] = []): string[] => explain.filter(isMatched).map(({ name }) => name);
