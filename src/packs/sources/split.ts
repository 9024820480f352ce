import type { Problem } from '../../core/errors.js';
import { isObject } from '../../core/json.js';
import { attempt } from '../attempt.js';
import { suggestion } from '../problems.js';
import { wordFor } from '../shape.js';
import type { CompiledPack, CompiledSource, IgnoredItem, Scope, SourceItem, SourceRequest } from '../types.js';
import { groupOf } from '../waiting/decide.js';
import { type Draft, isProblem, type RawItem } from './draft.js';
import { json } from './json.js';
import { KINDS, looksLike } from './kind.js';
import { draftOf, normalizeItem } from './normalize.js';
import { boundedFingerprint, hashOf } from './values.js';

export interface SplitRequest {
  readonly items: SourceItem[];
  readonly problems: Problem[];
  readonly ignored: IgnoredItem[];
}

/**
 * The exceptions that one request carries, each with its fingerprint. Items and problems may both come back: a problem
 * names its item by `path`. What is no exception is in `ignored`, with the reason. Codes: SOURCE_UNKNOWN, SOURCE_MISMATCH, BATCH_TOO_LARGE, SPLIT_FAILED, ITEM_INVALID, and for the
 * generic form FIELD_UNKNOWN, FIELD_MISSING, FIELD_TYPE, TEXT_TOO_LONG, SEVERITY_UNKNOWN, TIME_INVALID.
 */
export function splitSource(pack: CompiledPack, sourceName: string, request: SourceRequest): SplitRequest {
  const source = pack.sources.get(sourceName);
  if (source === undefined) {
    const hint = suggestion(sourceName, pack.sources.keys());
    return refused({ code: 'SOURCE_UNKNOWN', message: `There is no source \`${sourceName}\`.`, hint });
  }
  const raw = rawItems(pack, source, request);
  if (isProblem(raw)) return refused(withHint(pack, source, request, raw));
  const most = pack.limits.itemsPerRequest;
  if (raw.length > most) {
    const message = `The request carries ${raw.length} exceptions, at most ${most} are allowed.`;
    return refused({ code: 'BATCH_TOO_LARGE', message, hint: 'Send them in several requests.' });
  }
  return {
    items: raw.filter(isException).map((item) => grouped(pack, source, toSourceItem(source, item, request), request)),
    problems: raw.flatMap((item) => item.problems ?? []),
    ignored: raw.length === 0 ? emptyOf(source) : raw.flatMap(ignoredOf),
  };
}

const refused = (problem: Problem): SplitRequest => ({ items: [], problems: [problem], ignored: [] });

const isException = (item: RawItem): boolean => item.problems === undefined && item.ignored === undefined;

const ignoredOf = ({ path, ignored }: RawItem): IgnoredItem[] =>
  ignored === undefined ? [] : [{ path, reason: ignored }];

/** A `split` that gives nothing may be right, or a slip in the pack: it is told. */
const emptyOf = ({ split }: CompiledSource): IgnoredItem[] =>
  split === null ? [] : [{ path: '(the document)', reason: `\`split\` gives an empty list for \`${split.source}\`` }];

/** Where a request belongs that this source does not take: to another source of the pack, if it looks like its kind. */
function withHint(pack: CompiledPack, source: CompiledSource, request: SourceRequest, problem: Problem): Problem {
  const kind = looksLike(request, source.kind);
  if (kind === undefined) {
    const hint = 'Send other JSON to a source of kind `json`, or to POST /exceptions/{tenant}.';
    return { hint, ...problem };
  }
  const names = [...pack.sources.values()].filter((other) => other.kind === kind).map(({ name }) => name);
  const path = kind === 'generic' ? 'POST /exceptions/{tenant}' : `POST /hooks/{tenant}/${names[0]}`;
  const where = names.length === 0 ? `add a source of \`kind: ${kind}\` to sources.yaml` : `send it to ${path}`;
  return { ...problem, hint: `This looks like ${KINDS[kind].called}: ${where}.` };
}

function rawItems(pack: CompiledPack, source: CompiledSource, request: SourceRequest): readonly RawItem[] | Problem {
  if (source.split === null) return KINDS[source.kind].split(pack, request);
  const { split } = source;
  const { value: list, problem } = attempt(() => split.render({ item: request.body, ...requestScope(request) }));
  if (problem !== undefined) return splitFailed(source, problem.message);
  if (!Array.isArray(list)) return splitFailed(source, `\`${split.source}\` gives ${wordFor(list)}, not a list`);
  return json.split(pack, { ...request, body: list });
}

