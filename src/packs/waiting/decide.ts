/** Which exceptions wait before triage: those that are held, and those that become part of a group. */
import type { NormalizedException, RuleTrace } from '../../core/records.js';
import { attempt } from '../attempt.js';
import type { Template } from '../expressions/types.js';
import { triageScope } from '../scope.js';
import { hashOf } from '../sources/values.js';
import type { CompiledAccumulate, CompiledHold, CompiledPack, GroupKey, Scope, TriageScope } from '../types.js';

/** The first hold whose condition is true, and what the others said. */
export function findHold(
  pack: CompiledPack,
  scope: TriageScope,
): { readonly hold: CompiledHold | null; readonly explain: RuleTrace[] } {
  const explain: RuleTrace[] = [];
  if (pack.holds.length === 0) return { hold: null, explain };
  const names = triageScope(scope);
  for (const hold of pack.holds) {
    const { name, place } = hold;
    const falsePart = hold.when?.falsePart(names);
    explain.push({ name, place, matched: falsePart === undefined, ...(falsePart && { falsePart }) });
    if (falsePart === undefined) return { hold, explain };
  }
  return { hold: null, explain };
}

/** The group that an exception belongs to: of the first rule that matches and whose keys can all be had. */
export function groupOf(pack: CompiledPack, exception: NormalizedException, now: number): GroupKey | undefined {
  const names: Scope = { exception: Object.assign({}, exception, { items: [] }), now: new Date(now) };
  for (const rule of pack.accumulates) {
    if (rule.when?.falsePart(names) !== undefined) continue;
    const keys = keysOf(rule, names);
    if (keys !== undefined) return { rule: rule.name, key: `group:${hashOf(rule.name, ...keys)}`, max: rule.max };
  }
  return undefined;
}

/** What is missing identifies nothing: such an exception is no part of a group. */
function keysOf(rule: CompiledAccumulate, names: Scope): string[] | undefined {
  return valuesOf(rule.by, names)?.map((key) => JSON.stringify(key));
}

/** Undefined where one is missing. */
export function valuesOf(by: readonly Template[], names: Scope): readonly unknown[] | undefined {
  const values = by.map((template) => attempt(() => template.renderLenient(names)).value ?? null);
  return values.includes(null) ? undefined : values;
}
