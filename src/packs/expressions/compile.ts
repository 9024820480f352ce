import type { ASTNode, TypeError as CelTypeError, Environment, ParseError, SourceRange } from '@marcbachmann/cel-js';
import type { Condition, Scope } from '../types.js';
import { childrenOf, pathOf } from './ast.js';
import { createCondition } from './condition.js';
import { columnProblems, type ExpressionProblem, inspect } from './inspect.js';
import { type Library, MAX_EXPRESSION_CHARS } from './library.js';
import { requiredPaths, type SeenPath, seenPaths } from './paths.js';
import type { ScopeShape } from './scope.js';
import { messageOf } from './values.js';

/** One parsed expression and the names that it reads. */
export interface Expression {
  readonly source: string;
  readonly names: ReadonlySet<string>;
  readonly required: readonly (readonly string[])[]; // paths without which it can only fail
  readonly reads: readonly SeenPath[]; // whose values are told when it fails
  readonly run: (scope: Scope) => unknown;
}

export interface Checked<T> {
  readonly value?: T; // absent when there are problems
  readonly problems: readonly ExpressionProblem[];
  readonly names: ReadonlySet<string>; // what it reads: `body.batch`, or `body` for the whole
}

/** Compiles the expressions of one place in the pack, where the same names are in scope. */
export interface ScopeCompiler {
  expression(text: string): Checked<Expression>;
  condition(text: string): Checked<Condition>;
}

export function createScopeCompiler(library: Library, shape: ScopeShape): ScopeCompiler {
  // Two environments: one knows the members' types and finds mistakes; the other runs, without paying for them.
  const checking = library.environment.clone();
  const running = library.environment.clone();
  for (const [name, { type, members }] of Object.entries(shape)) {
    if (members === undefined) checking.registerVariable(name, type);
    else checking.registerVariable(name, { schema: { ...members } });
    running.registerVariable(name, 'dyn');
  }
  const check = (text: string, boolean: boolean): { ast?: ASTNode; problems: readonly ExpressionProblem[] } => {
    const parsed = parse(checking, text);
    if (parsed.ast === undefined) return { problems: [parsed.problem] };
    const found = [...inspect(parsed.ast, shape, library), ...columnProblems(parsed.ast, library)];
    const problems = found.length > 0 ? found : typeProblems(parsed.check(), boolean);
    return problems.length > 0 ? { problems } : { ast: parsed.ast, problems };
  };
  const run = (text: string): ((scope: Scope) => unknown) => running.parse(text);
  return {
    expression: (text) => {
      const { ast, problems } = check(text, false);
      if (ast === undefined) return { problems, names: new Set() };
      const names = namesIn(ast);
      const paths = { required: requiredPaths(ast), reads: seenPaths(ast) };
      return { value: { source: text, names, ...paths, run: run(text) }, problems, names };
    },
    condition: (text) => {
      const { ast, problems } = check(text, true);
      if (ast === undefined) return { problems, names: new Set() };
      return { value: createCondition(text, ast, run), problems, names: namesIn(ast) };
    },
  };
}

type Parsed =
  | {
      readonly ast: ASTNode;
      readonly check: () => { valid: boolean; type?: string; error?: ParseError | CelTypeError };
    }
  | { readonly ast?: undefined; readonly problem: ExpressionProblem };

function parse(environment: Environment, text: string): Parsed {
  if (text.trim() === '') {
    return { problem: { code: 'EXPR_SYNTAX', message: 'The expression is empty.', offset: 0 } };
  }
  if (text.length > MAX_EXPRESSION_CHARS) {
    const message = `The expression has ${text.length} characters, at most ${MAX_EXPRESSION_CHARS} are allowed.`;
    return {
      problem: { code: 'EXPR_TOO_LONG', message, offset: 0, hint: 'Split it into several rules, or use a table.' },
    };
  }
  try {
    return environment.parse(text);
  } catch (error) {
    return { problem: parseProblem(error as ParseError) };
  }
}

/** The library gives every error of its parser and type checker a range. */
const startOf = (error: ParseError | CelTypeError): number => (error.range as SourceRange).start;

function parseProblem(error: ParseError): ExpressionProblem {
  const offset = startOf(error);
  if (error.code === 'limit_exceeded') {
    const message = `The expression is too large: ${messageOf(error)}.`;
    return { code: 'EXPR_TOO_DEEP', message, offset, hint: 'Split it into several rules, or use a table.' };
  }
  const forbidden = /Reserved identifier: (__proto__|prototype)/.exec(error.summary);
  if (forbidden !== null) {
    return { code: 'EXPR_FORBIDDEN_NAME', message: `The name \`${forbidden[1]}\` is not allowed.`, offset };
  }
  const why = messageOf(error);
  const message = `Not an expression: ${why}.`;
  const isEscape = why.startsWith('invalid escape sequence');
  return { code: 'EXPR_SYNTAX', message, offset, ...(isEscape && { hint: "Put `r` before the text: r'\\d+'." }) };
}

function typeProblems(
  result: { valid: boolean; type?: string; error?: ParseError | CelTypeError },
  boolean: boolean,
): readonly ExpressionProblem[] {
  if (!result.valid) {
    const error = result.error as CelTypeError;
    return [{ code: 'EXPR_TYPE', message: `Types do not fit: ${messageOf(error)}.`, offset: startOf(error) }];
  }
  if (!boolean || result.type === 'bool' || result.type === 'dyn') return [];
  const hint = 'Compare it with something, for example `… == true`.';
  return [
    { code: 'EXPR_TYPE', message: `A condition must be true or false, this is ${result.type}.`, hint, offset: 0 },
  ];
}

/** What an expression reads: `body.batch` for a member, `body` where it uses the whole. */
function namesIn(ast: ASTNode): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (node: ASTNode): void => {
    const keys = pathOf(node);
    if (keys !== undefined) names.add(keys.slice(0, 2).join('.'));
    else for (const child of childrenOf(node)) visit(child);
  };
  visit(ast);
  return names;
}
