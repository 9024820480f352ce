import { z } from 'zod';
import { conditionAt, templateAt } from '../context.js';
import { compileTemplate, type Path } from '../expressions/template.js';
import { approvalAt } from '../policies/approval.js';
import { placeText, suggestion } from '../problems.js';
import { durationAt } from '../settings.js';
import { laterWords, readShape } from '../shape.js';
import { BLOCKS, LATER_BLOCKS } from '../tools/blocks.js';
import { checkAddress, unknownBlock } from '../tools/compile.js';
import { encoderFor } from '../tools/encode.js';
import { checkWith } from '../tools/params.js';
import { retryAt } from '../tools/retry.js';
import type { ApproveStep, CompiledStep, FinishStep, ToolStep } from '../types.js';
import type { PackFile } from '../yaml.js';
import { finishAt, onErrorAt, type PlaybookContext } from './parts.js';

export const StepShape = z.strictObject({
  id: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, 'use letters, digits and `_`, so that steps.<id> can be written'),
  description: z.string().optional(),
  if: z.unknown().optional(),
  use: z.string().optional(),
  with: z.unknown().optional(),
  approve: z.unknown().optional(),
  rejected: z.unknown().optional(),
  finish: z.unknown().optional(),
  retry: z.unknown().optional(),
  timeout: z.unknown().optional(),
  onError: z.unknown().optional(),
});
type StepShape = z.infer<typeof StepShape>;
const LATER = laterWords(
  'wait',
  'ask',
  'delay',
  'parallel',
  'forEach',
  'switch',
  'set',
  'call',
  'undo',
  'accumulate',
  'verify',
);
const MAX_LOOPS = 100;
export const RejectedShape = z.strictObject({
  goto: z.string(),
  max: z.number().int().min(1).max(MAX_LOOPS).optional(),
});

const KINDS = ['use', 'approve', 'finish'] as const;
/** Words that belong to one kind of step only. */
const KIND_OF_WORD: Readonly<Record<string, (typeof KINDS)[number]>> = {
  with: 'use',
  retry: 'use',
  timeout: 'use',
  rejected: 'approve',
};

/** The ids of a playbook's steps, before the steps themselves are compiled: expressions may name any of them. */
export function stepIdsOf(file: PackFile): readonly string[] {
  const steps = file.at(['steps']);
  if (!Array.isArray(steps)) return [];
  return steps.map((step: { id?: unknown } | null) => step?.id).filter((id) => typeof id === 'string');
}

/** Compiles the step at `path`; undefined when its shape is wrong. */
export function compileStep(context: PlaybookContext, path: Path): CompiledStep | undefined {
  const { file, report } = context;
  const shape = readShape(file, path, StepShape, report, LATER);
  const condition = conditionAt(context, context.compiler, file, [...path, 'if']);
  const onError = onErrorAt(context, file, [...path, 'onError']) ?? context.onError;
  if (shape === undefined) return undefined;
  const kinds = KINDS.filter((kind) => shape[kind] !== undefined);
  const kind = kinds[0];
  if (kind === undefined || kinds.length > 1) {
    report.add(file.place(path), 'STEP_KIND', `Step \`${shape.id}\` must have one of use, approve, finish.`);
    return undefined;
  }
  checkWords(context, path, shape, kind);
  const base = { id: shape.id, place: placeText(file.place(path)), if: condition, onError, stepIds: context.stepIds };
  if (kind === 'use') return { ...base, kind: 'tool', ...compileUse(context, path, shape.use as string) };
  if (kind === 'approve') return { ...base, kind: 'approve', ...compileApprove(context, path, shape.id) };
  return { ...base, kind: 'finish', finish: finishAt(context, [...path, 'finish']) } satisfies FinishStep;
}

function checkWords({ file, report }: PlaybookContext, path: Path, shape: StepShape, kind: string): void {
  for (const [word, owner] of Object.entries(KIND_OF_WORD)) {
    if (owner === kind || shape[word as keyof StepShape] === undefined) continue;
    const hint = word === 'timeout' ? 'For an approval write it inside `approve`.' : 'Take it out.';
    report.add(file.keyPlace([...path, word]), 'FIELD_UNKNOWN', `\`${word}\` has no meaning beside \`${kind}\`.`, hint);
  }
}

function compileUse(
  context: PlaybookContext,
  path: Path,
  use: string,
): Pick<ToolStep, 'use' | 'with' | 'retry' | 'timeoutMs'> {
  const { file, report, tools } = context;
  const inner = [...path, 'with'];
  const params = tools.get(use)?.params ?? BLOCKS.get(use)?.inputs;
  if (params !== undefined) checkWith(context, file, inner, use, params);
  else unknownUse(context, [...path, 'use'], use);
  if (BLOCKS.get(use)?.takesConnection) checkAddress(context, file, inner, false);
  return {
    use,
    with:
      file.at(inner) === undefined
        ? compileTemplate(context.compiler, {}).value
        : templateAt(context, context.compiler, file, inner, encoderFor(use)).template,
    retry: retryAt(context, file, [...path, 'retry']) ?? null,
    timeoutMs: durationAt(file, [...path, 'timeout'], report) ?? null,
  };
}

/** A misspelt block is told as a block, anything else as a tool. */
function unknownUse(context: PlaybookContext, path: Path, use: string): void {
  const { file, report, tools } = context;
  const hint = suggestion(use, [...tools.keys(), ...BLOCKS.keys()]);
  const isBlock = [...BLOCKS.keys()].some((name) => hint === `Did you mean \`${name}\`?`);
  if (isBlock || LATER_BLOCKS.has(use)) unknownBlock(context, file, path, use);
  else report.add(file.place(path), 'TOOL_UNKNOWN', `There is no tool \`${use}\`.`, hint);
}

function compileApprove(
  context: PlaybookContext,
  path: Path,
  id: string,
): Pick<ApproveStep, 'title' | 'terms' | 'rejected'> {
  const { file, compiler } = context;
  const inner = [...path, 'approve'];
  const title = file.at([...inner, 'title']);
  return {
    title:
      typeof title === 'string'
        ? templateAt(context, compiler, file, [...inner, 'title']).template
        : compileTemplate(compiler, `Step ${id} asks for approval`).value,
    terms: approvalAt(context, file, inner) ?? NO_TERMS,
    rejected: compileRejected(context, [...path, 'rejected'], id),
  };
}

function compileRejected({ file, report, stepIds }: PlaybookContext, path: Path, id: string): ApproveStep['rejected'] {
  if (file.at(path) === undefined) return null;
  const shape = readShape(file, path, RejectedShape, report, laterWords('finish'));
  if (shape === undefined) return null;
  const target = stepIds.indexOf(shape.goto);
  if (target === -1) {
    const hint = suggestion(shape.goto, stepIds);
    report.add(file.place([...path, 'goto']), 'STEP_UNKNOWN', `There is no step \`${shape.goto}\`.`, hint);
  } else if (target <= stepIds.indexOf(id) && shape.max === undefined) {
    const message = `A rejection goes back to \`${shape.goto}\` without end.`;
    report.add(file.place(path), 'LOOP_UNBOUNDED', message, 'Say how often: rejected: { goto: …, max: 3 }.');
  }
  return { goto: shape.goto, max: shape.max ?? MAX_LOOPS };
}

/** Stands in while the pack has problems; a pack with problems is never used. */
const NO_TERMS: ApproveStep['terms'] = {
  from: [],
  quorum: 1,
  notRequester: false,
  timeoutMs: 1,
  onTimeout: 'escalate',
};
