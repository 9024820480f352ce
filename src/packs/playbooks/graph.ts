import type { CompileContext } from '../context.js';
import type { CompiledStep } from '../types.js';
import type { PackFile } from '../yaml.js';

/** Reports STEP_DUPLICATE and STEP_UNREACHABLE. Loops are bounded where `rejected` is compiled. */
export function checkGraph({ report }: CompileContext, file: PackFile, steps: readonly CompiledStep[]): void {
  const index = new Map<string, number>();
  for (const [at, { id }] of steps.entries()) {
    if (index.has(id)) {
      report.add(
        file.place(['steps', at, 'id']),
        'STEP_DUPLICATE',
        `The step \`${id}\` stands twice.`,
        'Give each its own id.',
      );
    } else {
      index.set(id, at);
    }
  }
  reportUnreachable(report, file, steps, index);
}

function reportUnreachable(
  report: CompileContext['report'],
  file: PackFile,
  steps: readonly CompiledStep[],
  index: ReadonlyMap<string, number>,
): void {
  const reached = new Set<number>();
  const pending = [0];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const step = steps[at];
    if (step === undefined || reached.has(at)) continue;
    reached.add(at);
    if (step.kind === 'approve' && step.rejected !== null) pending.push(index.get(step.rejected.goto) ?? at);
    if (step.kind !== 'finish' || step.if !== null) pending.push(at + 1);
  }
  for (const [at, step] of steps.entries()) {
    if (reached.has(at)) continue;
    const hint = 'A step before it always finishes the run.';
    report.add(file.place(['steps', at]), 'STEP_UNREACHABLE', `No way leads to step \`${step.id}\`.`, hint);
  }
}
