/** The names of expressions. Written out without copies by `...`: those cost microseconds, and a decision makes several scopes. */
import { DEFAULT_PRIORITY, type NormalizedException } from '../core/records.js';
import type { PlaybookScope, PolicyScope, Scope, StepScope, TriageScope } from './types.js';

/** The names of expressions from what a decision knows. `now` becomes a timestamp; a rule's own words join `triage`. */
export const triageScope = ({ exception, seen, tenant, now }: TriageScope): Scope => ({
  exception: withItems(exception),
  seen,
  tenant,
  now: new Date(now),
});

export const policyScope = (scope: PolicyScope): Scope => ({
  exception: withItems(scope.exception),
  seen: scope.seen,
  tenant: scope.tenant,
  now: new Date(scope.now),
  triage: wordsOf(scope),
});

export const playbookScope = (scope: PlaybookScope): Scope => ({
  exception: withItems(scope.exception),
  seen: scope.seen,
  tenant: scope.tenant,
  now: new Date(scope.now),
  triage: wordsOf(scope),
  policy: scope.policy,
});

/** Every step of the playbook is there, those that have not run as `{}`. */
export function stepScope(scope: StepScope, stepIds: readonly string[]): Scope {
  const steps: Record<string, unknown> = {};
  for (const id of stepIds) steps[id] = scope.steps[id] ?? {};
  return {
    exception: withItems(scope.exception),
    seen: scope.seen,
    tenant: scope.tenant,
    now: new Date(scope.now),
    triage: wordsOf(scope),
    policy: scope.policy,
    steps,
    run: scope.run,
  };
}

type Told = Readonly<Record<Exclude<keyof NormalizedException, 'history' | 'incident'>, unknown>>;

function withItems(exception: NormalizedException): object {
  if (exception.items !== undefined) return exception;
  const { type, title, severity, entity, source, occurredAt, fingerprint, fields, history } = exception;
  const told: Told = { type, title, severity, entity, source, occurredAt, fingerprint, fields, items: [] };
  return history === undefined ? told : Object.assign(told, { history });
}

/** What rules set, under the names of the record and their own. */
function wordsOf({ triage }: PolicyScope): Readonly<Record<string, unknown>> {
  const { extra, category, severity, confidence, labels, priority = DEFAULT_PRIORITY, by } = triage;
  const words: Record<string, unknown> = {};
  for (const key of Object.keys(extra)) words[key] = extra[key];
  return Object.assign(words, { category, severity, confidence, labels, priority, by });
}
