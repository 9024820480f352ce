import { type Problem, ProblemError } from '../../core/errors.js';
import { isObject } from '../../core/json.js';
import type { NormalizedException, Severity } from '../../core/records.js';
import { attempt, within } from '../attempt.js';
import { suggestion } from '../problems.js';
import type { CompiledPack, CompiledSource, Scope, SourceItem, SourceMap } from '../types.js';
import type { Draft } from './draft.js';
import { KINDS } from './kind.js';
import { cut, parseLooseTime, severityOf } from './values.js';

const MAX_CHARS = { type: 200, title: 2_000, entity: 500 };

/**
 * The exception that an item is, in the one shape that every stage knows, or the problem why it is none:
 * SOURCE_UNKNOWN, FIELD_MISSING, FIELD_TYPE, TEXT_TOO_LONG, TIME_INVALID, EXPR_FAILED, NUMBER_INVALID.
 * An unknown severity is `medium`; a missing time is `receivedAt`; a missing title is the type.
 */
export function normalizeItem(
  pack: CompiledPack,
  sourceName: string,
  item: SourceItem & { readonly fingerprint: string },
  receivedAt: string,
): NormalizedException | Problem {
  const source = pack.sources.get(sourceName);
  if (source === undefined) {
    const hint = suggestion(sourceName, pack.sources.keys());
    return { code: 'SOURCE_UNKNOWN', message: `There is no source \`${sourceName}\`.`, hint };
  }
  const body = item.body ?? item.item;
  const scope: Scope = { item: item.item, body, headers: item.headers ?? {}, now: new Date(receivedAt) };
  const result = attempt(() => finish(pack, source, draftOf(source, item.item, scope), item.fingerprint, receivedAt));
  return result.problem ?? result.value;
}

/** What the source's kind says of the item, and its map on top. Throws ProblemError when the map cannot be evaluated. */
export function draftOf(source: CompiledSource, item: unknown, scope: Scope): Draft {
  const { map } = source;
  const own = KINDS[source.kind].draft(item, source.name);
  if (map === null) return own;
  // A json source with a map says everything by its map; fields it does not map are the whole item, so nothing is lost.
  const base: Draft = source.kind === 'json' ? { fields: item } : own;
  const mapped: Record<string, unknown> = {};
  for (const key of Object.keys(map) as (keyof SourceMap)[]) {
    const template = map[key];
    const value = template === null ? undefined : renderPart(key, template.renderLenient, scope);
    if (value !== undefined) mapped[key] = value; // a missing key leaves what the kind says by itself
  }
  return Object.assign({}, base, mapped);
}

function renderPart(key: string, render: (scope: Scope) => unknown, scope: Scope): unknown {
  const { value, problem } = attempt(() => render(scope));
  if (problem !== undefined) throw new ProblemError(within(problem, 'map', key));
  return value;
}

function finish(
  pack: CompiledPack,
  source: CompiledSource,
  draft: Draft,
  fingerprint: string,
  receivedAt: string,
): NormalizedException {
  const type = text('type', draft.type);
  if (type === null) noType(source);
  const label = source.kind === 'generic' ? text('source', draft.source) : null;
  return {
    type,
    title: cut(text('title', draft.title) ?? type, MAX_CHARS.title),
    severity: firstSeverity(pack, draft.severity) ?? 'medium',
    entity: text('entity', draft.entity),
    source: label ?? source.name,
    occurredAt: time(draft.occurredAt) ?? new Date(receivedAt).toISOString(),
    fingerprint,
    fields: fieldsOf(draft.fields),
  };
}

function noType({ map }: CompiledSource): never {
  const written = map?.type?.source;
  const message = written === undefined ? 'The exception has no type.' : `\`map.type\` gives nothing: ${written}`;
  return fail('FIELD_MISSING', 'type', message, 'Check `map.type` in sources.yaml against the item.');
}

function firstSeverity({ severities }: CompiledPack, words: unknown): Severity | undefined {
  if (!Array.isArray(words)) return severityOf(severities, words);
  for (const word of words) {
    const severity = severityOf(severities, word);
    if (severity !== undefined) return severity;
  }
  return undefined;
}

function text(name: keyof typeof MAX_CHARS | 'source', value: unknown): string | null {
  if (value === undefined || value === null || value === '') return null;
  if (typeof value === 'object')
    fail('FIELD_TYPE', name, `\`${name}\` is ${JSON.stringify(value).slice(0, 100)}, not text.`);
  const result = String(value);
  const most = name === 'title' || name === 'source' ? Number.POSITIVE_INFINITY : MAX_CHARS[name];
  if (result.length > most) {
    fail('TEXT_TOO_LONG', name, `\`${name}\` has ${result.length} characters, at most ${most} fit.`);
  }
  return result;
}

function time(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const parsed = parseLooseTime(value);
  if (parsed !== undefined) return parsed;
  const hint = 'Use RFC 3339 (or epoch seconds or milliseconds) between 2000 and 2100.';
  return fail('TIME_INVALID', 'occurredAt', `\`occurredAt\` is ${JSON.stringify(value).slice(0, 100)}.`, hint);
}

function fieldsOf(value: unknown): Record<string, unknown> {
  if (value === undefined || value === null) return {};
  if (isObject(value)) return { ...value };
  return fail('FIELD_TYPE', 'fields', '`fields` must be an object.');
}

function fail(code: string, path: string, message: string, hint?: string): never {
  throw new ProblemError({ code, path, message, ...(hint === undefined ? {} : { hint }) });
}
