import { z } from 'zod';
import { type CompileContext, conditionAt, templateAt } from '../context.js';
import { createScopeCompiler, type ScopeCompiler } from '../expressions/compile.js';
import { SOURCE_SHAPE } from '../expressions/scope.js';
import type { Path } from '../expressions/template.js';
import { suggestion } from '../problems.js';
import { readShape, wordFor } from '../shape.js';
import type { CompiledSource, Fingerprint, SourceKind, SourceMap, SourceReads, Template } from '../types.js';
import type { PackFile } from '../yaml.js';
import { NAMED_KINDS } from './kind.js';
import { compileTopicSource } from './topics.js';
import { compileVerify } from './verify.js';

const MAX_SOURCES = 500;

export const SourcesYaml = z.strictObject({
  sources: z.record(z.string(), z.unknown()).optional(),
  schedules: z.unknown().optional(), // see schedules/compile.ts
  accumulate: z.unknown().optional(),
  hold: z.unknown().optional(),
  correlate: z.unknown().optional(),
});
export const SourceShape = z.strictObject({
  kind: z.string(),
  split: z.string().optional(),
  map: z.record(z.string(), z.unknown()).optional(),
  fingerprint: z.unknown().optional(),
  resolve: z.unknown().optional(),
  verify: z.unknown().optional(),
});
export const MapShape = z.strictObject({
  type: z.unknown().optional(),
  severity: z.unknown().optional(),
  title: z.unknown().optional(),
  entity: z.unknown().optional(),
  occurredAt: z.unknown().optional(),
  fields: z.unknown().optional(),
});
const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/i;

/** The source behind `POST /exceptions/{tenant}`: every pack has it. */
const GENERIC: CompiledSource = {
  name: 'generic',
  kind: 'generic',
  split: null,
  map: null,
  fingerprint: null,
  resolve: null,
  verify: null,
  reads: { body: [], headers: [] },
  topic: null,
};

/** Compiles sources.yaml. */
export function compileSources(context: CompileContext, file: PackFile | undefined): Map<string, CompiledSource> {
  const sources = new Map([[GENERIC.name, GENERIC]]);
  if (file === undefined) return sources;
  const { report } = context;
  readShape(file, [], SourcesYaml, report);
  const written = Object.entries((file.at(['sources']) ?? {}) as object).slice(0, MAX_SOURCES);
  const compiler = createScopeCompiler(context.library, SOURCE_SHAPE);
  for (const [name] of written) {
    const path = ['sources', name];
    if (!NAME.test(name)) {
      report.add(
        file.keyPlace(path),
        'NAME_INVALID',
        `\`${name}\` cannot be the name of a source.`,
        'Use letters, digits, `-` and `_`.',
      );
    } else if (name === GENERIC.name) {
      report.add(file.keyPlace(path), 'NAME_RESERVED', 'The source `generic` is built in.', 'Give yours another name.');
    } else {
      const source = compileSource(context, compiler, file, name, path);
      if (source !== undefined) sources.set(name, source);
    }
  }
  compileTopics(context, compiler, file, sources);
  return sources;
}

/** After the others, because a topic may be read as one of them. */
function compileTopics(
  context: CompileContext,
  compiler: ScopeCompiler,
  file: PackFile,
  sources: Map<string, CompiledSource>,
): void {
  const others = new Map(sources);
  for (const [name, written] of Object.entries((file.at(['sources']) ?? {}) as object).slice(0, MAX_SOURCES)) {
    if (!isTopicSource(written) || !NAME.test(name) || name === GENERIC.name) continue;
    const path = ['sources', name];
    const own = () => compileParts(context, compiler, file, name, path, 'json');
    const source = compileTopicSource(context, file, path, others, own);
    if (source !== undefined) sources.set(name, source);
  }
}

const isTopicSource = (written: unknown): boolean => (written as { kind?: unknown } | null)?.kind === 'kafka';

function compileSource(
  context: CompileContext,
  compiler: ScopeCompiler,
  file: PackFile,
  name: string,
  path: Path,
): CompiledSource | undefined {
  const kind = file.at([...path, 'kind']);
  if (kind === 'kafka') return undefined; // see compileTopics
  const shape = readShape(file, path, SourceShape, context.report);
  if (shape === undefined) return undefined;
  if (!isKind(shape.kind)) {
    const message = `Unknown kind of source \`${shape.kind}\`.`;
    const hint = suggestion(shape.kind, [...NAMED_KINDS, 'kafka']);
    context.report.add(file.place([...path, 'kind']), 'VALUE_UNKNOWN', message, hint);
    return undefined;
  }
  return compileParts(context, compiler, file, name, path, shape.kind);
}

