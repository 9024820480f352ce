/**
 * Why a rule, policy or playbook had no part in a case, also one that was never tried because an earlier one ended it:
 * its condition is evaluated once more, on what was known at that moment.
 */
import type { RuleTrace, TriageRecord } from '../core/records.js';
import {
  type CompiledPack,
  type Condition,
  playbookScope,
  policyScope,
  type Scope,
  suggestion,
  triageScope,
} from '../packs/index.js';
import type { Explanation, ToldEvent, Tried } from './explained.js';

/** What is known of a case's past, for a condition. */
interface Known {
  readonly triage: Scope | null;
  readonly policy: Scope | null;
  readonly playbook: Scope | null;
}

export type WhyNot =
  | { readonly found: Tried; readonly answer: string }
  | { readonly found: null; readonly answer: string };

/** `explained` are the events' own records: what they say of the rule is what really happened. */
export function whyNot(
  name: string,
  pack: CompiledPack,
  tenant: string,
  events: readonly ToldEvent[],
  explained: Explanation,
): WhyNot {
  const recorded = explained.parts.flatMap(({ tried }) => tried).findLast((trace) => trace.name === name);
  if (recorded !== undefined) return { found: recorded, answer: answerOf(recorded) };
  const known = knownOf(tenant, events);
  for (const [kind, scope, rules] of [
    ['triage rule', known.triage, pack.triage],
    ['policy', known.policy, pack.policies],
    ['playbook', known.playbook, pack.playbooks],
  ] as const) {
    const rule = rules.find((one) => one.name === name);
    if (rule === undefined) continue;
    if (scope === null) return { found: null, answer: `The case never came so far that the ${kind} could be tried.` };
    const trace = traceOf(rule, scope);
    const found: Tried = { ...trace, kind, decided: false };
    if (!trace.matched) return { found, answer: answerOf(found) };
    return { found, answer: `It would have matched, but it was not tried: ${before(kind)}.` };
  }
  const names = [...pack.triage, ...pack.policies, ...pack.playbooks].map((rule) => rule.name);
  return { found: null, answer: `The pack has nothing of that name. ${suggestion(name, names)}` };
}

const before = (kind: Tried['kind']): string =>
  kind === 'triage rule' ? 'a rule before it ended triage' : 'the case took another way before it';

function answerOf({ matched, decided, kind, note, falsePart }: Tried): string {
  if (decided) return kind === 'triage rule' ? 'It matched.' : 'It matched, and it decided.';
  if (matched) return `It matched, and was passed over: ${note ?? 'another one stands before it'}.`;
  return falsePart?.error === undefined ? 'It did not match.' : 'It did not match, because it could not be evaluated.';
}

interface Rule {
  readonly name: string;
  readonly place: string;
  readonly when: Condition | null;
}

function traceOf({ name, place, when }: Rule, scope: Scope): RuleTrace {
  const falsePart = when?.falsePart(scope);
  return falsePart === undefined ? { name, place, matched: true } : { name, place, matched: false, falsePart };
}

function knownOf(tenant: string, events: readonly ToldEvent[]): Known {
  let known: Known = { triage: null, policy: null, playbook: null };
  let exception: Extract<ToldEvent, { type: 'ExceptionNormalized' }>['data']['exception'] | null = null;
  let triage: TriageRecord | null = null;
  let [count, first, last] = [0, '', ''];
  for (const { type, data, time } of events) {
    if (type === 'ExceptionIngested' && !data.resolve) {
      count += data.count;
      first = first === '' ? time : first;
      last = time;
    }
    if (type === 'ExceptionNormalized') exception = data.exception;
    if (exception === null) continue;
    const seen = exception.history ?? { count, first, last, in1h: count, in24h: count };
    const base = { exception, seen, tenant, now: Date.parse(time), packVersion: 0 };
    if (type === 'ExceptionTriaged') {
      triage = data.triage;
      known = { ...known, triage: triageScope(base) };
    }
    if (triage === null) continue;
    if (type === 'PolicyEvaluated' || type === 'CaseSuppressed') {
      const { policy } = data;
      const playbook = type === 'PolicyEvaluated' ? playbookScope({ ...base, triage, policy }) : null;
      known = { ...known, policy: policyScope({ ...base, triage }), playbook };
    }
  }
  return known;
}
