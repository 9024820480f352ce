import { DEFAULT_PRIORITY } from '../core/records.js';
import type { PlaybookScope, PolicyScope, Scope, StepScope, TriageScope } from './types.js';

/** The names of expressions from what a decision knows. `now` becomes a timestamp; a rule's own words join `triage`. */
export const triageScope = ({ exception, seen, tenant, now }: TriageScope): Scope => ({
  exception: exception.items === undefined ? { ...exception, items: [] } : exception,
  seen,
  tenant,
  now: new Date(now),
});

export const policyScope = (scope: PolicyScope): Scope => {
  const { extra, category, severity, confidence, labels, priority = DEFAULT_PRIORITY, by } = scope.triage;
  return { ...triageScope(scope), triage: { ...extra, category, severity, confidence, labels, priority, by } };
};

export const playbookScope = (scope: PlaybookScope): Scope => ({ ...policyScope(scope), policy: scope.policy });

/** Every step of the playbook is there, those that have not run as `{}`. */
export function stepScope(scope: StepScope, stepIds: readonly string[]): Scope {
  const steps: Record<string, unknown> = {};
  for (const id of stepIds) steps[id] = scope.steps[id] ?? {};
  return { ...playbookScope(scope), steps, run: scope.run };
}