function compileParts(
  context: CompileContext,
  compiler: ScopeCompiler,
  file: PackFile,
  name: string,
  path: Path,
  kind: SourceKind,
): CompiledSource {
  const { map, reads } = compileMap(context, compiler, file, [...path, 'map'], kind);
  return {
    name,
    kind,
    split: compileSplit(context, compiler, file, [...path, 'split'], kind),
    map,
    fingerprint: compileFingerprint(context, compiler, file, [...path, 'fingerprint']),
    resolve: conditionAt(context, compiler, file, [...path, 'resolve']),
    verify: compileVerify(context, file, [...path, 'verify'], kind),
    reads,
    topic: null,
  };
}

const isKind = (word: string): word is SourceKind => (NAMED_KINDS as readonly string[]).includes(word);

function compileSplit(context: CompileContext, compiler: ScopeCompiler, file: PackFile, path: Path, kind: string) {
  if (file.at(path) === undefined) return null;
  if (kind !== 'json') {
    context.report.add(
      file.keyPlace(path),
      'FIELD_UNKNOWN',
      `A source of kind \`${kind}\` splits by itself.`,
      'Take it out.',
    );
    return null;
  }
  return templateAt(context, compiler, file, path).template;
}

const NO_READS: SourceReads = { body: [], headers: [] };

function compileMap(context: CompileContext, compiler: ScopeCompiler, file: PackFile, path: Path, kind: string) {
  if (file.at(path) === undefined) return { map: null, reads: NO_READS };
  readShape(file, path, MapShape, context.report);
  if (kind === 'json' && file.at([...path, 'type']) === undefined) {
    context.report.add(file.place(path), 'FIELD_MISSING', '`map` must say what the `type` is.');
  }
  const names = new Set<string>();
  const part = (key: string): Template | null => {
    if (file.at([...path, key]) === undefined) return null;
    const placed = templateAt(context, compiler, file, [...path, key]);
    for (const name of placed.names) names.add(name);
    return placed.template;
  };
  const fields = file.at([...path, 'fields']);
  if (fields !== undefined && typeof fields !== 'string' && wordFor(fields) !== 'a map') {
    context.report.add(
      file.place([...path, 'fields']),
      'VALUE_TYPE',
      `\`fields\` must be a map, or one \`\${{ … }}\` that gives one.`,
    );
  }
  const map: SourceMap = {
    type: part('type'),
    severity: part('severity'),
    title: part('title'),
    entity: part('entity'),
    occurredAt: part('occurredAt'),
    fields: part('fields'),
  };
  return { map, reads: { body: membersOf('body', names), headers: membersOf('headers', names) } };
}

/** Which members of a name the expressions read; `*` when they read the whole of it. */
function membersOf(root: string, names: ReadonlySet<string>): readonly string[] {
  if (names.has(root)) return ['*'];
  return [...names].filter((name) => name.startsWith(`${root}.`)).map((name) => name.slice(root.length + 1));
}

const PART = /^(?:type|entity|severity|title|source|fields(?:\.[A-Za-z0-9_-]+)+)$/;

function compileFingerprint(
  context: CompileContext,
  compiler: ScopeCompiler,
  file: PackFile,
  path: Path,
): Fingerprint | null {
  const written = file.at(path);
  if (written === undefined) return null;
  if (typeof written === 'string')
    return { kind: 'template', template: templateAt(context, compiler, file, path).template };
  if (!Array.isArray(written) || written.length === 0) {
    const hint = `For example [type, entity, fields.ccy], or "\${{ item.id }}".`;
    context.report.add(file.place(path), 'VALUE_TYPE', '`fingerprint` must be a list of parts, or text.', hint);
    return null;
  }
  for (const [index, part] of written.entries()) {
    if (PART.test(String(part))) continue;
    const hint = 'Use type, entity, severity, title, source or fields.<name>.';
    context.report.add(
      file.place([...path, index]),
      'VALUE_UNKNOWN',
      `\`${String(part)}\` cannot be part of a fingerprint.`,
      hint,
    );
  }
  return { kind: 'parts', parts: written.map(String) };
}
