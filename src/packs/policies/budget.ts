/** Budgets of policies: how often one may apply within a sliding window, and what holds when that is used up. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type BudgetClaim, MAX_BUDGET } from '../../core/budget.js';
import { type Attempt, attempt } from '../attempt.js';
import { type CompileContext, keyAt } from '../context.js';
import type { ScopeCompiler } from '../expressions/compile.js';
import type { Path } from '../expressions/template.js';
import { textOf } from '../expressions/values.js';
import { durationAt } from '../settings.js';
import { readShape } from '../shape.js';
import type { CompiledPack, CompiledPolicy, PolicyBudget, Scope } from '../types.js';
import type { PackFile } from '../yaml.js';
import { OVERS } from './types.js';

export const BudgetShape = z.strictObject({
  by: z.string().optional(),
  limit: z.number().int().min(1).max(MAX_BUDGET),
  per: z.string(),
  over: z.enum(OVERS),
});

/** The budget at `path`; null where there is none, or where it is wrong (then it is reported). */
export function budgetAt(
  context: CompileContext,
  compiler: ScopeCompiler,
  file: PackFile,
  path: Path,
): PolicyBudget | null {
  if (file.at(path) === undefined) return null;
  const shape = readShape(file, path, BudgetShape, context.report);
  if (shape === undefined) return null;
  const perMs = durationAt(file, [...path, 'per'], context.report);
  const { by, limit, over } = shape;
  const key =
    by === undefined ? null : { source: by.trim(), template: keyAt(context, compiler, file, [...path, 'by']) };
  return perMs === undefined ? null : { by: key, limit, perMs, over };
}

const LONGEST_KEY = 200;

/** The key of the counter that a decision belongs to, or why it cannot be had. A long one is named by its hash. */
export function keyOf({ by }: PolicyBudget, scope: Scope): Attempt<string> {
  if (by === null) return { value: '' };
  return attempt(() => {
    const text = textOf(by.template.render(scope));
    return text.length <= LONGEST_KEY ? text : createHash('sha256').update(text).digest('hex');
  });
}

/** The policies that have a budget. */
export const budgetedOf = (policies: readonly CompiledPolicy[]): CompiledPack['budgeted'] =>
  policies.flatMap((policy) => (policy.budget === null ? [] : [{ ...policy, budget: policy.budget }]));

export const claimOf = (budget: string, key: string, { limit, perMs }: PolicyBudget): BudgetClaim => ({
  ...{ budget, key, limit, perMs },
});
