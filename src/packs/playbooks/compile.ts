import { z } from 'zod';
import { type CompileContext, conditionAt, eachIn } from '../context.js';
import { createScopeCompiler } from '../expressions/compile.js';
import { playbookShape, stepShape } from '../expressions/scope.js';
import { placeText } from '../problems.js';
import { laterWords, readShape } from '../shape.js';
import type { CompiledPlaybook, CompiledStep, CompiledTool } from '../types.js';
import type { PackFile } from '../yaml.js';
import { checkGraph } from './graph.js';
import { finishAt, onErrorAt, type PlaybookContext } from './parts.js';
import { compileStep, stepIdsOf } from './steps.js';

const MAX_STEPS = 500;

export const PlaybookShape = z.strictObject({
  playbook: z
    .string()
    .regex(/^[a-z][A-Za-z0-9_-]{0,99}$/, 'use letters, digits, `-` and `_`, starting with a small letter'),
  description: z.string().optional(),
  when: z.unknown().optional(),
  priority: z.number().int().min(-1_000_000).max(1_000_000).optional(),
  steps: z.array(z.unknown()).min(1, 'name at least one step'),
  finish: z.unknown().optional(),
  onError: z.unknown().optional(),
});
const LATER = laterWords('key', 'input', 'verify', 'schedule', 'schedules', 'set');

/** Compiles one file of playbooks/. */
export function compilePlaybook(
  context: CompileContext,
  file: PackFile,
  extra: ReadonlySet<string>,
  tools: ReadonlyMap<string, CompiledTool>,
): CompiledPlaybook | undefined {
  const shape = readShape(file, [], PlaybookShape, context.report, LATER);
  const when = conditionAt(context, createScopeCompiler(context.library, playbookShape(extra)), file, ['when']);
  const stepIds = stepIdsOf(file);
  const compiler = createScopeCompiler(context.library, stepShape(extra, stepIds));
  const onError = onErrorAt(context, file, ['onError']) ?? 'escalate';
  const inner: PlaybookContext = { ...context, file, compiler, stepIds, tools, onError };
  const steps = eachIn(context, file, ['steps'], MAX_STEPS).map((path) => compileStep(inner, path));
  const finish = finishAt(inner, ['finish']);
  if (shape === undefined || steps.includes(undefined)) return undefined;
  checkGraph(context, file, steps as CompiledStep[]);
  return {
    name: shape.playbook,
    place: placeText(file.place([])),
    when,
    priority: shape.priority ?? 0,
    steps: steps as CompiledStep[],
    finish,
    onError,
  };
}
