import { z } from 'zod';
import { AFTERWARDS, type Afterwards, EFFECTS, type PolicyEffect } from '../../core/records.js';
import { type CompileContext, conditionAt, eachIn, isNew } from '../context.js';
import { createScopeCompiler, type ScopeCompiler } from '../expressions/compile.js';
import { policyShape } from '../expressions/scope.js';
import type { Path } from '../expressions/template.js';
import { placeText } from '../problems.js';
import { durationAt } from '../settings.js';
import { readShape } from '../shape.js';
import type { Steps } from '../steps.js';
import { MAX_RULES } from '../triage/compile.js';
import type { CompiledPolicy, HoldTerms, PolicyDefault } from '../types.js';
import type { PackFile } from '../yaml.js';
import { compileApproval } from './approval.js';
import { budgetAt } from './budget.js';
import { playbooksAt } from './playbooks.js';
import { windowAt } from './window.js';

export const PoliciesYaml = z.strictObject({ default: z.unknown().optional(), policies: z.unknown().optional() });
export const DefaultShape = z.strictObject({
  effect: z.enum(EFFECTS),
  reason: z.string().optional(),
  approval: z.unknown().optional(),
  for: z.string().optional(),
  afterwards: z.enum(AFTERWARDS).optional(),
  allowPlaybooks: z.array(z.string()).min(1, 'name at least one playbook').optional(),
});
export const PolicyShape = DefaultShape.extend({
  name: z.string().min(1),
  when: z.unknown().optional(),
  window: z.unknown().optional(),
  budget: z.unknown().optional(),
});

export interface CompiledPolicies {
  readonly policies: readonly CompiledPolicy[];
  readonly policyDefault: PolicyDefault;
}

/** Stands in while the pack has problems; a pack with problems is never used. */
const NO_DEFAULT: PolicyDefault = {
  ...{ place: 'policies.yaml:1:1', effect: 'deny', reason: '', approval: null, hold: null, playbooks: null },
};

/** Compiles policies.yaml. `extra` are the words that triage rules set besides their own. */
export function* compilePolicies(
  context: CompileContext,
  file: PackFile | undefined,
  extra: ReadonlySet<string>,
  playbooks: ReadonlySet<string>,
): Steps<CompiledPolicies> {
  const { report } = context;
  if (file !== undefined) readShape(file, [], PoliciesYaml, report);
  if (file?.at(['default']) === undefined) {
    const place = file?.place([]) ?? { file: 'policies.yaml', line: 1, column: 1 };
    const hint = 'Say what happens when no policy matches: default: { effect: deny, reason: no policy allows it }.';
    report.add(place, 'POLICY_NO_DEFAULT', 'The policies have no default.', hint);
  }
  if (file === undefined) return { policies: [], policyDefault: NO_DEFAULT };
  const own = yield* compileAll({ context, file, playbooks }, extra);
  const policyDefault = compileDefault({ context, file, playbooks }, own.some(borrows));
  const { approval } = policyDefault;
  return { policies: own.map((policy) => (borrows(policy) ? { ...policy, approval } : policy)), policyDefault };
}

/** Its budget asks for an approval, and it does not say whose. */
const borrows = ({ approval, budget }: CompiledPolicy): boolean =>
  approval === null && budget?.over === 'require_approval';

/** The file that is compiled, and the names of the pack's playbooks. */
interface Input {
  readonly context: CompileContext;
  readonly file: PackFile;
  readonly playbooks: ReadonlySet<string>;
}

function* compileAll(input: Input, extra: ReadonlySet<string>): Steps<CompiledPolicy[]> {
  const { context, file } = input;
  const compiler = createScopeCompiler(context.library, policyShape(extra));
  const names = new Set<string>();
  const policies: CompiledPolicy[] = [];
  for (const path of eachIn(context, file, ['policies'], MAX_RULES)) {
    yield;
    const policy = compilePolicy(input, compiler, path);
    if (policy === undefined) continue;
    if (isNew(context, names, file, [...path, 'name'], 'RULE_DUPLICATE')) names.add(policy.name);
    policies.push(policy);
  }
  return policies;
}

function compilePolicy(input: Input, compiler: ScopeCompiler, path: Path): CompiledPolicy | undefined {
  const { context, file, playbooks } = input;
  const when = conditionAt(context, compiler, file, [...path, 'when']);
  const shape = readShape(file, path, PolicyShape, context.report);
  if (shape === undefined) return undefined;
  const budget = budgetAt(context, compiler, file, [...path, 'budget']);
  const effects = [shape.effect, ...(budget === null ? [] : [budget.over])];
  return {
    name: shape.name,
    place: placeText(file.place(path)),
    when,
    effect: shape.effect,
    reason: shape.reason ?? null,
    approval: compileApproval(context, file, path, effects),
    window: windowAt(context, file, [...path, 'window']),
    hold: compileHold(context, file, path, shape.effect, effects),
    budget,
    playbooks: playbooksAt(context, file, path, shape.allowPlaybooks, effects, playbooks),
  };
}

/** `lends`: a policy takes over the default's approval, so it means something with any effect. */
function compileDefault({ context, file, playbooks }: Input, lends: boolean): PolicyDefault {
  const path = ['default'];
  if (file.at(path) === undefined) return NO_DEFAULT;
  const shape = readShape(file, path, DefaultShape, context.report);
  if (shape === undefined) return NO_DEFAULT;
  return {
    place: placeText(file.place(path)),
    effect: shape.effect,
    reason: shape.reason ?? 'no policy matches',
    approval: compileApproval(context, file, path, lends ? [shape.effect, 'require_approval'] : [shape.effect]),
    hold: compileHold(context, file, path, shape.effect, [shape.effect]),
    playbooks: playbooksAt(context, file, path, shape.allowPlaybooks, [shape.effect], playbooks),
  };
}

/**
 * How long a policy holds a case: `for`, or until its window ends. `suppress` with `afterwards: reprocess` holds, too: it
 * keeps its rank, and the case is decided anew when the window is over.
 */
function compileHold(
  { report }: CompileContext,
  file: PackFile,
  path: Path,
  effect: PolicyEffect,
  effects: readonly string[],
): HoldTerms | null {
  const afterwards = file.at([...path, 'afterwards']) as Afterwards | undefined;
  const [inWindow, lasts] = [file.at([...path, 'window']) !== undefined, file.at([...path, 'for']) !== undefined];
  const holds = effects.includes('hold') || (effect === 'suppress' && afterwards === 'reprocess');
  if (!holds) {
    const stray = lasts ? 'for' : afterwards !== undefined && effect !== 'suppress' ? 'afterwards' : undefined;
    if (stray === undefined) return null;
    const message = `\`${stray}\` has no meaning with the effect \`${effect}\`.`;
    report.add(file.keyPlace([...path, stray]), 'FIELD_UNKNOWN', message, 'Take it out, or use `effect: hold`.');
    return null;
  }
  if (inWindow === lasts) {
    const message = inWindow
      ? 'A hold lasts to the end of its `window`, or `for` a time, not both.'
      : 'A hold must say for how long.';
    report.add(file.place(path), 'HOLD_TIME', message, 'Write `for: 30m`, or give the policy a `window`.');
    return null;
  }
  const forMs = durationAt(file, [...path, 'for'], report) ?? null;
  return { forMs, afterwards: afterwards ?? 'reprocess' };
}
