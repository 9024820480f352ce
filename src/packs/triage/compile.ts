import { z } from 'zod';
import { PRIORITIES, type TriageRecord } from '../../core/records.js';
import { type CompileContext, conditionAt, eachIn, isNew, templateAt } from '../context.js';
import { createScopeCompiler, type ScopeCompiler } from '../expressions/compile.js';
import { TRIAGE_SHAPE } from '../expressions/scope.js';
import type { Path } from '../expressions/template.js';
import { placeText, suggestion } from '../problems.js';
import { laterWords, readShape } from '../shape.js';
import { severityOf } from '../sources/values.js';
import type { Steps } from '../steps.js';
import type { Template, TriageRule } from '../types.js';
import type { PackFile } from '../yaml.js';

export const MAX_RULES = 10_000;

export const TriageYaml = z.strictObject({ triage: z.unknown().optional() });
export const RuleShape = z.strictObject({
  name: z.string().min(1),
  when: z.unknown().optional(),
  set: z.record(z.string(), z.unknown()),
  continue: z.boolean().optional(),
});
const LATER = laterWords('brain', 'window');
type Priority = NonNullable<TriageRecord['priority']>;
/** Words of the triage record that rules cannot set. */
const RESERVED = new Set(['by', 'explain', 'extra', 'packVersion']);
const WORD = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Compiles triage.yaml. */
export function* compileTriage(context: CompileContext, file: PackFile | undefined): Steps<TriageRule[]> {
  if (file === undefined) return [];
  readShape(file, [], TriageYaml, context.report);
  const compiler = createScopeCompiler(context.library, TRIAGE_SHAPE);
  const names = new Set<string>();
  const rules: TriageRule[] = [];
  for (const path of eachIn(context, file, ['triage'], MAX_RULES)) {
    yield;
    const shape = readShape(file, path, RuleShape, context.report, LATER);
    const when = conditionAt(context, compiler, file, [...path, 'when']);
    if (shape === undefined) continue;
    if (isNew(context, names, file, [...path, 'name'], 'RULE_DUPLICATE')) names.add(shape.name);
    rules.push({
      name: shape.name,
      place: placeText(file.place(path)),
      when,
      set: compileSet(context, compiler, file, [...path, 'set']),
      continues: shape.continue ?? false,
    });
  }
  return rules;
}

function compileSet(context: CompileContext, compiler: ScopeCompiler, file: PackFile, path: Path) {
  const set = new Map<string, Template>();
  for (const key of Object.keys(file.at(path) as object)) {
    const inner = [...path, key];
    if (RESERVED.has(key) || !WORD.test(key)) {
      context.report.add(
        file.keyPlace(inner),
        'NAME_RESERVED',
        `\`${key}\` cannot be set by a rule.`,
        'Choose another word.',
      );
      continue;
    }
    const { template } = templateAt(context, compiler, file, inner);
    if (template.constant) checkConstant(context, file, inner, key);
    set.set(key, template);
  }
  return set;
}

/** What is written out is checked now; what an expression gives is checked when the rule sets it. */
function checkConstant(context: CompileContext, file: PackFile, path: Path, key: string): void {
  const value = file.at(path);
  const problem = setProblem(key, value, (severity) => severityOf(context.settings.severities, severity) !== undefined);
  if (problem === undefined) return;
  const hint = key === 'severity' ? suggestion(String(value), context.settings.severities.keys()) : undefined;
  context.report.add(file.place(path), 'VALUE_INVALID', problem, hint);
}

const isPriority = (value: unknown): value is Priority => PRIORITIES.some((priority) => priority === value);

/** What is wrong with a value for a word of the triage record; undefined when it may be set. */
export function setProblem(key: string, value: unknown, isSeverity: (value: unknown) => boolean): string | undefined {
  if (key === 'category' && (typeof value !== 'string' || value === ''))
    return `\`category\` must be text, not ${JSON.stringify(value)}.`;
  if (key === 'severity' && !isSeverity(value)) return `\`severity\` cannot be ${JSON.stringify(value)}.`;
  if (key === 'confidence' && !(typeof value === 'number' && value >= 0 && value <= 1)) {
    return `\`confidence\` must be a number from 0 to 1, not ${JSON.stringify(value)}.`;
  }
  if (key === 'priority' && !isPriority(value)) {
    return `\`priority\` must be a whole number from 1 (first) to 5 (last), not ${JSON.stringify(value)}.`;
  }
  const isTexts = Array.isArray(value) && value.every((item) => typeof item === 'string');
  if (key === 'labels' && !isTexts) return `\`labels\` must be a list of texts, not ${JSON.stringify(value)}.`;
  return undefined;
}
