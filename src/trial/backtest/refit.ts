/**
 * A report of the past as a pack would take it today: its fingerprint, and whether it says that something is over, are
 * read anew from the item as it was kept. What was not kept is not guessed.
 */
import { parse } from 'yaml';
import type { EventData } from '../../core/events.js';
import { type CompiledPack, type CompiledSource, identifyItem } from '../../packs/index.js';
import type { AcceptedBy } from './past.js';

type Ingested = EventData['ExceptionIngested'];
export type Refitted = { readonly data: Ingested } | { readonly unknown: string };

/** A pack as its author wrote it. */
export interface Written {
  readonly pack: CompiledPack;
  readonly files: ReadonlyMap<string, string>;
}

export class Refit {
  private readonly same = new Map<string, boolean>(); // by version and source
  private readonly own: ReadonlyMap<string, unknown>;
  private readonly ownBasis: string;

  constructor(private readonly written: Written) {
    this.own = definitionsOf(written.files);
    this.ownBasis = basisOf(written.files);
  }

  /** `accepted` is the version that took the report; undefined when it is not kept any more. */
  report(data: Ingested, accepted: AcceptedBy | undefined, alone: string): Refitted {
    if (data.via === 'correlation' || data.via === 'schedule') return { data };
    const { pack } = this.written;
    const source = pack.sources.get(data.source);
    if (source === undefined) return { unknown: `the pack has no source \`${data.source}\`` };
    if (this.isSame(data, accepted)) return { data };
    const missing = this.missing(source, data, accepted);
    if (missing !== null) return { unknown: `the source \`${data.source}\` reads \`${missing}\`, which was not kept` };
    const { item, body, headers, receivedAt } = data;
    const kept = { item, ...(body !== undefined && { body }), ...(headers !== undefined && { headers }) };
    const { fingerprint, resolve, accumulate } = identifyItem(pack, data.source, kept, receivedAt);
    const { accumulate: _, ...rest } = data;
    return { data: { ...rest, fingerprint: fingerprint ?? alone, resolve, ...(accumulate && { accumulate }) } };
  }

  /** The source reads as it did when it accepted the report: then what it said of it holds. */
  private isSame(data: Ingested, accepted: AcceptedBy | undefined): boolean {
    const { source, packVersion } = data;
    const gathers = this.written.pack.accumulates.length > 0 || data.accumulate !== undefined;
    if (accepted === undefined || gathers) return false;
    const key = `${packVersion}:${source}`;
    let known = this.same.get(key);
    if (known === undefined) {
      const theirs = definitionsOf(accepted.files).get(source);
      const isEqual = JSON.stringify(theirs) === JSON.stringify(this.own.get(source));
      known = isEqual && basisOf(accepted.files) === this.ownBasis;
      this.same.set(key, known);
    }
    return known;
  }

  /** The first part of the request that the source reads and nobody kept. */
  private missing(source: CompiledSource, data: Ingested, accepted: AcceptedBy | undefined): string | null {
    const kept = accepted?.pack.sources.get(data.source)?.reads;
    const wanted = wantedBy(source, this.own.get(source.name));
    const isWhole = source.split === null && (source.kind === 'json' || source.kind === 'generic');
    for (const name of ['body', 'headers'] as const) {
      if (name === 'body' && isWhole && data.body === undefined) continue; // the item is the body
      const given = data[name];
      for (const key of wanted[name]) {
        const isThere = key !== '*' && typeof given === 'object' && given !== null && Object.hasOwn(given, key);
        const wasKept = kept?.[name].some((one) => one === key || one === '*') ?? false;
        if (!isThere && !wasKept) return key === '*' ? name : `${name}.${key}`;
      }
    }
    return null;
  }
}

const MEMBER = /\b(body|headers)\b(?:\.([A-Za-z_]\w*)|\[['"]([^'"]+)['"]\])?/g;

/** What the map reads, and what the fingerprint and the end read beside it. */
function wantedBy({ reads }: CompiledSource, definition: unknown) {
  const wanted = { body: new Set(reads.body), headers: new Set(reads.headers) };
  const { fingerprint, resolve } = (definition ?? {}) as { readonly fingerprint?: unknown; readonly resolve?: unknown };
  const texts = [fingerprint, resolve].filter((text) => typeof text === 'string');
  for (const [, name, member, quoted] of texts.join('\n').matchAll(MEMBER)) {
    wanted[name as 'body' | 'headers'].add(member ?? quoted ?? '*');
  }
  return wanted;
}

function definitionsOf(files: ReadonlyMap<string, string>): ReadonlyMap<string, unknown> {
  const written = parse(files.get('sources.yaml') ?? '') as {
    readonly sources?: object;
    readonly accumulate?: unknown;
  };
  return new Map(Object.entries(written?.sources ?? {}));
}

/** What every source may read besides its own words: severities and look-up tables. */
function basisOf(files: ReadonlyMap<string, string>): string {
  const { severities = null } = (parse(files.get('pack.yaml') ?? '') ?? {}) as { readonly severities?: unknown };
  const tables = [...files].filter(([name]) => name.startsWith('tables/')).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([severities, tables]);
}