const splitFailed = (source: CompiledSource, why: string): Problem => ({
  code: 'SPLIT_FAILED',
  message: `The source \`${source.name}\` cannot split this body: ${why}.`,
  hint: 'Check that the body has the form that `split` in sources.yaml expects.',
});

function toSourceItem(source: CompiledSource, raw: RawItem, request: SourceRequest): SourceItem {
  const scope: Scope = { item: raw.item, ...requestScope(request) };
  const kind = KINDS[source.kind];
  const kept = keptParts(source, raw, request);
  return {
    item: raw.item,
    ...kept,
    fingerprint: fingerprintOf(source, raw.item, scope),
    resolve: source.resolve === null ? kind.resolves(raw.item) : source.resolve.falsePart(scope) === undefined,
  };
}

/** What this pack says of an item that was kept: what makes it the same as others, and whether it says that it is over. */
export function identifyItem(
  pack: CompiledPack,
  sourceName: string,
  kept: Pick<SourceItem, 'item' | 'body' | 'headers'>,
  receivedAt: string,
): Pick<SourceItem, 'fingerprint' | 'resolve' | 'accumulate'> {
  const source = pack.sources.get(sourceName);
  if (source === undefined) return { fingerprint: null, resolve: false };
  const { item, body = item, headers = {} } = kept;
  const request = { body, headers, receivedAt };
  return grouped(pack, source, toSourceItem(source, { path: '', item }, request), request);
}

/** Only a pack that gathers pays for normalizing here; what the map cannot read belongs to no group, and intake tells it. */
function grouped(pack: CompiledPack, source: CompiledSource, item: SourceItem, request: SourceRequest): SourceItem {
  if (pack.accumulates.length === 0) return item;
  const fingerprint = item.fingerprint ?? '';
  const exception = normalizeItem(pack, source.name, { ...item, fingerprint }, request.receivedAt);
  const accumulate = 'code' in exception ? undefined : groupOf(pack, exception, Date.parse(request.receivedAt));
  return accumulate === undefined ? item : { accumulate, ...item };
}

const requestScope = ({ body, headers, receivedAt }: SourceRequest): Scope => ({
  body,
  headers,
  now: new Date(receivedAt),
});

/** Only what the map reads of the request travels with each of its items: a thousand copies of a body would be many. */
function keptParts(source: CompiledSource, raw: RawItem, request: SourceRequest): Partial<SourceItem> {
  const { reads } = source;
  return {
    ...(reads.body.length > 0 && raw.item !== request.body ? { body: pick(request.body, reads.body) } : {}),
    ...(reads.headers.length > 0 ? { headers: pick(request.headers, reads.headers) as Record<string, string> } : {}),
  };
}

function pick(value: unknown, keys: readonly string[]): unknown {
  if (keys.includes('*') || !isObject(value)) return value;
  return Object.fromEntries(keys.filter((key) => Object.hasOwn(value, key)).map((key) => [key, value[key]]));
}

/** Where the map fails, intake meets the same failure and tells it; until then the item is merged with nothing. */
const fingerprintOf = (source: CompiledSource, item: unknown, scope: Scope): string | null =>
  attempt(() => identify(source, item, scope)).value ?? null;

function identify(source: CompiledSource, item: unknown, scope: Scope): string | null {
  const written = source.fingerprint;
  if (written?.kind === 'template') {
    const text = written.template.renderLenient(scope) ?? '';
    return text === '' ? null : boundedFingerprint(asText(text));
  }
  const draft = draftOf(source, item, scope);
  if (written === null) return KINDS[source.kind].fingerprint(item, draft, source.name);
  const parts = written.parts.map((part) => partOf(draft, part, source));
  return parts.includes('') ? null : hashOf(source.name, ...parts);
}

function partOf(draft: Draft, part: string, source: CompiledSource): string {
  if (part === 'source') return source.name;
  const [head, ...rest] = part.split('.');
  const found = rest.reduce<unknown>(
    (value, key) => (isObject(value) ? value[key] : undefined),
    draft[head as keyof Draft],
  );
  return found === undefined || found === null ? '' : asText(found);
}

const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
