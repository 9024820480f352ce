import type { ASTNode } from '@marcbachmann/cel-js';
import type { FalsePart } from '../../core/records.js';
import type { Condition, Scope } from '../types.js';
import { conjuncts, textOfNode } from './ast.js';
import { missingKey, requiredPaths, type SeenPath, seenPaths, valueAt } from './paths.js';
import { messageOf, preview } from './values.js';

type Run = (scope: Scope) => unknown;

interface Part {
  readonly expression: string;
  readonly run: Run;
  readonly paths: readonly SeenPath[];
  readonly required: readonly (readonly string[])[];
}

/**
 * Each operand of the top-level `&&` is parsed by itself. They run in order until one is not true, so the first
 * false part costs nothing to find, and a part that cannot be evaluated is told as such instead of throwing.
 */
export function createCondition(source: string, ast: ASTNode, parse: (text: string) => Run): Condition {
  const parts = conjuncts(ast).map((node): Part => {
    const text = textOfNode(node);
    const expression = text.replace(/\s+/g, ' ');
    return { expression, run: parse(text), paths: seenPaths(node), required: requiredPaths(node) };
  });
  const falsePart = (scope: Scope): FalsePart | undefined => {
    for (const part of parts) {
      const missing = missingKey(scope, part.required);
      if (missing !== undefined) return explain(part, scope, `no such key: ${missing}`);
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
