import { isObject } from '../../core/json.js';
import type { CompiledSource, SourceMap, Template } from '../types.js';
import { KINDS } from './kind.js';

const PATH = /\b(item|body)((?:\.[A-Za-z_]\w*)+)/g;
const VALUES: Readonly<Record<string, string>> = { severity: 'high', occurredAt: '2026-01-05T09:30:00Z' };

/** A request that the source takes: its kind's own, or for a `map` one with every path that the map reads. */
export function sampleOf(source: CompiledSource): {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
} {
  const { map, split, kind } = source;
  const own = KINDS[kind].sample;
  if (kind !== 'json') return own;
  const body: Record<string, unknown> = {};
  const item: Record<string, unknown> = map === null ? { ...(own.body as object) } : {};
  if (map !== null) readPaths(map, item, body);
  if (split === null) return { ...own, body: item };
  const [path = []] = pathsOf(split);
  put(body, path.slice(1), [item]);
  return { ...own, body };
}

function readPaths(map: SourceMap, item: Record<string, unknown>, body: Record<string, unknown>): void {
  for (const [key, template] of Object.entries(map) as [string, Template | null][]) {
    for (const [root, ...path] of template === null ? [] : pathsOf(template)) {
      put(root === 'item' ? item : body, path, VALUES[key] ?? `${path.at(-1)}-1`);
    }
  }
}

const pathsOf = ({ source }: Template): string[][] => [...source.matchAll(PATH)].map(([text]) => text.split('.'));

function put(into: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key, ...rest] = path;
  if (key === undefined) return;
  if (rest.length === 0) {
    into[key] ??= value;
    return;
  }
  const inner = isObject(into[key]) ? { ...into[key] } : {};
  into[key] = inner;
  put(inner, rest, value);
}
