import type { ASTNode } from '@marcbachmann/cel-js';
import type { Scope } from '../types.js';
import { bindingOf, childrenOf, pathOf, textOfNode } from './ast.js';

/** A path whose value is told when the part was false. */
export interface SeenPath {
  readonly text: string;
  readonly keys: readonly string[];
}

/** The longest paths from names of the scope; names that the expression binds itself have no one value to tell. */
export function seenPaths(ast: ASTNode): readonly SeenPath[] {
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

/**
 * Paths without which the expression can only fail. Inputs lack keys all the time, and an evaluation that throws costs
 * fifty times one that does not: looking first keeps a rule about an absent field as cheap as any other.
 */
export function requiredPaths(node: ASTNode): readonly (readonly string[])[] {
  const keys = pathOf(node);
  if (keys !== undefined) return keys.length > 1 ? [keys] : [];
  if (node.op === '||' || node.op === '&&') return []; // one side may make up for the other
  if (node.op === '?:') return requiredPaths(node.args[0]);
  if (node.op === 'call' && node.args[0] === 'has') return [];
  const binding = bindingOf(node);
  return (binding === undefined ? childrenOf(node) : [binding.range]).flatMap(requiredPaths);
}

/** The first key that the scope lacks on one of these paths. */
export function missingKey(scope: Scope, paths: readonly (readonly string[])[]): string | undefined {
  for (const keys of paths) {
    let value: unknown = scope;
    for (const key of keys) {
      value = member(value, key);
      if (value === undefined) return key;
    }
  }
  return undefined;
}

export const valueAt = (scope: Scope, keys: readonly string[]): unknown => keys.reduce<unknown>(member, scope);

export const member = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
