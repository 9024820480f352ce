import { z } from 'zod';
import { RETRY_PROFILES } from '../../core/backoff.js';
import { CALL_EFFECTS } from '../../core/work.js';
import { type CompileContext, templateAt } from '../context.js';
import { createScopeCompiler } from '../expressions/compile.js';
import { paramShape } from '../expressions/scope.js';
import type { Path } from '../expressions/template.js';
import { placeText, suggestion } from '../problems.js';
import { durationAt } from '../settings.js';
import { laterWords, readShape, refuseLater } from '../shape.js';
import { type CompiledTool, PARAM_TYPES, type PackConnection, type ParamType, type ToolParam } from '../types.js';
import type { PackFile } from '../yaml.js';
import { BLOCKS, LATER_BLOCKS } from './blocks.js';
import { compileConnections } from './connections.js';
import { encoderFor } from './encode.js';
import { checkWith } from './params.js';
import { retryAt } from './retry.js';

export const DEFAULT_TIMEOUT_MS = 30_000;

export const ToolsYaml = z.strictObject({
  connections: z.record(z.string(), z.unknown()).optional(),
  tools: z.record(z.string(), z.unknown()).optional(),
});
export const ToolShape = z.strictObject({
  use: z.string(),
  description: z.string().optional(),
  connection: z.string().optional(),
  with: z.record(z.string(), z.unknown()).optional(),
  params: z.record(z.string(), z.unknown()).optional(),
  effect: z.enum(CALL_EFFECTS).optional(),
  timeout: z.unknown().optional(),
  retry: z.unknown().optional(),
});
type ToolShape = z.infer<typeof ToolShape>;
const LATER = laterWords('limit', 'undo', 'cache');
const NAME = /^[a-z][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*$/;
const PARAM_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export interface CompiledTools {
  readonly connections: ReadonlyMap<string, PackConnection>;
  readonly tools: ReadonlyMap<string, CompiledTool>;
}

/** Compiles tools.yaml. */
export function compileTools(context: CompileContext, file: PackFile | undefined): CompiledTools {
  if (file === undefined) return { connections: new Map(), tools: new Map() };
  readShape(file, [], ToolsYaml, context.report, laterWords('schedules'));
  const connections = compileConnections(context, file);
  const tools = new Map<string, CompiledTool>();
  for (const name of Object.keys((file.at(['tools']) ?? {}) as object)) {
    const path = ['tools', name];
    if (!NAME.test(name) || BLOCKS.has(name)) {
      const hint = 'For example `trades.get`; the names of blocks are taken.';
      context.report.add(file.keyPlace(path), 'NAME_INVALID', `\`${name}\` cannot be the name of a tool.`, hint);
      continue;
    }
    const shape = readShape(file, path, ToolShape, context.report, LATER);
    if (shape === undefined) continue;
    const tool = compileTool(context, file, path, name, shape, connections);
    if (tool !== undefined) tools.set(name, tool);
  }
  return { connections, tools };
}

function compileTool(
  context: CompileContext,
  file: PackFile,
  path: Path,
  name: string,
  shape: ToolShape,
  connections: ReadonlyMap<string, PackConnection>,
): CompiledTool | undefined {
  const { report } = context;
  const block = BLOCKS.get(shape.use);
  if (block === undefined) {
    unknownBlock(context, file, [...path, 'use'], shape.use);
    return undefined;
  }
  checkConnection(context, file, path, shape, connections);
  const params = compileParams(context, file, [...path, 'params'], shape.params ?? {});
  const inner = [...path, 'with'];
  checkWith(context, file, inner, block.name, block.inputs);
  if (block.takesConnection) checkAddress(context, file, inner, shape.connection !== undefined);
  const compiler = createScopeCompiler(context.library, paramShape(params.keys()));
  return {
    name,
    place: placeText(file.keyPlace(path)),
    block: block.name,
    connection: shape.connection ?? null,
    params,
    with: templateAt(context, compiler, file, inner, encoderFor(block.name)).template,
    effect: shape.effect ?? null,
    timeoutMs: durationAt(file, [...path, 'timeout'], report) ?? DEFAULT_TIMEOUT_MS,
    retry: retryAt(context, file, [...path, 'retry']) ?? RETRY_PROFILES.block,
  };
}

/** Reports a block that does not exist, or not yet. */
export function unknownBlock(context: CompileContext, file: PackFile, path: Path, name: string): void {
  if (LATER_BLOCKS.has(name)) refuseLater(file, path, name, context.report);
  else
    context.report.add(
      file.place(path),
      'BLOCK_UNKNOWN',
      `There is no block \`${name}\`.`,
      suggestion(name, BLOCKS.keys()),
    );
}

function checkConnection(
  context: CompileContext,
  file: PackFile,
  path: Path,
  shape: ToolShape,
  connections: ReadonlyMap<string, PackConnection>,
): void {
  if (shape.connection === undefined) return;
  const place = file.place([...path, 'connection']);
  if (BLOCKS.get(shape.use)?.takesConnection === false) {
    context.report.add(place, 'FIELD_UNKNOWN', `\`${shape.use}\` takes no connection.`, 'Take it out.');
  } else if (!connections.has(shape.connection)) {
    const message = `There is no connection \`${shape.connection}\`.`;
    context.report.add(place, 'CONNECTION_UNKNOWN', message, suggestion(shape.connection, connections.keys()));
  }
}

/** A request goes to a `path` of its connection, or to a whole `url`. */
export function checkAddress(context: CompileContext, file: PackFile, path: Path, connected: boolean): void {
  const hasUrl = file.at([...path, 'url']) !== undefined;
  const hasPath = file.at([...path, 'path']) !== undefined;
  const place = file.place(path);
  if (hasUrl && hasPath) {
    context.report.add(place, 'PARAM_INVALID', 'Give either `url` or `path`, not both.');
  } else if (!hasUrl && !hasPath) {
    context.report.add(place, 'PARAM_MISSING', `The request needs ${connected ? '`path`' : '`url`'}.`);
  } else if (hasPath && !connected) {
    const hint = 'Name a connection in tools.yaml, or give the whole `url`.';
    context.report.add(file.place([...path, 'path']), 'PARAM_INVALID', 'A `path` needs a connection.', hint);
  }
}

export const ParamShape = z.strictObject({
  type: z.enum(PARAM_TYPES).optional(),
  required: z.boolean().optional(),
  enum: z
    .array(z.union([z.string(), z.number(), z.boolean()]))
    .min(1)
    .optional(),
  default: z.unknown().optional(),
  description: z.string().optional(),
});

function compileParams(
  context: CompileContext,
  file: PackFile,
  path: Path,
  written: Readonly<Record<string, unknown>>,
): Map<string, ToolParam> {
  const params = new Map<string, ToolParam>();
  for (const [name, value] of Object.entries(written)) {
    const inner = [...path, name];
    if (!PARAM_NAME.test(name)) {
      const hint = 'Use letters, digits and `_`.';
      context.report.add(file.keyPlace(inner), 'NAME_INVALID', `\`${name}\` cannot be the name of a parameter.`, hint);
    } else if (typeof value === 'string') {
      const type = readShape(file, inner, z.enum(PARAM_TYPES), context.report);
      if (type !== undefined) params.set(name, { type, required: true, oneOf: null, fallback: undefined });
    } else {
      const shape = readShape(file, inner, ParamShape, context.report);
      if (shape !== undefined) params.set(name, longParam(shape));
    }
  }
  return params;
}

function longParam(shape: z.infer<typeof ParamShape>): ToolParam {
  const type: ParamType = shape.type ?? (shape.enum === undefined ? 'any' : (typeof shape.enum[0] as ParamType));
  return {
    type,
    required: shape.required ?? shape.default === undefined,
    oneOf: shape.enum ?? null,
    fallback: shape.default,
  };
}
