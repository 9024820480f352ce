import type { Problem } from '../../core/errors.js';
import type { FalsePart } from '../../core/records.js';
import { type Attempt, attempt, within } from '../attempt.js';
import { textOf } from '../expressions/values.js';
import { stepScope } from '../scope.js';
import type {
  ApproveStep,
  CompiledPack,
  CompiledPlaybook,
  CompiledStep,
  Finish,
  FinishOutcome,
  Scope,
  StepScope,
  Template,
  ToolStep,
} from '../types.js';

export const findPlaybook = (pack: CompiledPack, name: string): CompiledPlaybook | undefined =>
  pack.playbooks.find((playbook) => playbook.name === name);

/**
 * Whether a step runs. With `problem` its `if` could not be evaluated: the step has then failed and was not skipped,
 * because the condition may have been the only thing between the run and an effect.
 */
export interface IfResult {
  readonly run: boolean;
  readonly falsePart?: FalsePart;
  readonly problem?: Problem;
}

export function evaluateIf(step: CompiledStep, scope: StepScope): IfResult {
  const falsePart = step.if?.falsePart(stepScope(scope, step.stepIds));
  if (falsePart === undefined) return { run: true };
  if (falsePart.error === undefined) return { run: false, falsePart };
  const message = `The condition of step \`${step.id}\` could not be evaluated: ${falsePart.error} in ${falsePart.expression}`;
  return { run: false, falsePart, problem: { code: 'EXPR_FAILED', message, path: `${step.id}.if` } };
}

/** A step's `with`, rendered; or what was wrong. */
export function renderWith(step: ToolStep, scope: StepScope): Attempt<unknown> {
  const rendered = attempt(() => step.with.render(stepScope(scope, step.stepIds)));
  return rendered.problem === undefined ? rendered : { problem: within(rendered.problem, step.id, 'with') };
}

/** The question that people read. It never fails: what cannot be rendered is left to the step's name. */
export function renderTitle(step: ApproveStep, scope: StepScope): string {
  return renderText(step.title, stepScope(scope, step.stepIds)) ?? `Step ${step.id} asks for approval`;
}

/** A run's end: its outcome and the note that explains it. A note that cannot be rendered is left out. */
export function renderFinish(
  playbook: CompiledPlaybook,
  finish: Finish,
  scope: StepScope,
): { outcome: FinishOutcome; note: string | null } {
  const ids = playbook.steps.map((step) => step.id);
  const note = finish.note === null ? null : (renderText(finish.note, stepScope(scope, ids)) ?? null);
  return { outcome: finish.outcome, note };
}

function renderText(template: Template, scope: Scope): string | undefined {
  return attempt(() => textOf(template.renderLenient(scope))).value || undefined;
}
