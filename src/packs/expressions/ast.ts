import type { ASTNode } from '@marcbachmann/cel-js';

/** Macros that run their last arguments once for each element, with the first argument as the element's name. */
const COMPREHENSIONS = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);

/** A node that gives a name to something: a comprehension's element, or `cel.bind`'s value. */
export interface Binding {
  readonly kind: 'comprehension' | 'bind';
  readonly name: string;
  readonly range: ASTNode; // evaluated outside the binding
  readonly inside: readonly ASTNode[];
}

export function bindingOf(node: ASTNode): Binding | undefined {
  if (node.op !== 'rcall') return undefined;
  const [method, receiver, args] = node.args;
  const variable = args[0];
  if (variable === undefined || variable.op !== 'id') return undefined;
  if (COMPREHENSIONS.has(method) && args.length > 1) {
    return { kind: 'comprehension', name: variable.args, range: receiver, inside: args.slice(1) };
  }
  const value = args[1];
  if (method === 'bind' && receiver.op === 'id' && receiver.args === 'cel' && value !== undefined) {
    return { kind: 'bind', name: variable.args, range: value, inside: args.slice(2) };
  }
  return undefined;
}

/** The nodes directly below, in source order. */
export function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return [];
    case '.':
    case '.?':
      return [node.args[0]];
    case 'call':
      return node.args[1];
    case 'rcall':
      return [node.args[1], ...node.args[2]];
    case 'map':
      return node.args.flat();
    case '!_':
    case '-_':
      return [node.args];
    default:
      return node.args;
  }
}

/** The text of a node. Its parser leaves out the parentheses around the outermost operands: they are put back. */
export function textOfNode({ input, start, end }: ASTNode): string {
  const { opened, closed } = unmatched(input.slice(start, end));
  let [from, to] = [start, end];
  for (let left = closed; left > 0; left--) from = input.lastIndexOf('(', from - 1);
  for (let left = opened; left > 0; left--) to = input.indexOf(')', to) + 1;
  return input.slice(from, to);
}

const QUOTED = /"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'/g;

/** How many parentheses of a text have no partner in it, quoted ones apart. */
function unmatched(text: string): { readonly opened: number; readonly closed: number } {
  let [opened, closed] = [0, 0];
  for (const char of text.includes('(') || text.includes(')') ? text.replace(QUOTED, '') : '') {
    if (char === '(') opened++;
    else if (char === ')' && opened > 0) opened--;
    else if (char === ')') closed++;
  }
  return { opened, closed };
}

/** The parts that must all be true: the operands of the top-level `&&`, nested ones too, in source order. */
export function conjuncts(node: ASTNode): readonly ASTNode[] {
  return node.op === '&&' ? [...conjuncts(node.args[0]), ...conjuncts(node.args[1])] : [node];
}

/** `exception.fields.amount` or `headers['x-kind']` as its keys; undefined for what is not a plain path from a name. */
export function pathOf(node: ASTNode): readonly string[] | undefined {
  if (node.op === 'id') return [node.args];
  if (node.op === '.') return extend(node.args[0], node.args[1]);
  if (node.op !== '[]' || node.args[1].op !== 'value') return undefined;
  const key = node.args[1].args;
  return typeof key === 'string' || typeof key === 'bigint' ? extend(node.args[0], String(key)) : undefined;
}

function extend(base: ASTNode, key: string): readonly string[] | undefined {
  const keys = pathOf(base);
  return keys && [...keys, key];
}
