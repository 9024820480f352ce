import { ProblemError } from '../../core/errors.js';
import { attempt, within } from '../attempt.js';
import type { Scope, Template } from '../types.js';
import type { Expression, ScopeCompiler } from './compile.js';
import type { ExpressionProblem } from './inspect.js';
import { missingKey, valueAt } from './paths.js';
import { isMissing, messageOf, preview, textOf, toPlain } from './values.js';

export type Path = readonly (string | number)[];

/** A problem inside a template; `path` leads from the template's value to the text that holds the expression. */
export interface TemplateProblem extends ExpressionProblem {
  readonly path: Path;
}

export interface CheckedTemplate {
  readonly value: Template; // usable only when there are no problems
  readonly problems: readonly TemplateProblem[];
  readonly names: ReadonlySet<string>;
}

/** Makes a value safe for the place in the text where it is put; `before` is the text so far. */
export type Encode = (value: string, before: string) => string;

interface Piece {
  readonly constant: boolean;
  readonly render: (scope: Scope, lenient: boolean) => unknown;
}

/** Compiles a value of YAML with `${{ … }}` in its texts, at any depth. `encode` may differ by the text's path. */
export function compileTemplate(
  compiler: ScopeCompiler,
  value: unknown,
  encode: (path: Path) => Encode | undefined = () => undefined,
): CheckedTemplate {
  const problems: TemplateProblem[] = [];
  const names = new Set<string>();
  const expression = (text: string, offset: number, path: Path): Expression | undefined => {
    const checked = compiler.expression(text);
    for (const name of checked.names) names.add(name);
    problems.push(...checked.problems.map((problem) => ({ ...problem, offset: offset + problem.offset, path })));
    return checked.value;
  };
  const build = (inner: unknown, path: Path): Piece => {
    if (typeof inner === 'string') return textPiece(inner, path, expression, problems, encode(path));
    if (Array.isArray(inner)) return listPiece(inner.map((item, index) => build(item, [...path, index])));
    if (typeof inner === 'object' && inner !== null) {
      return mapPiece(Object.entries(inner).map(([key, item]) => [key, build(item, [...path, key])]));
    }
    return { constant: true, render: () => inner };
  };
  const root = build(value, []);
  const template: Template = {
    constant: root.constant,
    source: typeof value === 'string' ? value : JSON.stringify(value),
    render: (scope) => root.render(scope, false),
    renderLenient: (scope) => root.render(scope, true),
  };
  return { value: template, problems, names };
}

function listPiece(pieces: readonly Piece[]): Piece {
  return {
    constant: pieces.every((piece) => piece.constant),
    render: (scope, lenient) => pieces.map((piece) => piece.render(scope, lenient) ?? null),
  };
}

function mapPiece(pieces: readonly (readonly [string, Piece])[]): Piece {
  return {
    constant: pieces.every(([, piece]) => piece.constant),
    render: (scope, lenient) => {
      const result: Record<string, unknown> = {};
      for (const [key, piece] of pieces) {
        const value = piece.render(scope, lenient);
        if (value !== undefined) result[key] = value;
      }
      return result;
    },
  };
}

type CompileExpression = (text: string, offset: number, path: Path) => Expression | undefined;

function textPiece(
  text: string,
  path: Path,
  compile: CompileExpression,
  problems: TemplateProblem[],
  encode: Encode | undefined,
): Piece {
  const segments = splitText(text);
  if (segments === undefined) {
    const offset = text.lastIndexOf('${{');
    problems.push({ code: 'TEMPLATE_UNCLOSED', message: `The \`\${{\` has no closing \`}}\`.`, offset, path });
    return { constant: true, render: () => text };
  }
  if (segments.every((segment) => segment.kind === 'text')) return { constant: true, render: () => text };
  const parts = segments
    .map((segment) => (segment.kind === 'text' ? segment.text : compile(segment.text, segment.offset, path)))
    .filter((part) => part !== undefined);
  const only = parts[0];
  if (parts.length === 1 && typeof only === 'object') {
    return { constant: false, render: (scope, lenient) => evaluate(only, scope, lenient, path) };
  }
  return { constant: false, render: (scope, lenient) => interpolate(parts, scope, lenient, path, encode) };
}

