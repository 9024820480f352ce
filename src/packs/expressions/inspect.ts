import type { ASTNode } from '@marcbachmann/cel-js';
import { didYouMean } from '../../core/errors.js';
import { bindingOf, childrenOf, pathOf, textOfNode } from './ast.js';
import { type Library, patternProblem } from './library.js';
import type { ScopeShape } from './scope.js';

/** A problem of an expression; `offset` counts characters from the start of the checked text. */
export interface ExpressionProblem {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly offset: number;
}

const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);

interface Names {
  readonly bound: ReadonlySet<string>; // by the expression itself
  readonly elements: ReadonlySet<string>; // of the comprehensions around
}

/** Every problem that the parsed form shows, before its types are checked. */
export function inspect(ast: ASTNode, shape: ScopeShape, library: Library): ExpressionProblem[] {
  const problems: ExpressionProblem[] = [];
  const report = (node: ASTNode, code: string, message: string, hint?: string): void => {
    problems.push({ code, message, offset: node.start, ...(hint === undefined ? {} : { hint }) });
  };
  const visit = (node: ASTNode, names: Names): void => {
    checkForbidden(node, report);
    checkName(node, names, shape, report);
    checkMember(node, names, shape, report);
    checkCall(node, library, report);
    checkDivision(node, report);
    const binding = bindingOf(node);
    if (binding === undefined) {
      for (const child of childrenOf(node)) visit(child, names);
      return;
    }
    if (binding.kind === 'comprehension') checkNesting(node, binding.range, names, report);
    visit(binding.range, names);
    const bound = new Set(names.bound).add(binding.name);
    const elements = binding.kind === 'comprehension' ? new Set(names.elements).add(binding.name) : names.elements;
    for (const child of binding.inside) visit(child, { bound, elements });
  };
  visit(ast, { bound: new Set(['cel']), elements: new Set() });
  return problems;
}

type Report = (node: ASTNode, code: string, message: string, hint?: string) => void;

const suggest = (word: string, known: Iterable<string>): string => {
  const best = didYouMean(word, known);
  return best === undefined ? `Known: ${[...known].sort().join(', ')}.` : `Did you mean \`${best}\`?`;
};

function checkForbidden(node: ASTNode, report: Report): void {
  const words: unknown[] = [];
  if (node.op === 'id' || node.op === 'value') words.push(node.args);
  if (node.op === '.' || node.op === '.?') words.push(node.args[1]);
  if (node.op === 'call' || node.op === 'rcall') words.push(node.args[0]);
  for (const word of words) {
    if (FORBIDDEN.has(word as string))
      report(node, 'EXPR_FORBIDDEN_NAME', `The name \`${String(word)}\` is not allowed.`);
  }
}

function checkName(node: ASTNode, names: Names, shape: ScopeShape, report: Report): void {
  if (node.op !== 'id' || names.bound.has(node.args) || FORBIDDEN.has(node.args)) return;
  if (Object.hasOwn(shape, node.args)) return;
  report(node, 'EXPR_UNKNOWN', `Unknown name \`${node.args}\`.`, suggest(node.args, Object.keys(shape)));
}

/** Names below a name whose members are known: `exception.typ`, `steps.lok`. */
function checkMember(node: ASTNode, names: Names, shape: ScopeShape, report: Report): void {
  const [root, member, ...deeper] = pathOf(node) ?? [];
  if (root === undefined || member === undefined || deeper.length > 0) return;
  if (names.bound.has(root) || FORBIDDEN.has(member) || !Object.hasOwn(shape, root)) return;
  const members = shape[root]?.members;
  if (members === undefined || Object.hasOwn(members, member)) return;
  const code = root === 'steps' ? 'STEP_UNKNOWN' : 'EXPR_UNKNOWN';
  report(node, code, `\`${root}\` has no \`${member}\`.`, suggest(member, Object.keys(members)));
}

function checkCall(node: ASTNode, library: Library, report: Report): void {
  if (node.op !== 'call' && node.op !== 'rcall') return;
  const name = node.args[0];
  if (name === 'matches') {
    report(
      node,
      'EXPR_MATCHES',
      '`matches` is not allowed: one input can keep it busy for hours.',
      'Use `re2(text, pattern)`.',
    );
  } else if (name === 're2') {
    checkPattern(node, node.op === 'call' ? node.args[1][1] : node.args[2][0], report);
  } else if (name === 'lookup' && node.op === 'call') {
    checkLookup(node, node.args[1][0], library, report);
  } else if (!library.functions.has(name) && !FORBIDDEN.has(name)) {
    report(node, 'EXPR_UNKNOWN', `Unknown function \`${name}\`.`, suggest(name, library.functions));
  }
}

function checkPattern(node: ASTNode, pattern: ASTNode | undefined, report: Report): void {
  if (pattern === undefined) return; // the type check tells of missing arguments
  if (pattern.op !== 'value' || typeof pattern.args !== 'string') {
    report(node, 'EXPR_REGEX', 'The pattern of `re2` must be a quoted text, so that it can be checked now.');
    return;
  }
  const problem = patternProblem(pattern.args);
  if (problem !== undefined) report(pattern, 'EXPR_REGEX', `Not a pattern of RE2: ${problem}.`);
}

function checkLookup(node: ASTNode, table: ASTNode | undefined, library: Library, report: Report): void {
  if (table === undefined) return;
  if (table.op !== 'value' || typeof table.args !== 'string') {
    report(node, 'TABLE_UNKNOWN', 'The table of `lookup` must be a quoted name, so that it can be checked now.');
  } else if (!library.tables.has(table.args)) {
    report(table, 'TABLE_UNKNOWN', `There is no table \`${table.args}\`.`, suggest(table.args, library.tables.keys()));
  }
}

/** A column that the table does not have; called for `lookup('t', k).column`. */
export function columnProblems(ast: ASTNode, library: Library): ExpressionProblem[] {
  const problems = childrenOf(ast).flatMap((child) => columnProblems(child, library));
  if (ast.op !== '.' || ast.args[0].op !== 'call' || ast.args[0].args[0] !== 'lookup') return problems;
  const name = ast.args[0].args[1][0];
  const table = name?.op === 'value' ? library.tables.get(String(name.args)) : undefined;
  const column = ast.args[1];
  if (table === undefined || table.columns.includes(column)) return problems;
  const message = `The table \`${table.name}\` has no column \`${column}\`.`;
  return [...problems, { code: 'COLUMN_UNKNOWN', message, hint: suggest(column, table.columns), offset: ast.start }];
}

function checkDivision(node: ASTNode, report: Report): void {
  if (node.op !== '/' && node.op !== '%') return;
  const divisor = node.args[1];
  if (divisor.op !== 'value' || Number(divisor.args) !== 0) return;
  report(
    node,
    'EXPR_DIV_ZERO',
    `\`${textOfNode(node)}\` divides by zero.`,
    'Divide by something that is not always 0.',
  );
}

/** A loop inside a loop over something unrelated is quadratic in the input; over the outer element it is linear. */
function checkNesting(node: ASTNode, range: ASTNode, names: Names, report: Report): void {
  const root = pathOf(range)?.[0];
  if (names.elements.size === 0 || range.op === 'list' || (root !== undefined && names.elements.has(root))) return;
  report(
    node,
    'EXPR_COSTLY',
    `The loop over \`${textOfNode(range)}\` runs again for each element of the loop around it.`,
    'Loop over a part of the outer element, or use `in`.',
  );
}
