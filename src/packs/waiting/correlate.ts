/** `correlate` of sources.yaml: which cases belong together under one parent. */
import { z } from 'zod';
import { INCIDENT_ENDS, type IncidentReport, type IncidentTerms, type Joining } from '../../core/incident.js';
import { INCIDENT_RUNS, type RuleTrace } from '../../core/records.js';
import { attempt } from '../attempt.js';
import { type CompileContext, conditionAt, eachIn, keyAt, templateAt } from '../context.js';
import { createScopeCompiler } from '../expressions/compile.js';
import { TRIAGE_SHAPE } from '../expressions/scope.js';
import { placeText } from '../problems.js';
import { triageScope } from '../scope.js';
import { durationAt } from '../settings.js';
import { readShape } from '../shape.js';
import { cut, hashOf } from '../sources/values.js';
import type { CompiledCorrelate, CompiledPack, Scope, TriageScope } from '../types.js';
import type { PackFile } from '../yaml.js';
import { nameOf } from './compile.js';
import { valuesOf } from './decide.js';

const MOST_RULES = 100;
const MOST_KEYS = 10;
const MOST_MIN = 100;
const MOST_TYPE = 200;
const MOST_TITLE = 500;
const MOST_SHOWN = 200;
/** Beyond so many characters the parent is reported without its first member's fields. */
const FIELDS_FIT = 64_000;
const TYPE = 'Incident';

export const CorrelateShape = z.strictObject({
  name: z.string().min(1).optional(),
  when: z.unknown().optional(),
  by: z.array(z.unknown()).min(1).max(MOST_KEYS),
  window: z.unknown(),
  min: z.number().int().min(1).max(MOST_MIN).optional(),
  type: z.string().min(1).max(MOST_TYPE).optional(),
  title: z.string().optional(),
  run: z.enum(INCIDENT_RUNS).optional(),
  resolve: z.enum(INCIDENT_ENDS).optional(),
});

/** In order: the first that matches, and whose `by` can be had. */
export function compileCorrelates(context: CompileContext, file: PackFile | undefined): CompiledCorrelate[] {
  if (file === undefined) return [];
  const compiler = createScopeCompiler(context.library, TRIAGE_SHAPE);
  const names = new Set<string>();
  const rules: CompiledCorrelate[] = [];
  for (const path of eachIn(context, file, ['correlate'], MOST_RULES)) {
    const shape = readShape(file, path, CorrelateShape, context.report);
    const when = conditionAt(context, compiler, file, [...path, 'when']);
    const windowMs = durationAt(file, [...path, 'window'], context.report) ?? 0;
    if (shape === undefined) continue;
    const { min = 1, type = TYPE, run = 'parent', resolve = 'all' } = shape;
    const titled = shape.title === undefined ? null : templateAt(context, compiler, file, [...path, 'title']).template;
    rules.push({
      name: nameOf(context, file, path, shape.name ?? when?.source, names),
      place: placeText(file.place(path)),
      by: shape.by.map((_, index) => keyAt(context, compiler, file, [...path, 'by', index])),
      ...{ when, windowMs, min, type, title: titled, run, resolve },
    });
  }
  return rules;
}

/** What an exception asks to be a member of, and what the rules said; null where none of them takes it. */
export function findIncident(
  pack: CompiledPack,
  scope: TriageScope,
): { readonly joining: Joining | null; readonly explain: RuleTrace[] } {
  const explain: RuleTrace[] = [];
  const names = triageScope(scope);
  for (const rule of pack.correlates) {
    const { name, place } = rule;
    const falsePart = rule.when?.falsePart(names);
    if (falsePart !== undefined) {
      explain.push({ name, place, matched: false, falsePart });
      continue;
    }
    const by = valuesOf(rule.by, names);
    explain.push({ name, place, matched: true, ...(by === undefined && { note: '`by` gives nothing for it' }) });
    if (by !== undefined) return { joining: joiningOf(rule, by, scope, names), explain };
  }
  return { joining: null, explain };
}

function joiningOf(rule: CompiledCorrelate, by: readonly unknown[], scope: TriageScope, names: Scope): Joining {
  const { name, place, windowMs, min, run, resolve } = rule;
  // A rule that says something else from now on makes groups of its own: their members may wait for something else.
  const words = [name, run, resolve, String(min), String(windowMs), rule.type];
  const key = hashOf(...words, ...by.map((value) => JSON.stringify(value)));
  const shown = by.map(shownAs);
  const terms: IncidentTerms = {
    rule: name,
    place,
    key,
    by: shown,
    windowMs,
    min,
    run,
    resolve,
    packVersion: scope.packVersion,
  };
  return { terms, report: reportFor(rule, shown, scope, names), at: scope.now };
}

function reportFor(rule: CompiledCorrelate, by: readonly unknown[], scope: TriageScope, names: Scope): IncidentReport {
  const { severity, occurredAt, fields } = scope.exception;
  const common = by.map(asText).join(', ');
  const written = attempt(() => rule.title?.renderLenient(names)).value;
  const isTitled = typeof written === 'string' && written.trim() !== '';
  const title = cut(isTitled ? written : `${rule.name}: ${common}`, MOST_TITLE);
  const fits = JSON.stringify(fields).length <= FIELDS_FIT;
  return { type: rule.type, title, entity: cut(common, MOST_TITLE), severity, occurredAt, fields: fits ? fields : {} };
}

const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

const shownAs = (value: unknown): unknown => {
  const text = asText(value);
  return text.length > MOST_SHOWN ? cut(text, MOST_SHOWN) : value;
};
