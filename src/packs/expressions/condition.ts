import type { ASTNode } from '@marcbachmann/cel-js';
import type { FalsePart } from '../../core/records.js';
import type { Condition, Scope } from '../types.js';
import { bindingOf, childrenOf, conjuncts, pathOf, textOfNode } from './ast.js';
import { messageOf, preview } from './values.js';

type Run = (scope: Scope) => unknown;

interface Part {
  readonly expression: string;
  readonly run: Run;
  readonly paths: readonly SeenPath[];
}

/** A path whose value is told when the part was false. */
interface SeenPath {
  readonly text: string;
  readonly keys: readonly string[];
}

/**
 * Each operand of the top-level `&&` is parsed by itself. They run in order until one is not true, so the first
 * false part costs nothing to find, and a part that cannot be evaluated is told as such instead of throwing.
 */
export function createCondition(source: string, ast: ASTNode, parse: (text: string) => Run): Condition {
  const parts = conjuncts(ast).map((node): Part => {
    const text = textOfNode(node);
    return { expression: text.replace(/\s+/g, ' '), run: parse(text), paths: seenPaths(node) };
  });
  const falsePart = (scope: Scope): FalsePart | undefined => {
    for (const part of parts) {
      let value: unknown;
      try {
        value = part.run(scope);
      } catch (error) {
        return explain(part, scope, messageOf(error));
      }
      if (value === false) return explain(part, scope);
      if (value !== true) return explain(part, scope, 'the result is neither true nor false');
    }
    return undefined;
  };
  return { source, falsePart };
}

function explain(part: Part, scope: Scope, error?: string): FalsePart {
  const values: Record<string, unknown> = {};
  for (const path of part.paths) {
    const value = valueAt(scope, path.keys);
    if (value !== undefined) values[path.text] = preview(value);
  }
  return error === undefined ? { expression: part.expression, values } : { expression: part.expression, values, error };
}

function valueAt(scope: Scope, keys: readonly string[]): unknown {
  let value: unknown = scope;
  for (const key of keys) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** The longest paths from names of the scope; names that the expression binds itself have no one value to tell. */
function seenPaths(ast: ASTNode): readonly SeenPath[] {
  const found = new Map<string, SeenPath>();
  const visit = (node: ASTNode, bound: ReadonlySet<string>): void => {
    const keys = pathOf(node);
    if (keys !== undefined) {
      if (!bound.has(keys[0] as string)) found.set(textOfNode(node), { text: textOfNode(node), keys });
      return;
    }
    const binding = bindingOf(node);
    if (binding === undefined) {
      for (const child of childrenOf(node)) visit(child, bound);
      return;
    }
    visit(binding.range, bound);
    const inner = new Set(bound).add(binding.name);
    for (const child of binding.inside) visit(child, inner);
  };
  visit(ast, new Set());
  return [...found.values()];
}
