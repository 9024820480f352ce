import { RETRY_PROFILES } from '../../core/backoff.js';
import type { Problem } from '../../core/errors.js';
import { isObject } from '../../core/json.js';
import type { RetryProfile } from '../../core/work.js';
import { attempt } from '../attempt.js';
import { renderWith } from '../playbooks/render.js';
import { suggestion } from '../problems.js';
import type { CompiledPack, CompiledTool, StepScope, ToolCall, ToolStep } from '../types.js';
import { BLOCKS, type BlockSpec } from './blocks.js';
import { DEFAULT_TIMEOUT_MS } from './compile.js';
import { paramsProblem } from './params.js';

/** What a step says instead of its tool. */
export interface CallOverrides {
  readonly retry?: RetryProfile | null;
  readonly timeoutMs?: number | null;
}

/**
 * The call of a tool (or of a block, whose input `params` then is) with these parameters, ready for the ledger.
 * Problems: TOOL_UNKNOWN, PARAM_MISSING, PARAM_UNKNOWN, PARAM_TYPE, PATH_INVALID, EXPR_FAILED, NUMBER_INVALID.
 */
export function renderCall(
  pack: CompiledPack,
  use: string,
  params: unknown,
  overrides: CallOverrides = {},
): ToolCall | Problem {
  if (!isObject(params)) return { code: 'PARAM_TYPE', message: `The parameters of \`${use}\` must be a map.` };
  const tool = pack.tools.get(use);
  const block = BLOCKS.get(tool?.block ?? use);
  if (block === undefined) {
    const known = [...pack.tools.keys(), ...BLOCKS.keys()];
    return { code: 'TOOL_UNKNOWN', message: `There is no tool \`${use}\`.`, hint: suggestion(use, known) };
  }
  const problem = paramsProblem(use, tool?.params ?? block.inputs, params);
  if (problem !== undefined) return problem;
  const input = attempt(() => (tool === undefined ? params : tool.with.render(scopeOf(tool, params))));
  return input.problem ?? toCall(use, tool, block, input.value as Readonly<Record<string, unknown>>, overrides);
}

/** The call that a step asks for: its `with` rendered, then its tool. */
export function renderStepCall(pack: CompiledPack, step: ToolStep, scope: StepScope): ToolCall | Problem {
  const params = renderWith(step, scope);
  return params.problem ?? renderCall(pack, step.use, params.value, step);
}

/** Parameters by their names; one that was not given is its default, or null. */
function scopeOf(tool: CompiledTool, params: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const scope: Record<string, unknown> = {};
  for (const [name, param] of tool.params) scope[name] = params[name] ?? param.fallback ?? null;
  return scope;
}

function toCall(
  use: string,
  tool: CompiledTool | undefined,
  block: BlockSpec,
  input: Readonly<Record<string, unknown>>,
  overrides: CallOverrides,
): ToolCall {
  return {
    tool: use,
    block: block.name,
    connection: tool?.connection ?? null,
    input,
    effect: tool?.effect ?? block.effect(input),
    timeoutMs: overrides.timeoutMs ?? tool?.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    retry: overrides.retry ?? tool?.retry ?? RETRY_PROFILES.block,
  };
}
