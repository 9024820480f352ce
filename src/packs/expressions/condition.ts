import type { ASTNode } from '@marcbachmann/cel-js';
import type { FalsePart } from '../../core/records.js';
import type { Condition, Scope } from '../types.js';
import { conjuncts, textOfNode } from './ast.js';
import { missingKey, requiredPaths, type SeenPath, seenPaths, valueAt } from './paths.js';
import { equalityOf, type Quick, quickOf } from './quick.js';
import { isMissing, messageOf, preview } from './values.js';

type Run = (scope: Scope) => unknown;

interface Part {
  readonly expression: string;
  readonly quick: Quick | undefined;
  readonly run: Run;
  readonly paths: readonly SeenPath[];
  readonly required: readonly (readonly string[])[];
}

/**
 * Each operand of the top-level `&&` is parsed by itself. They run in order until one is not true, so the first
 * false part costs nothing to find, and a part that cannot be evaluated is told as such instead of throwing.
 */
export function createCondition(source: string, ast: ASTNode, parse: (text: string) => Run): Condition {
  const nodes = conjuncts(ast);
  const parts = nodes.map((node): Part => {
    const text = textOfNode(node);
    const expression = text.replace(/\s+/g, ' ');
    return {
      expression,
      quick: quickOf(node),
      run: parse(text),
      paths: seenPaths(node),
      required: requiredPaths(node),
    };
  });
  const [first] = nodes as [ASTNode];
  return {
    source,
    leading: equalityOf(first) ?? null,
    passedOver: (scope) => explain(parts[0] as Part, scope),
    falsePart: (scope) => {
      for (const part of parts) {
        const quick = part.quick?.(scope);
        const found = quick === undefined ? slowly(part, scope) : quick ? undefined : explain(part, scope);
        if (found !== undefined) return found;
      }
      return undefined;
    },
  };
}

/** By CEL itself: what is wrong with the part, or undefined when it is true. */
function slowly(part: Part, scope: Scope): FalsePart | undefined {
  const missing = missingKey(scope, part.required);
  if (missing !== undefined) return { ...explain(part, scope), error: `no such key: ${missing}` };
  let value: unknown;
  try {
    value = part.run(scope);
  } catch (error) {
    const told = { ...explain(part, scope), error: messageOf(error) };
    return isMissing(error) ? told : { ...told, failed: true };
  }
  if (value === true) return undefined;
  const told = explain(part, scope);
  return value === false ? told : { ...told, error: 'the result is neither true nor false', failed: true };
}

function explain({ expression, paths }: Part, scope: Scope): FalsePart {
  const [only, ...more] = paths;
  return {
    expression,
    values: only !== undefined && more.length === 0 ? seenAlone(only, scope) : seenAt(paths, scope),
  };
}

function seenAt(paths: readonly SeenPath[], scope: Scope): FalsePart['values'] {
  const values: Record<string, unknown> = {};
  for (const path of paths) {
    const value = valueAt(scope, path.keys);
    if (value !== undefined) values[path.text] = preview(value);
  }
  return values;
}

/** What the last condition saw: the rules of a list look at the same few paths of one scope, one after the other. */
let last: { readonly scope: Scope; readonly byText: Map<string, FalsePart['values']> } | undefined;

function seenAlone(path: SeenPath, scope: Scope): FalsePart['values'] {
  if (last?.scope !== scope) last = { scope, byText: new Map() };
  const known = last.byText.get(path.text);
  if (known !== undefined) return known;
  const values = seenAt([path], scope);
  last.byText.set(path.text, values);
  return values;
}
