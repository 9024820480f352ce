/** Compiles what sources.yaml says of waiting before triage: `hold` and `accumulate`. */
import { z } from 'zod';
import { type CompileContext, conditionAt, eachIn, keyAt } from '../context.js';
import { createScopeCompiler } from '../expressions/compile.js';
import { GATHER_SHAPE, TRIAGE_SHAPE } from '../expressions/scope.js';
import type { Path } from '../expressions/template.js';
import { placeText } from '../problems.js';
import { durationAt } from '../settings.js';
import { readShape } from '../shape.js';
import type { CompiledAccumulate, CompiledHold } from '../types.js';
import type { PackFile } from '../yaml.js';

const MOST_RULES = 100;
const MOST_KEYS = 10;
/** More would not fit the event that carries them all. */
const MOST_ITEMS = 500;
const DEFAULT_MAX = 100;
/** Nothing waits for ever: a debounced group that does not say when it ends, ends after so many windows. */
const DEFAULT_AT_MOST = 10;
const MODES = ['batch', 'debounce'] as const;

export const HoldShape = z.strictObject({
  name: z.string().min(1).optional(),
  when: z.unknown().optional(),
  for: z.unknown(),
});
export const AccumulateShape = z.strictObject({
  name: z.string().min(1).optional(),
  when: z.unknown().optional(),
  by: z.array(z.unknown()).min(1).max(MOST_KEYS),
  window: z.unknown(),
  max: z.number().int().min(1).max(MOST_ITEMS).optional(),
  mode: z.enum(MODES).optional(),
  atMost: z.unknown().optional(),
});

/** `hold`: in order, the first that matches. */
export function compileHolds(context: CompileContext, file: PackFile | undefined): CompiledHold[] {
  if (file === undefined) return [];
  const compiler = createScopeCompiler(context.library, TRIAGE_SHAPE);
  const names = new Set<string>();
  const holds: CompiledHold[] = [];
  for (const path of eachIn(context, file, ['hold'], MOST_RULES)) {
    const shape = readShape(file, path, HoldShape, context.report);
    const when = conditionAt(context, compiler, file, [...path, 'when']);
    const forMs = durationAt(file, [...path, 'for'], context.report) ?? 0;
    if (shape === undefined) continue;
    const name = nameOf(context, file, path, shape.name ?? when?.source, names);
    holds.push({ name, place: placeText(file.place(path)), when, forMs });
  }
  return holds;
}

/** `accumulate`: in order, the first that matches and whose `by` can be had. */
export function compileAccumulates(context: CompileContext, file: PackFile | undefined): CompiledAccumulate[] {
  if (file === undefined) return [];
  const compiler = createScopeCompiler(context.library, GATHER_SHAPE);
  const names = new Set<string>();
  const rules: CompiledAccumulate[] = [];
  for (const path of eachIn(context, file, ['accumulate'], MOST_RULES)) {
    const shape = readShape(file, path, AccumulateShape, context.report);
    const when = conditionAt(context, compiler, file, [...path, 'when']);
    const windowMs = durationAt(file, [...path, 'window'], context.report) ?? 0;
    if (shape === undefined) continue;
    const mode = shape.mode ?? 'batch';
    rules.push({
      name: nameOf(context, file, path, shape.name ?? when?.source, names),
      place: placeText(file.place(path)),
      when,
      by: shape.by.map((_, index) => keyAt(context, compiler, file, [...path, 'by', index])),
      windowMs,
      max: shape.max ?? DEFAULT_MAX,
      mode,
      atMostMs: atMostOf(context, file, [...path, 'atMost'], mode, windowMs),
    });
  }
  return rules;
}

/** A rule without a name is called by its condition: it is what people know it by. */
export function nameOf(
  context: CompileContext,
  file: PackFile,
  path: Path,
  given: string | undefined,
  names: Set<string>,
): string {
  const name = (given ?? 'everything').replace(/\s+/g, ' ').slice(0, 200);
  if (names.has(name)) {
    const hint = 'Give each its own `name`.';
    context.report.add(file.place(path), 'RULE_DUPLICATE', `The name \`${name}\` stands twice.`, hint);
  }
  names.add(name);
  return name;
}

function atMostOf(context: CompileContext, file: PackFile, path: Path, mode: string, windowMs: number): number {
  const given = durationAt(file, path, context.report);
  if (mode === 'batch') {
    if (file.at(path) !== undefined) {
      const message = '`atMost` has no meaning with the mode `batch`.';
      context.report.add(file.keyPlace(path), 'FIELD_UNKNOWN', message, 'Take it out, or use `mode: debounce`.');
    }
    return windowMs;
  }
  if (given !== undefined && given < windowMs) {
    const message = '`atMost` is shorter than the window.';
    context.report.add(file.place(path), 'VALUE_INVALID', message, 'It ends the group however many reports come.');
  }
  return given ?? DEFAULT_AT_MOST * windowMs;
}
