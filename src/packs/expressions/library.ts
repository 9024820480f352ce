import { Environment } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';
import type { Table } from '../types.js';

/** Bounds that keep one expression small: what is longer belongs in a table or in several rules. */
export const MAX_EXPRESSION_CHARS = 4_000;
const MAX_AST_NODES = 500;
const MAX_DEPTH = 32;

/** The functions of the pack language over one pack's tables. */
export interface Library {
  readonly environment: Environment; // functions and operators, no variables: cloned for each scope
  readonly functions: ReadonlySet<string>;
  readonly tables: ReadonlyMap<string, Table>;
}

/** Makes the library that a pack's expressions share. */
export function createLibrary(tables: ReadonlyMap<string, Table>): Library {
  const environment = new Environment({
    homogeneousAggregateLiterals: false,
    limits: { maxAstNodes: MAX_AST_NODES, maxDepth: MAX_DEPTH },
  });
  registerMixedArithmetic(environment);
  registerRe2(environment);
  environment.registerFunction('lookup(string, dyn): map<string, string>', lookupIn(tables), { async: false });
  const functions = new Set(environment.getDefinitions().functions.map((definition) => definition.name));
  return { environment, functions, tables };
}

/** JSON has one kind of number, CEL has two that do not mix: `amount + 1` must work, so int and double do mix here. */
function registerMixedArithmetic(environment: Environment): void {
  const operators: Record<string, (a: number, b: number) => number> = {
    '+': (a, b) => a + b,
    '-': (a, b) => a - b,
    '*': (a, b) => a * b,
    '/': (a, b) => a / b,
    '%': (a, b) => a % b,
  };
  type Numeric = number | bigint;
  for (const [symbol, apply] of Object.entries(operators)) {
    const handler = (a: Numeric, b: Numeric): number => apply(Number(a), Number(b));
    environment.registerOperator(`int ${symbol} double: double`, handler);
    environment.registerOperator(`double ${symbol} int: double`, handler);
  }
  environment.registerOperator('double % double: double', (a: number, b: number) => a % b);
  environment.registerOperator('int == double', (a: Numeric, b: Numeric) => Number(a) === Number(b));
}

/** `matches` of CEL runs the engine's own backtracking expressions; RE2 answers in linear time whatever the input. */
function registerRe2(environment: Environment): void {
  const compiled = new Map<string, RE2JS>(); // patterns are literals, so there are as many as the pack has
  const test = (text: string, pattern: string): boolean => {
    let expression = compiled.get(pattern);
    if (expression === undefined) {
      expression = RE2JS.compile(pattern);
      compiled.set(pattern, expression);
    }
    return expression.test(text);
  };
  environment.registerFunction('re2(string, string): bool', test, { async: false });
  environment.registerFunction('string.re2(string): bool', test, { async: false });
}

/** What is wrong with a pattern, or undefined. */
export function patternProblem(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    return String((error as Error).message).replace('error parsing regexp: ', '');
  }
}

/** A key that the table does not hold gives a row of empty texts: `lookup('owners', x).desk == ''` says "not listed". */
function lookupIn(tables: ReadonlyMap<string, Table>) {
  return (name: string, key: unknown): Readonly<Record<string, string>> => {
    const table = tables.get(name) as Table; // the name is a literal, checked when the pack was compiled
    return table.rows.get(String(key)) ?? table.emptyRow;
  };
}
