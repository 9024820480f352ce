/** Where two verdicts about the same exception differ, and the rule that made the difference. */
import { isDeepStrictEqual } from 'node:util';
import type { RuleTrace } from '../../core/records.js';
import { approvalsText, callsText, type Judged, type Traces, type Verdict } from './verdict.js';

export const FIELDS = [
  'fate',
  'cases',
  'category',
  'severity',
  'effect',
  'playbook',
  'escalation',
  'approvals',
  'calls',
] as const;
export type Field = (typeof FIELDS)[number];

export interface Difference {
  readonly field: Field;
  readonly before: string;
  readonly after: string;
}

/** The rule without which it would have come out the same. */
export interface Cause {
  readonly stage: 'source' | 'triage' | 'policy' | 'playbook';
  readonly rule: string; // its name
  readonly place: string | null; // `triage.yaml:12:5`, in the candidate where it stands there
  readonly why: string;
}

export function differences(before: Verdict, after: Verdict): Difference[] {
  return FIELDS.flatMap((field) => {
    if (isEqual(field, before, after)) return [];
    return [{ field, before: wordOf(field, before), after: wordOf(field, after) }];
  });
}

/** Most are texts. */
export const isEqual = (field: Field, { [field]: one }: Verdict, { [field]: other }: Verdict): boolean =>
  one === other || (typeof one === 'object' && isDeepStrictEqual(one, other));

function wordOf(field: Field, verdict: Verdict): string {
  if (field === 'approvals') return approvalsText(verdict.approvals);
  if (field === 'calls') return callsText(verdict.calls);
  return String(verdict[field] ?? 'none');
}

const STAGES = ['triage', 'policy', 'playbook'] as const;

/** The first rule, in the order of the stages, that matched under one pack only, or said something else. */
export function causeOf(before: Judged, after: Judged): Cause {
  const [old, now] = [before.verdict, after.verdict];
  if (old.fate !== now.fate) return fateCause(old, now);
  for (const stage of STAGES) {
    const cause = stageCause(stage, before.traces[stage], after.traces[stage]);
    if (cause !== null) return cause;
  }
  if (old.cases !== now.cases) {
    const why = `its reports are ${now.cases} cases now; before: ${old.cases}`;
    return { stage: 'source', rule: 'fingerprint', place: null, why };
  }
  if (old.effect !== now.effect) return { stage: 'policy', rule: 'default', place: null, why: 'the default changed' };
  if (old.playbook !== null && old.playbook === now.playbook) {
    return { stage: 'playbook', rule: now.playbook, place: null, why: 'the steps of the playbook changed' };
  }
  return { stage: 'policy', rule: now.policy ?? 'default', place: null, why: 'the terms of its approval changed' };
}

function fateCause(before: Verdict, after: Verdict): Cause {
  const [rule, why] = [after.held ?? before.held, after.reason ?? before.reason];
  if (rule !== null) return { stage: 'source', rule, place: null, why: why ?? 'it is held before triage' };
  const words = {
    case: 'it is a case of its own',
    merged: 'it is merged',
    member: 'it is a member',
    dropped: 'it is dropped',
  } as const;
  const word = after.fate === 'refused' || after.fate === 'unknown' ? (after.reason ?? '') : words[after.fate];
  return { stage: 'source', rule: after.fate, place: null, why: why === null ? word : `${word}: ${why}` };
}

/** What did something: in triage what matched, in policy and playbook only what won. */
function acting(stage: (typeof STAGES)[number], traces: readonly RuleTrace[]): readonly RuleTrace[] {
  const matched = traces.filter((trace) => trace.matched);
  if (stage === 'triage') return matched;
  return stage === 'policy' ? matched.filter(({ note }) => note === undefined) : matched.slice(0, 1);
}

function stageCause(stage: Cause['stage'] & keyof Traces, before: readonly RuleTrace[], after: readonly RuleTrace[]) {
  const [old, now] = [acting(stage, before), acting(stage, after)];
  for (let i = 0; i < Math.max(old.length, now.length); i++) {
    const [was, is] = [old[i], now[i]];
    if (was !== undefined && is !== undefined && sameAct(stage, was, is)) continue;
    return explain(stage, was, is, before, after);
  }
  return null;
}

/** In triage a rule under another name that sets the same makes no difference; of a policy the name is told. */
const sameAct = (stage: (typeof STAGES)[number], a: RuleTrace, b: RuleTrace): boolean =>
  (stage === 'triage' || a.name === b.name) && a.effect === b.effect && isDeepStrictEqual(a.set, b.set);

function explain(
  stage: Cause['stage'],
  was: RuleTrace | undefined,
  is: RuleTrace | undefined,
  before: readonly RuleTrace[],
  after: readonly RuleTrace[],
): Cause {
  const lost = was === undefined ? undefined : after.find(({ name }) => name === was.name);
  if (was !== undefined && lost !== undefined && !lost.matched) {
    return { stage, rule: was.name, place: lost.place, why: `no longer matches: ${falseText(lost)}` };
  }
  if (is === undefined) {
    const rule = was?.name ?? 'default';
    return {
      stage,
      rule,
      place: null,
      why: lost === undefined ? 'it is gone, or a rule before it ends' : 'it no longer wins',
    };
  }
  const known = before.find(({ name }) => name === is.name);
  const { name: rule, place } = is;
  if (known === undefined) return { stage, rule, place, why: 'it is new, or was not reached before, and matches' };
  if (!known.matched) return { stage, rule, place, why: `now matches; before: ${falseText(known)}` };
  return { stage, rule, place, why: was?.name === rule ? 'it says something else now' : 'it wins now' };
}

/** `exception.fields.amount > 1000000 was false (exception.fields.amount = 250000)`. */
export function falseText({ falsePart }: Pick<RuleTrace, 'falsePart'>): string {
  if (falsePart === undefined) return 'it did not match';
  const { expression, values, error } = falsePart;
  const seen = Object.entries(values).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  const ended = error === undefined ? 'was false' : `could not be evaluated: ${error}`;
  return `${expression} ${ended}${seen.length === 0 ? '' : ` (${seen.join(', ')})`}`;
}
