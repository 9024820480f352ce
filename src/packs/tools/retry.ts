import { z } from 'zod';
import { RETRY_CAUSES, RETRY_PROFILES } from '../../core/backoff.js';
import type { RetryProfile } from '../../core/work.js';
import type { CompileContext } from '../context.js';
import type { Path } from '../expressions/template.js';
import { suggestion } from '../problems.js';
import { durationAt } from '../settings.js';
import { readShape } from '../shape.js';
import type { PackFile } from '../yaml.js';

export const RetryShape = z.strictObject({
  tries: z.number().int().min(1).max(100),
  first: z.unknown().optional(),
  factor: z.number().min(1).max(10).optional(),
  max: z.unknown().optional(),
  jitter: z.number().min(0).max(1).optional(),
  on: z.array(z.unknown()).optional(),
});

/** The retry profile at `path`: a name (RETRY_UNKNOWN) or `{ tries, first, factor, max, jitter, on }`. */
export function retryAt(context: CompileContext, file: PackFile, path: Path): RetryProfile | undefined {
  const written = file.at(path);
  if (written === undefined) return undefined;
  if (typeof written === 'string') {
    const profiles: Readonly<Record<string, RetryProfile>> = RETRY_PROFILES;
    if (Object.hasOwn(profiles, written)) return profiles[written];
    const hint = suggestion(written, Object.keys(profiles));
    context.report.add(file.place(path), 'RETRY_UNKNOWN', `There is no retry profile \`${written}\`.`, hint);
    return undefined;
  }
  const shape = readShape(file, path, RetryShape, context.report);
  const firstMs = durationAt(file, [...path, 'first'], context.report);
  const maxMs = durationAt(file, [...path, 'max'], context.report);
  if (shape === undefined) return undefined;
  const base = RETRY_PROFILES.block;
  return {
    tries: shape.tries,
    firstMs: firstMs ?? base.firstMs,
    factor: shape.factor ?? base.factor,
    maxMs: maxMs ?? Math.max(base.maxMs, firstMs ?? 0),
    jitter: shape.jitter ?? base.jitter,
    on: shape.on === undefined ? base.on : causes(context, file, [...path, 'on'], shape.on),
  };
}

/** YAML reads 429 as a number: both ways of writing it are meant. */
function causes(context: CompileContext, file: PackFile, path: Path, written: readonly unknown[]): readonly string[] {
  const known: readonly string[] = RETRY_CAUSES;
  const names = written.map(String);
  for (const [index, name] of names.entries()) {
    if (known.includes(name)) continue;
    context.report.add(
      file.place([...path, index]),
      'VALUE_UNKNOWN',
      `Unknown cause \`${name}\`.`,
      suggestion(name, known),
    );
  }
  return names;
}
