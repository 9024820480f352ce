/** Kinds whose requests each tell one thing: it went wrong, it is over, or it is no exception. */
import type { Problem } from '../../core/errors.js';
import type { JsonObject } from '../../core/json.js';
import type { SourceRequest } from '../types.js';
import { type Draft, isProblem, type Kind } from './draft.js';
import { hashOf } from './values.js';

export interface Reading {
  readonly says: 'wrong' | 'over' | 'nothing';
  readonly why: string; // why it says nothing; '' otherwise
  readonly identity: readonly unknown[]; // the same for the report and for its end
  readonly draft: Draft;
}

export const nothing = (why: string): Reading => ({ says: 'nothing', why, identity: [], draft: {} });

interface ReadingParts extends Pick<Kind, 'called' | 'sample' | 'looksLike'> {
  readonly name: string; // begins every fingerprint
  /** The item that the request is, headers that matter included; a problem: it is for another kind. */
  itemOf(request: SourceRequest): readonly [JsonObject] | Problem;
  /** What the item tells; a problem: it lacks what its event must have. */
  read(item: JsonObject): Reading | Problem;
}

export function readingKind({ name, called, sample, looksLike, itemOf, read }: ReadingParts): Kind {
  const readChecked = (item: unknown): Reading => read(item as JsonObject) as Reading; // split has checked it
  return {
    called,
    sample,
    looksLike,
    split: (_pack, request) => {
      const found = itemOf(request);
      if (isProblem(found)) return found;
      const [item] = found;
      const reading = read(item);
      if ('code' in reading) return [{ path: '(the document)', item, problems: [reading] }];
      return [{ path: '(the document)', item, ...(reading.says === 'nothing' && { ignored: reading.why }) }];
    },
    draft: (item) => readChecked(item).draft,
    fingerprint: (item) => hashOf(name, ...readChecked(item).identity.map(String)),
    resolves: (item) => readChecked(item).says === 'over',
  };
}

/** The value at a dotted path (`branches.0.name`); undefined where something on the way is missing. */
export const at = (value: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((found, key) => (isTree(found) ? found[key] : undefined), value);

const isTree = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null;

/** The first of these paths that holds something. */
export const firstAt = (value: unknown, ...paths: readonly string[]): unknown =>
  paths.map((path) => at(value, path)).find((found) => found !== undefined && found !== null && found !== '');

/** The members at these paths, by the names given; those that are missing are left out. */
export function pickAt(value: unknown, paths: Readonly<Record<string, string>>): JsonObject {
  const found = Object.entries(paths).map(([name, path]) => [name, firstAt(value, path)] as const);
  return Object.fromEntries(found.filter(([, one]) => one !== undefined));
}

export const lacks = (what: string, path: string): Problem => ({
  code: 'ITEM_INVALID',
  message: `${what} must have an object \`${path}\`.`,
  path,
  hint: 'Send the body as the sender made it.',
});
