import type { ScopeCompiler } from './expressions/compile.js';
import type { Library } from './expressions/library.js';
import { compileTemplate, type Encode, type Path } from './expressions/template.js';
import type { Report } from './problems.js';
import type { Settings } from './settings.js';
import { wordFor } from './shape.js';
import type { Condition, Template } from './types.js';
import type { PackFile } from './yaml.js';

/** What every part of the compiler shares. */
export interface CompileContext {
  readonly report: Report;
  readonly library: Library;
  readonly settings: Settings;
  readonly names: Set<string>; // what the expressions compiled so far read: `seen.in1h`, `exception.type`
}

/** The condition at `path`; null where there is none, or where it is wrong (then it is reported). */
export function conditionAt(
  context: CompileContext,
  compiler: ScopeCompiler,
  file: PackFile,
  path: Path,
): Condition | null {
  const written = file.at(path);
  if (written === undefined) return null;
  const text = typeof written === 'boolean' ? String(written) : written;
  if (typeof text !== 'string') {
    context.report.add(file.place(path), 'VALUE_TYPE', `A condition must be text, not ${wordFor(text)}.`);
    return null;
  }
  if (text.trim().startsWith('${{')) {
    const hint = 'Write it bare: `when: exception.type == …`.';
    context.report.add(file.place(path), 'EXPR_SYNTAX', `A condition stands without \`\${{ }}\`.`, hint);
    return null;
  }
  const { value, problems, names } = compiler.condition(text);
  for (const name of names) context.names.add(name);
  for (const problem of problems) {
    context.report.add(file.place(path, problem.offset), problem.code, problem.message, problem.hint);
  }
  return value ?? null;
}

export interface PlacedTemplate {
  readonly template: Template;
  readonly names: ReadonlySet<string>;
}

/** The template at `path`, its problems reported. */
export function templateAt(
  context: CompileContext,
  compiler: ScopeCompiler,
  file: PackFile,
  path: Path,
  encode?: (path: Path) => Encode | undefined,
): PlacedTemplate {
  const { value, problems, names } = compileTemplate(compiler, file.at(path), encode);
  for (const name of names) context.names.add(name);
  for (const problem of problems) {
    const place = file.place([...path, ...problem.path], problem.offset);
    context.report.add(place, problem.code, problem.message, problem.hint);
  }
  return { template: value, names };
}

/** The bare expression at `path` that gives a key, such as `exception.fields.namespace`. */
export function keyAt(context: CompileContext, compiler: ScopeCompiler, file: PackFile, path: Path): Template {
  const written = file.at(path);
  const bare = typeof written === 'string' && !written.includes('${{');
  if (!bare) {
    const hint = 'Write it bare: `exception.fields.namespace`.';
    context.report.add(file.place(path), 'EXPR_SYNTAX', `A key is one expression, without \`\${{ }}\`.`, hint);
  }
  const { value, problems, names } = compileTemplate(compiler, bare ? `\${{${written}}}` : '');
  for (const name of names) context.names.add(name);
  for (const problem of problems) {
    const place = file.place(path, Math.max(0, problem.offset - '${{'.length));
    context.report.add(place, problem.code, problem.message, problem.hint);
  }
  return value;
}

/** The values of a list at `path`, one after the other; what is no list is reported and gives none. */
export function eachIn(context: CompileContext, file: PackFile, path: Path, most: number): readonly Path[] {
  const list = file.at(path);
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) {
    context.report.add(file.place(path), 'VALUE_TYPE', `\`${path.at(-1)}\` must be a list, not ${wordFor(list)}.`);
    return [];
  }
  if (list.length > most) {
    const message = `\`${path.at(-1)}\` has ${list.length} entries, at most ${most} are allowed.`;
    context.report.add(file.place(path), 'TOO_MANY', message, 'Move what repeats into a table and use `lookup`.');
    return [];
  }
  return list.map((_, index) => [...path, index]);
}

/** Reports a name that stands twice; true when it is new. */
export function isNew(
  context: CompileContext,
  known: ReadonlySet<string> | ReadonlyMap<string, unknown>,
  file: PackFile,
  path: Path,
  code: string,
): boolean {
  const name = String(file.at(path));
  if (!known.has(name)) return true;
  context.report.add(file.place(path), code, `The name \`${name}\` stands twice.`, 'Give each its own name.');
  return false;
}