function interpolate(
  parts: readonly (string | Expression)[],
  scope: Scope,
  lenient: boolean,
  path: Path,
  encode: Encode | undefined,
): string {
  let result = '';
  for (const part of parts) {
    if (typeof part === 'string') result += part;
    else {
      const value = textOf(evaluate(part, scope, lenient, path));
      result += encode === undefined ? value : placed(path, () => encode(value, result));
    }
  }
  return result;
}

function evaluate(expression: Expression, scope: Scope, lenient: boolean, path: Path): unknown {
  const missing = missingKey(scope, expression.required);
  if (missing !== undefined) return lenient ? undefined : failed(expression, path, `no such key: ${missing}`);
  let value: unknown;
  try {
    value = expression.run(scope);
  } catch (error) {
    return lenient && isMissing(error)
      ? undefined
      : failed(expression, path, `${messageOf(error)}${saw(expression, scope)}`);
  }
  return placed(path, () => toPlain(value));
}

const MOST_SHOWN = 200;

/** What the expression read: `, with item.amount = "1,000"`. */
function saw({ reads }: Expression, scope: Scope): string {
  const values = reads.map(({ text, keys }) => `${text} = ${JSON.stringify(preview(valueAt(scope, keys)))}`);
  return values.length === 0 ? '' : `, with ${values.join(', ').slice(0, MOST_SHOWN)}`;
}

function failed(expression: Expression, path: Path, why: string): never {
  const message = `\${{ ${expression.source.trim()} }} could not be evaluated: ${why}`;
  const hint = 'Check that the input has what the expression reads; `has(…)` asks for it.';
  throw new ProblemError(within({ code: 'EXPR_FAILED', message, hint }, ...path.map(String)));
}

/** Tells where in the template a problem arose. */
function placed<T>(path: Path, act: () => T): T {
  const { value, problem } = attempt(act);
  if (problem !== undefined) throw new ProblemError(within(problem, ...path.map(String)));
  return value;
}

type Segment =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'expression'; readonly text: string; readonly offset: number };

/** The pieces of a text; a lone expression with white space around it is one piece. Undefined: an open `${{`. */
export function splitText(text: string): readonly Segment[] | undefined {
  const segments: Segment[] = [];
  let at = 0;
  for (let open = text.indexOf('${{'); open !== -1; open = text.indexOf('${{', at)) {
    if (open > at) segments.push({ kind: 'text', text: text.slice(at, open) });
    const close = closingAt(text, open + 3);
    if (close === undefined) return undefined;
    segments.push({ kind: 'expression', text: text.slice(open + 3, close), offset: open + 3 });
    at = close + 2;
  }
  if (at < text.length) segments.push({ kind: 'text', text: text.slice(at) });
  const solid = segments.filter((segment) => segment.kind === 'expression' || segment.text.trim() !== '');
  return solid.length === 1 && solid[0]?.kind === 'expression' ? solid : segments;
}

/** Where the `}}` stands that closes an expression: not inside a quoted text, not the end of a map of CEL. */
function closingAt(text: string, start: number): number | undefined {
  let braces = 0;
  for (let at = start; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === "'" || char === '"') {
      at = endOfQuoted(text, at);
    } else if (char === '{') {
      braces++;
    } else if (char === '}') {
      if (braces === 0 && text.charAt(at + 1) === '}') return at;
      braces--;
    }
  }
  return undefined;
}

function endOfQuoted(text: string, start: number): number {
  const quote = text.charAt(start);
  let at = start + 1;
  while (at < text.length && text.charAt(at) !== quote) at += text.charAt(at) === '\\' ? 2 : 1;
  return at;
}
