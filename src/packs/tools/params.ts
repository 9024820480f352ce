import type { Problem } from '../../core/errors.js';
import type { CompileContext } from '../context.js';
import type { Path } from '../expressions/template.js';
import { suggestion } from '../problems.js';
import { wordFor } from '../shape.js';
import type { ParamType, ToolParam } from '../types.js';
import type { PackFile } from '../yaml.js';

export type Params = ReadonlyMap<string, ToolParam>;

const TYPE_WORDS: Readonly<Record<ParamType, string>> = {
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  object: 'a map',
  list: 'a list',
  any: 'anything',
};

function fits(type: ParamType, value: unknown): boolean {
  switch (type) {
    case 'integer':
      return Number.isSafeInteger(value);
    case 'object':
      return wordFor(value) === 'a map';
    case 'list':
      return Array.isArray(value);
    case 'any':
      return true;
    default:
      return typeof value === type;
  }
}

/** What is wrong with one value for a parameter; undefined when it fits. */
function valueProblem(name: string, param: ToolParam, value: unknown): Problem | undefined {
  if (!fits(param.type, value)) {
    const message = `\`${name}\` must be ${TYPE_WORDS[param.type]}, not ${wordFor(value)}.`;
    const hint = param.type === 'string' ? `Make it text with "\${{ string(…) }}".` : undefined;
    return { code: 'PARAM_TYPE', message, path: name, ...(hint === undefined ? {} : { hint }) };
  }
  if (param.oneOf === null || param.oneOf.includes(value)) return undefined;
  const message = `\`${name}\` cannot be \`${String(value)}\`.`;
  return { code: 'PARAM_TYPE', message, path: name, hint: suggestion(String(value), param.oneOf.map(String)) };
}

function nameProblem(subject: string, params: Params, name: string): Problem | undefined {
  if (params.has(name)) return undefined;
  const message = `\`${subject}\` has no parameter \`${name}\`.`;
  return { code: 'PARAM_UNKNOWN', message, path: name, hint: suggestion(name, params.keys()) };
}

const missing = (subject: string, name: string): Problem => ({
  code: 'PARAM_MISSING',
  message: `\`${subject}\` needs the parameter \`${name}\`.`,
  path: name,
});

/** The first thing wrong with the values of a call; undefined when all fit. */
export function paramsProblem(
  subject: string,
  params: Params,
  values: Readonly<Record<string, unknown>>,
): Problem | undefined {
  for (const name of Object.keys(values)) {
    const problem = nameProblem(subject, params, name);
    if (problem !== undefined) return problem;
  }
  for (const [name, param] of params) {
    const value = values[name];
    if (value === undefined) {
      if (param.required) return missing(subject, name);
      continue;
    }
    const problem = value === null && !param.required ? undefined : valueProblem(name, param, value);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Checks a written `with`: its names, what is missing, and the types of what is written out. */
export function checkWith(context: CompileContext, file: PackFile, path: Path, subject: string, params: Params): void {
  const { report } = context;
  const written = file.at(path) ?? {};
  if (wordFor(written) !== 'a map') {
    report.add(file.place(path), 'VALUE_TYPE', `\`with\` must be a map, not ${wordFor(written)}.`);
    return;
  }
  const values = written as Readonly<Record<string, unknown>>;
  for (const [name, value] of Object.entries(values)) {
    const unknown = nameProblem(subject, params, name);
    const param = params.get(name);
    const wrong = param === undefined || hasExpression(value) ? undefined : valueProblem(name, param, value);
    if (unknown !== undefined) report.add(file.keyPlace([...path, name]), unknown.code, unknown.message, unknown.hint);
    if (wrong !== undefined) report.add(file.place([...path, name]), wrong.code, wrong.message, wrong.hint);
  }
  for (const [name, param] of params) {
    if (!param.required || values[name] !== undefined) continue;
    const problem = missing(subject, name);
    report.add(file.place(path), problem.code, problem.message);
  }
}

/** What stands alone as an expression gets its type when it is rendered. */
const hasExpression = (value: unknown): boolean => typeof value === 'string' && value.includes('${{');
