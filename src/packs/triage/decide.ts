import type { RuleTrace, Severity, TriageRecord } from '../../core/records.js';
import { attempt } from '../attempt.js';
import { preview } from '../expressions/values.js';
import { type DecideOptions, Traces, tryInOrder } from '../rules.js';
import { triageScope } from '../scope.js';
import { severityOf } from '../sources/values.js';
import type { CompiledPack, Scope, TriageRule, TriageScope } from '../types.js';
import { setProblem } from './compile.js';

/** What the rules have set so far. */
interface Draft {
  category: string | undefined;
  severity: Severity | undefined;
  confidence: number | undefined;
  readonly labels: Set<string>;
  priority: TriageRecord['priority'];
  readonly extra: Record<string, unknown>;
}

/**
 * Tries the triage rules in order: a matching rule's `set` adds up, the first one without `continue` ends it.
 * Nothing matched: category `unknown`, the exception's severity, confidence 0. A rule that names a category without a
 * confidence is sure (1). The record explains the rules.
 */
export function decideTriage(pack: CompiledPack, scope: TriageScope, options: DecideOptions = {}): TriageRecord {
  const names = triageScope(scope);
  const draft: Draft = {
    category: undefined,
    severity: undefined,
    confidence: undefined,
    labels: new Set(),
    priority: undefined,
    extra: {},
  };
  const traces = new Traces(pack.triageIndex, names, options);
  tryInOrder(pack.triage, options.all ? null : pack.triageIndex.candidates(names), traces, (rule) => {
    const { name, place, when } = rule;
    const falsePart = when?.falsePart(names);
    if (falsePart === undefined) traces.matched(apply(pack, rule, names, draft));
    else traces.failed({ name, place, matched: false, falsePart });
    return falsePart !== undefined || rule.continues;
  });
  return {
    category: draft.category ?? 'unknown',
    severity: draft.severity ?? scope.exception.severity,
    confidence: draft.confidence ?? (draft.category === undefined ? 0 : 1),
    labels: [...draft.labels],
    ...(draft.priority !== undefined && { priority: draft.priority }),
    extra: draft.extra,
    by: 'rules',
    explain: traces.done(),
    packVersion: scope.packVersion,
  };
}

/** A value that cannot be had (a missing key) or cannot be used is left out, and the trace says so. */
function apply(pack: CompiledPack, rule: TriageRule, names: Scope, draft: Draft): RuleTrace {
  const set: Record<string, unknown> = {};
  const notes: string[] = [];
  for (const [key, template] of rule.set) {
    const { value, problem } = attempt(() => template.render(names));
    const why =
      problem?.message ??
      (template.constant
        ? undefined
        : // checked when the pack was compiled
          setProblem(key, value, (word) => severityOf(pack.severities, word) !== undefined));
    if (why === undefined) set[key] = assign(pack, draft, key, value);
    else notes.push(`\`${key}\` was not set: ${why}`);
  }
  const trace: RuleTrace = { name: rule.name, place: rule.place, matched: true, set };
  return notes.length === 0 ? trace : { ...trace, note: notes.join('; ') };
}

/** Takes over a checked value; gives what is recorded. */
function assign(pack: CompiledPack, draft: Draft, key: string, value: unknown): unknown {
  switch (key) {
    case 'category':
      draft.category = value as string;
      return value;
    case 'severity':
      draft.severity = severityOf(pack.severities, value);
      return draft.severity;
    case 'confidence':
      draft.confidence = value as number;
      return value;
    case 'priority':
      draft.priority = value as TriageRecord['priority'];
      return value;
    case 'labels':
      for (const label of value as string[]) draft.labels.add(label);
      return value;
    default:
      draft.extra[key] = value;
      return preview(value); // the record has it whole; the trace only shows it
  }
}
