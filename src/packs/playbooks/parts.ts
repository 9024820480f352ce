import { z } from 'zod';
import { type CompileContext, templateAt } from '../context.js';
import type { ScopeCompiler } from '../expressions/compile.js';
import type { Path } from '../expressions/template.js';
import { readShape, refuseLater } from '../shape.js';
import { type CompiledTool, FINISH_OUTCOMES, type Finish, type OnError } from '../types.js';
import type { PackFile } from '../yaml.js';

export const FinishShape = z.strictObject({
  outcome: z.enum(FINISH_OUTCOMES).optional(),
  note: z.unknown().optional(),
});

/** What the parts of one playbook share. */
export interface PlaybookContext extends CompileContext {
  readonly file: PackFile;
  readonly compiler: ScopeCompiler;
  readonly stepIds: readonly string[];
  readonly tools: ReadonlyMap<string, CompiledTool>;
  readonly onError: OnError;
}

/** The `onError` at `path`, undefined where there is none. */
export function onErrorAt(context: CompileContext, file: PackFile, path: Path): OnError | undefined {
  const written = file.at(path);
  if (written === undefined) return undefined;
  if (written === 'undo' || typeof written === 'object') {
    refuseLater(file, path, written === 'undo' ? 'onError: undo' : 'onError: { goto }', context.report);
    return undefined;
  }
  return readShape(file, path, z.enum(['escalate', 'continue']), context.report);
}

/** The `finish` at `path`; without one a run that comes to its end has resolved the exception. */
export function finishAt(context: PlaybookContext, path: Path): Finish {
  const { file } = context;
  if (file.at(path) === undefined) return { outcome: 'resolved', note: null };
  const shape = readShape(file, path, FinishShape, context.report);
  const inner = [...path, 'note'];
  const note = shape?.note === undefined ? null : templateAt(context, context.compiler, file, inner).template;
  return { outcome: shape?.outcome ?? 'resolved', note };
}
