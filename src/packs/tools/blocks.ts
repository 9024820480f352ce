import type { CallEffect } from '../../core/work.js';
import type { ParamType, ToolParam } from '../types.js';

/** What the language knows of a block: the words of its input, and what calling it twice does. */
export interface BlockSpec {
  readonly name: string;
  readonly inputs: ReadonlyMap<string, ToolParam>;
  readonly takesConnection: boolean;
  /** The effect of a call with this input, where the tool does not declare one. */
  effect(input: Readonly<Record<string, unknown>>): CallEffect;
}

const input = (type: ParamType, required = false, oneOf: readonly unknown[] | null = null): ToolParam => ({
  type,
  required,
  oneOf,
  fallback: undefined,
});

const METHODS = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
const METHOD_EFFECT: Readonly<Record<string, CallEffect>> = {
  GET: 'read',
  HEAD: 'read',
  OPTIONS: 'read',
  PUT: 'idempotent',
  DELETE: 'idempotent',
};

const SPECS: readonly BlockSpec[] = [
  {
    name: 'http.request',
    takesConnection: true,
    inputs: new Map([
      ['method', input('string', false, METHODS)],
      ['url', input('string')],
      ['path', input('string')],
      ['query', input('object')],
      ['headers', input('object')],
      ['body', input('any')],
      ['redirects', input('integer')],
    ]),
    effect: ({ method }) => METHOD_EFFECT[String(method ?? 'GET').toUpperCase()] ?? 'at_most_once',
  },
  {
    name: 'fs.put',
    takesConnection: false,
    inputs: new Map([
      ['path', input('string', true)],
      ['content', input('any', true)],
      ['content_type', input('string')],
    ]),
    effect: () => 'idempotent',
  },
  {
    name: 'fs.get',
    takesConnection: false,
    inputs: new Map([['path', input('string', true)]]),
    effect: () => 'read',
  },
];

export const BLOCKS: ReadonlyMap<string, BlockSpec> = new Map(SPECS.map((spec) => [spec.name, spec]));

/** Blocks of the language that this version does not have yet. */
export const LATER_BLOCKS: ReadonlySet<string> = new Set([
  'sql.query',
  'ai.generate',
  'ai.classify',
  'human.approval',
  'human.ask',
  'slack.post',
  'email.send',
]);
