/** Maintenance windows: they begin at the times of a cron pattern and last for a while. */
import { z } from 'zod';
import type { CompileContext } from '../context.js';
import { cronAt } from '../cron.js';
import type { Path } from '../expressions/template.js';
import { durationAt } from '../settings.js';
import { readShape } from '../shape.js';
import type { PolicyWindow, WindowTimes } from '../types.js';
import type { PackFile } from '../yaml.js';

export const WindowShape = z.strictObject({ cron: z.string(), for: z.string(), tz: z.string().optional() });

/** The window at `path`; null where there is none, or where it is wrong (then it is reported). */
export function windowAt({ report }: CompileContext, file: PackFile, path: Path): PolicyWindow | null {
  if (file.at(path) === undefined) return null;
  const shape = readShape(file, path, WindowShape, report);
  if (shape === undefined) return null;
  const lasts = durationAt(file, [...path, 'for'], report);
  const times = cronAt(file, path, report);
  if (times === undefined || lasts === undefined) return null;
  const text = `window ${shape.cron} for ${shape.for} ${shape.tz ?? 'UTC'}`;
  let known: { readonly from: number; readonly next: number } | undefined; // of the last answer: cron takes its time
  const at = (now: number): WindowTimes | undefined => {
    if (known === undefined || now < known.from || now >= known.next) {
      const from = times.previous(now) ?? Number.NEGATIVE_INFINITY;
      known = { from, next: times.next(now) ?? Number.POSITIVE_INFINITY };
    }
    const until = known.from + lasts;
    return now < until ? { from: known.from, until } : undefined;
  };
  return { text, at };
}
