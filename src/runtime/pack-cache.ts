/** Compiled packs by tenant and version (immutable, LRU), and which version is active (asked again as it gets old). */
import { LRUCache } from 'lru-cache';
import { ProblemError } from '../core/errors.js';
import { type Compiled, type CompiledPack, compilePack, hashOfPack } from '../packs/index.js';
import type { GatherDeps, PackVersion } from '../stages/contract.js';
import { compileBeside } from './compile.js';

/** Where packs are kept. */
export interface PackSource {
  /** The active version of each of these tenants' packs; one that has none is not among them. */
  activeVersions(tenantIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** The files of one version by path; null if there is no such version. */
  files(tenantId: string, version: number): Promise<ReadonlyMap<string, string> | null>;
}

/** So old, an answer is asked for anew; while it is not too old, what comes meanwhile need not wait. */
const OLD_MS = 1_000;
const TOO_OLD_MS = 1_900;
/** So long it is remembered that a version cannot be used: compiling it for each event would stop everybody else. */
const UNUSABLE_MS = 10_000;
const MOST_PACKS = 1_000;

/** Version 0: what a tenant has before it has a pack. Everything is accepted, classified as unknown and escalated. */
const BUILT_IN = new Map([
  ['pack.yaml', 'name: built-in\ndescription: Used by a tenant that has no pack yet.\n'],
  ['policies.yaml', 'default: { effect: deny, reason: this tenant has no pack yet }\n'],
]);

export class PackCache implements GatherDeps {
  private readonly compiled: LRUCache<string, PackVersion | Promise<PackVersion>>;
  private readonly active = new Map<string, { readonly at: number; readonly version: number }>(); // as of when it was asked
  private readonly asked = new Map<string, Promise<number>>(); // questions under way
  private asking: { readonly tenants: Set<string>; readonly answer: Promise<ReadonlyMap<string, number>> } | null =
    null;
  private readonly compiling = new Map<string, Promise<Compiled>>();
  private readonly byContent = new Map<string, WeakRef<CompiledPack>>();
  private readonly gone = new FinalizationRegistry<string>((hash) => {
    if (this.byContent.get(hash)?.deref() === undefined) this.byContent.delete(hash);
  });
  private readonly builtIn: PackVersion = { version: 0, pack: usable(compilePack(BUILT_IN), 'built-in') };

  constructor(
    private readonly source: PackSource,
    max = MOST_PACKS,
  ) {
    this.compiled = new LRUCache({ max });
  }

  /** No promise where the answer is known: it is asked for every event. */
  activePack(tenantId: string): PackVersion | Promise<PackVersion> {
    const now = performance.now();
    const known = this.active.get(tenantId);
    if (known !== undefined && known.at >= now - TOO_OLD_MS) {
      if (known.at < now - OLD_MS) void this.askActive(tenantId, now); // whoever finds the answer too old asks again
      return this.packVersion(tenantId, known.version);
    }
    return this.askActive(tenantId, now).then((found) => this.packVersion(tenantId, found));
  }

  private askActive(tenantId: string, at: number): Promise<number> {
    const underWay = this.asked.get(tenantId);
    if (underWay !== undefined) return underWay;
    this.asking ??= this.askSoon();
    this.asking.tenants.add(tenantId);
    const asked = this.asking.answer.then((found) => found.get(tenantId) ?? 0);
    this.asked.set(tenantId, asked);
    const settle = (version?: number): void => {
      if (this.asked.get(tenantId) !== asked) return; // forgotten meanwhile
      this.asked.delete(tenantId);
      if (version !== undefined) this.active.set(tenantId, { at, version });
    };
    asked.then(settle, () => settle());
    return asked;
  }

  /** One question for all tenants of a tick: a chunk may have as many tenants as events. */
  private askSoon() {
    const tenants = new Set<string>();
    const answer = Promise.resolve().then(() => {
      this.asking = null;
      return this.source.activeVersions([...tenants]);
    });
    return { tenants, answer };
  }

  /** The next question for the active version is asked anew: this process has just changed it. */
  forgetActive(tenantId: string): void {
    this.active.delete(tenantId);
    this.asked.delete(tenantId);
  }

  /** Throws ProblemError PACK_UNUSABLE or PACK_VERSION_UNKNOWN: this version will not do, however often one asks. */
  packVersion(tenantId: string, version: number): PackVersion | Promise<PackVersion> {
    if (version === 0) return this.builtIn;
    const key = `${tenantId}:${version}`;
    const found = this.compiled.get(key);
    if (found) return found;
    const loading = this.load(tenantId, version);
    loading.then(
      (pack) => this.compiled.set(key, pack),
      (error: unknown) => {
        if (error instanceof ProblemError) this.compiled.set(key, loading, { ttl: UNUSABLE_MS });
        else this.compiled.delete(key);
      },
    );
    this.compiled.set(key, loading);
    return loading;
  }

  private async load(tenantId: string, version: number): Promise<PackVersion> {
    const name = `${tenantId} version ${version}`;
    const files = await this.source.files(tenantId, version);
    if (!files) {
      const message = `There is no pack ${name}.`;
      const hint = 'Was the database restored from before it was pushed? Push it again.';
      throw new ProblemError({ code: 'PACK_VERSION_UNKNOWN', message, hint }, 503);
    }
    return { version, pack: usable(await this.compile(files), name) };
  }

  /** Tenants with the same files share what they compile to: nothing in it is a tenant's. */
  private async compile(files: ReadonlyMap<string, string>): Promise<Compiled> {
    // With the names of all files: what is no part of a pack does not count for its hash, but may not be there.
    const hash = [hashOfPack(files), ...[...files.keys()].sort()].join('\n');
    const known = this.byContent.get(hash)?.deref();
    if (known) return { pack: known, problems: [] };
    const underWay = this.compiling.get(hash);
    if (underWay) return underWay;
    const compiling = compileBeside(files).finally(() => this.compiling.delete(hash));
    this.compiling.set(hash, compiling);
    const compiled = await compiling;
    if (compiled.pack) {
      this.byContent.set(hash, new WeakRef(compiled.pack));
      this.gone.register(compiled.pack, hash);
    }
    return compiled;
  }
}

/** A pack is checked before it is kept, so one that does not compile was written for another version of Millrace. */
function usable({ pack, problems }: Compiled, name: string): CompiledPack {
  if (pack) return pack;
  const first = problems.slice(0, 3).map(({ path, code, message }) => `${path} ${code} ${message}`);
  const message = `This Millrace cannot use the pack ${name}: ${problems.length} problems, ${first.join('; ')}`;
  const hint = 'Was it pushed with a newer version? Update this process, or activate a version that it understands.';
  throw new ProblemError({ code: 'PACK_UNUSABLE', message: message.slice(0, 1_000), hint }, 503);
}
