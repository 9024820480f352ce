/**
 * The plain tests that most conditions are made of, as closures: `exception.type == 'X'`, `fields.amount > 5`,
 * `severity in […]`. They answer only for values of the kind they expect; for everything else CEL itself is asked.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import type { Leading, Scope } from '../types.js';
import { pathOf, textOfNode } from './ast.js';
import { member, valueAt } from './paths.js';

/** Undefined: ask CEL. */
export type Quick = (scope: Scope) => boolean | undefined;

/** What an index can decide: `path == 'text'` or `path in ['a', 'b']`. */
export function equalityOf(node: ASTNode): Leading | undefined {
  if (node.op === '==') {
    const [path, value] = sides(node.args);
    return path !== undefined && typeof value === 'string' ? leadingOf(node, path, [value]) : undefined;
  }
  if (node.op !== 'in') return undefined;
  const values = textsOf(node.args[1]);
  return pathOf(node.args[0]) !== undefined && values !== undefined ? leadingOf(node, node.args[0], values) : undefined;
}

const leadingOf = (node: ASTNode, path: ASTNode, values: readonly string[]): Leading => ({
  expression: textOfNode(node).replace(/\s+/g, ' '),
  text: textOfNode(path),
  keys: pathOf(path) as readonly string[],
  wanted: new Set(values),
});

export function quickOf(node: ASTNode): Quick | undefined {
  switch (node.op) {
    case '==':
    case '!=':
      return equals(node.args, node.op === '==');
    case '<':
    case '<=':
    case '>':
    case '>=':
      return compares(node.args, COMPARE[node.op]);
    case 'in':
      return isIn(node.args);
    case '!_':
      return negated(quickOf(node.args));
    case '||':
      return either(quickOf(node.args[0]), quickOf(node.args[1]));
    case '&&':
      return negated(either(negated(quickOf(node.args[0])), negated(quickOf(node.args[1]))));
    case 'call':
      return node.args[0] === 'has' ? isThere(node.args[1][0] as ASTNode) : undefined;
    case 'rcall':
      return textMethod(node.args);
    default:
      return undefined;
  }
}

type Literal = string | number | boolean | undefined;

function literalOf(node: ASTNode): Literal {
  if (node.op !== 'value') return undefined;
  const value = node.args;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : undefined;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
}

/** The texts of `['a', 'b']`; undefined for another list. */
function textsOf(node: ASTNode): readonly string[] | undefined {
  if (node.op !== 'list') return undefined;
  const values = node.args.map(literalOf).filter((value) => typeof value === 'string');
  return values.length === node.args.length ? values : undefined;
}

/** The path and the literal of a test, whichever stands first. */
function sides([left, right]: readonly [ASTNode, ASTNode]): readonly [ASTNode | undefined, Literal] {
  if (pathOf(left) !== undefined) return [left, literalOf(right)];
  return pathOf(right) === undefined ? [undefined, undefined] : [right, literalOf(left)];
}

/** Reads a path; most are two or three keys deep. */
function reader(node: ASTNode): (scope: Scope) => unknown {
  const [first, ...rest] = pathOf(node) as readonly [string, ...string[]];
  const [second, third] = rest;
  if (second !== undefined && rest.length === 1) return (scope) => member(scope[first], second);
  if (second !== undefined && third !== undefined && rest.length === 2) {
    return (scope) => member(member(scope[first], second), third);
  }
  return (scope) => rest.reduce<unknown>(member, scope[first]);
}

function equals(args: readonly [ASTNode, ASTNode], wanted: boolean): Quick | undefined {
  const [path, literal] = sides(args);
  if (path === undefined || literal === undefined) return undefined;
  const read = reader(path);
  const kind = typeof literal;
  return (scope) => {
    const value = read(scope);
    return typeof value === kind ? (value === literal) === wanted : undefined;
  };
}

type Compare = (a: number, b: number) => boolean;
const COMPARE: Readonly<Record<'<' | '<=' | '>' | '>=', Compare>> = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

function compares([left, right]: readonly [ASTNode, ASTNode], compare: Compare): Quick | undefined {
  const bound = literalOf(right);
  if (pathOf(left) === undefined || typeof bound !== 'number') return undefined;
  const read = reader(left);
  return (scope) => {
    const value = read(scope);
    return typeof value === 'number' ? compare(value, bound) : undefined;
  };
}

function isIn([left, right]: readonly [ASTNode, ASTNode]): Quick | undefined {
  const texts = textsOf(right);
  if (texts !== undefined && pathOf(left) !== undefined) {
    const read = reader(left);
    const wanted = new Set(texts);
    return (scope) => {
      const value = read(scope);
      return typeof value === 'string' ? wanted.has(value) : undefined;
    };
  }
  const text = literalOf(left);
  if (typeof text !== 'string' || pathOf(right) === undefined) return undefined;
  const read = reader(right);
  return (scope) => {
    const value = read(scope);
    return Array.isArray(value) && value.every((one) => typeof one === 'string') ? value.includes(text) : undefined;
  };
}

const negated = (quick: Quick | undefined): Quick | undefined =>
  quick &&
  ((scope) => {
    const value = quick(scope);
    return value === undefined ? undefined : !value;
  });

const either = (left: Quick | undefined, right: Quick | undefined): Quick | undefined =>
  left &&
  right &&
  ((scope) => {
    const value = left(scope);
    return value === false ? right(scope) : value;
  });

function isThere(node: ASTNode): Quick {
  const keys = pathOf(node) as readonly string[]; // the type check takes nothing else
  const [above, key] = [keys.slice(0, -1), keys.at(-1) as string];
  return (scope) => {
    const parent = valueAt(scope, above);
    if (typeof parent !== 'object' || parent === null || Array.isArray(parent)) return undefined;
    const value = member(parent, key);
    return value === null ? undefined : value !== undefined;
  };
}

const TEXT_METHODS: Readonly<Record<string, (value: string, part: string) => boolean>> = {
  startsWith: (value, part) => value.startsWith(part),
  endsWith: (value, part) => value.endsWith(part),
  contains: (value, part) => value.includes(part),
};

function textMethod([name, receiver, args]: readonly [string, ASTNode, readonly ASTNode[]]): Quick | undefined {
  const test = Object.hasOwn(TEXT_METHODS, name) ? TEXT_METHODS[name] : undefined;
  const part = args.length === 1 ? literalOf(args[0] as ASTNode) : undefined;
  if (test === undefined || typeof part !== 'string' || pathOf(receiver) === undefined) return undefined;
  const read = reader(receiver);
  return (scope) => {
    const value = read(scope);
    return typeof value === 'string' ? test(value, part) : undefined;
  };
}
