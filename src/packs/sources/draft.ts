import type { Problem } from '../../core/errors.js';
import type { CompiledPack, SourceRequest } from '../types.js';

/** An exception before it is checked: what a source's kind, then its map, said of one item. */
export interface Draft {
  readonly type?: unknown;
  readonly title?: unknown;
  readonly severity?: unknown; // a list: the first word that the pack knows
  readonly entity?: unknown;
  readonly source?: unknown;
  readonly occurredAt?: unknown;
  readonly fields?: unknown;
}

/** One item of a request, or what is wrong with it; `path` names it for messages: `items[3]`, `alerts[0]`. */
export interface RawItem {
  readonly path: string;
  readonly item: unknown;
  readonly problems?: readonly Problem[];
  readonly ignored?: string; // why it is no exception, and says of none that it is over
}

export interface Kind {
  readonly called: string; // as in "this looks like …"
  /** A request that works: for people who try it, and for the tests. */
  readonly sample: { readonly headers: Readonly<Record<string, string>>; readonly body: unknown };
  /** Whether a request that another kind refused is for this one. */
  looksLike(request: SourceRequest): boolean;
  /** The items that a request carries. A problem: the request as a whole is not for this kind of source. */
  split(pack: CompiledPack, request: SourceRequest): readonly RawItem[] | Problem;
  draft(item: unknown, sourceName: string): Draft;
  /** What identifies the item by itself; null: nothing does. */
  fingerprint(item: unknown, draft: Draft, sourceName: string): string | null;
  /** Whether the item says that it is over. */
  resolves(item: unknown): boolean;
}

export const isProblem = (value: readonly unknown[] | Problem): value is Problem => !Array.isArray(value);

/** The request as a whole is for another kind of source; what it looks like instead is told by who splits. */
export const mismatch = (called: string, but: string, path: string): Problem => ({
  code: 'SOURCE_MISMATCH',
  message: `This source takes ${called}, but ${but}.`,
  path,
});
