import { z } from 'zod';
import type { ApprovalTerms, PolicyEffect } from '../../core/records.js';
import { type CompileContext, conditionAt, eachIn, isNew } from '../context.js';
import { createScopeCompiler } from '../expressions/compile.js';
import { policyShape } from '../expressions/scope.js';
import type { Path } from '../expressions/template.js';
import { placeText } from '../problems.js';
import { laterWords, readShape, refuseLater } from '../shape.js';
import { MAX_RULES } from '../triage/compile.js';
import type { CompiledPolicy, PolicyDefault } from '../types.js';
import type { PackFile } from '../yaml.js';
import { approvalAt } from './approval.js';

const PoliciesYaml = z.strictObject({ default: z.unknown().optional(), policies: z.unknown().optional() });
const Effect = z.enum(['suppress', 'deny', 'require_approval', 'allow']);
const PolicyShape = z.strictObject({
  name: z.string().min(1),
  when: z.unknown().optional(),
  effect: Effect,
  reason: z.string().optional(),
  approval: z.unknown().optional(),
});
const DefaultShape = z.strictObject({
  effect: Effect,
  reason: z.string().optional(),
  approval: z.unknown().optional(),
});
const LATER = laterWords('window', 'budget', 'for', 'allowPlaybooks');

export interface CompiledPolicies {
  readonly policies: readonly CompiledPolicy[];
  readonly policyDefault: PolicyDefault;
}

/** Stands in while the pack has problems; a pack with problems is never used. */
const NO_DEFAULT: PolicyDefault = { place: 'policies.yaml:1:1', effect: 'deny', reason: '', approval: null };

/** Compiles policies.yaml. `extra` are the words that triage rules set besides their own. */
export function compilePolicies(
  context: CompileContext,
  file: PackFile | undefined,
  extra: ReadonlySet<string>,
): CompiledPolicies {
  const { report } = context;
  if (file !== undefined) readShape(file, [], PoliciesYaml, report);
  if (file?.at(['default']) === undefined) {
    const place = file?.place([]) ?? { file: 'policies.yaml', line: 1, column: 1 };
    const hint = 'Say what happens when no policy matches: default: { effect: deny, reason: no policy allows it }.';
    report.add(place, 'POLICY_NO_DEFAULT', 'The policies have no default.', hint);
  }
  if (file === undefined) return { policies: [], policyDefault: NO_DEFAULT };
  const policies = compileAll(context, file, extra);
  return { policies, policyDefault: compileDefault(context, file) };
}

function compileAll(context: CompileContext, file: PackFile, extra: ReadonlySet<string>): CompiledPolicy[] {
  const compiler = createScopeCompiler(context.library, policyShape(extra));
  const names = new Set<string>();
  const policies: CompiledPolicy[] = [];
  for (const path of eachIn(context, file, ['policies'], MAX_RULES)) {
    const when = conditionAt(context, compiler, file, [...path, 'when']);
    if (isHold(context, file, path)) continue;
    const shape = readShape(file, path, PolicyShape, context.report, LATER);
    if (shape === undefined) continue;
    if (isNew(context, names, file, [...path, 'name'], 'RULE_DUPLICATE')) names.add(shape.name);
    policies.push({
      name: shape.name,
      place: placeText(file.place(path)),
      when,
      effect: shape.effect,
      reason: shape.reason ?? null,
      approval: compileApproval(context, file, path, shape.effect),
    });
  }
  return policies;
}

function compileDefault(context: CompileContext, file: PackFile): PolicyDefault {
  const path = ['default'];
  if (file.at(path) === undefined || isHold(context, file, path)) return NO_DEFAULT;
  const shape = readShape(file, path, DefaultShape, context.report, LATER);
  if (shape === undefined) return NO_DEFAULT;
  return {
    place: placeText(file.place(path)),
    effect: shape.effect,
    reason: shape.reason ?? 'no policy matches',
    approval: compileApproval(context, file, path, shape.effect),
  };
}

function isHold(context: CompileContext, file: PackFile, path: Path): boolean {
  if (file.at([...path, 'effect']) !== 'hold') return false;
  refuseLater(file, [...path, 'effect'], 'effect: hold', context.report);
  return true;
}

function compileApproval(
  context: CompileContext,
  file: PackFile,
  path: Path,
  effect: PolicyEffect,
): ApprovalTerms | null {
  const inner = [...path, 'approval'];
  const present = file.at(inner) !== undefined;
  if (effect === 'require_approval') {
    if (present) return approvalAt(context, file, inner) ?? null;
    const hint = 'For example approval: { from: [group:desk] }.';
    context.report.add(file.place(path), 'FIELD_MISSING', '`approval` must say who may approve.', hint);
  } else if (present) {
    const message = `\`approval\` has no meaning with the effect \`${effect}\`.`;
    context.report.add(
      file.keyPlace(inner),
      'FIELD_UNKNOWN',
      message,
      'Take it out, or use `effect: require_approval`.',
    );
  }
  return null;
}
