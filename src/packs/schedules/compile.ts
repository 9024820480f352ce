import { z } from 'zod';
import { type CompileContext, eachIn, isNew, templateAt } from '../context.js';
import { cronAt } from '../cron.js';
import { createScopeCompiler, type ScopeCompiler } from '../expressions/compile.js';
import { SCHEDULE_SHAPE } from '../expressions/scope.js';
import type { Path } from '../expressions/template.js';
import { placeText, suggestion } from '../problems.js';
import { readShape } from '../shape.js';
import type { CompiledSchedule, Template } from '../types.js';
import type { PackFile } from '../yaml.js';

const MAX_SCHEDULES = 200;
export const ScheduleShape = z.strictObject({
  name: z.string().min(1).max(100),
  cron: z.string(),
  tz: z.string().optional(),
  overlap: z.enum(['skip', 'allow']).optional(),
  missed: z.enum(['once', 'none']).optional(),
  type: z.string(),
  severity: z.string().optional(),
  title: z.string().optional(),
  entity: z.string().optional(),
  fields: z.record(z.string(), z.unknown()).optional(),
});
const PARTS = ['type', 'severity', 'title', 'entity', 'fields'] as const;

/** Compiles `schedules` of sources.yaml. */
export function compileSchedules(context: CompileContext, file: PackFile | undefined): readonly CompiledSchedule[] {
  if (file === undefined) return [];
  const compiler = createScopeCompiler(context.library, SCHEDULE_SHAPE);
  const known = new Map<string, CompiledSchedule>();
  for (const path of eachIn(context, file, ['schedules'], MAX_SCHEDULES)) {
    const schedule = compileSchedule(context, compiler, file, path);
    if (schedule === undefined) continue;
    if (isNew(context, known, file, [...path, 'name'], 'SCHEDULE_DUPLICATE')) known.set(schedule.name, schedule);
  }
  return [...known.values()];
}

function compileSchedule(
  context: CompileContext,
  compiler: ScopeCompiler,
  file: PackFile,
  path: Path,
): CompiledSchedule | undefined {
  const shape = readShape(file, path, ScheduleShape, context.report);
  if (shape === undefined) return undefined;
  const { name, cron, tz = 'UTC', overlap = 'skip', missed = 'once', severity } = shape;
  const times = cronAt(file, path, context.report);
  if (times === undefined) return undefined;
  const words = context.settings.severities;
  if (severity !== undefined && !severity.includes('${{') && !words.has(severity.toLowerCase())) {
    const message = `\`severity\` cannot be \`${severity}\`.`;
    context.report.add(file.place([...path, 'severity']), 'VALUE_UNKNOWN', message, suggestion(severity, words.keys()));
  }
  const item = new Map<string, Template>();
  for (const part of PARTS) {
    if (shape[part] === undefined) continue;
    item.set(part, templateAt(context, compiler, file, [...path, part]).template);
  }
  return { name, place: placeText(file.place(path)), cron, tz, times, overlap, missed, item };
}
