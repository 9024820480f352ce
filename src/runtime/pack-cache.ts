/** Compiled packs by tenant and version (immutable, LRU), and which version is active (asked again every second). */
import { LRUCache } from 'lru-cache';
import { type CompiledPack, compilePack } from '../packs/index.js';
import type { GatherDeps, PackVersion } from '../stages/contract.js';

/** Where packs are kept. */
export interface PackSource {
  /** The active version of a tenant's pack, or null if it has none. */
  activeVersion(tenantId: string): Promise<number | null>;
  /** The files of one version by path; null if there is no such version. */
  files(tenantId: string, version: number): Promise<ReadonlyMap<string, string> | null>;
}

const ACTIVE_MS = 1_000;

/** Version 0: what a tenant has before it has a pack. Everything is accepted, classified as unknown and escalated. */
const BUILT_IN = new Map([
  ['pack.yaml', 'name: built-in\ndescription: Used by a tenant that has no pack yet.\n'],
  ['policies.yaml', 'default: { effect: deny, reason: this tenant has no pack yet }\n'],
]);

export class PackCache implements GatherDeps {
  private readonly compiled: LRUCache<string, Promise<PackVersion>>;
  private readonly active = new Map<string, { at: number; version: Promise<number> }>();
  private readonly builtIn: PackVersion = { version: 0, pack: compileOrThrow(BUILT_IN, 'built-in') };

  constructor(
    private readonly source: PackSource,
    max = 1_000,
  ) {
    this.compiled = new LRUCache({ max });
  }

  async activePack(tenantId: string): Promise<PackVersion> {
    const now = performance.now();
    let known = this.active.get(tenantId);
    if (!known || known.at < now - ACTIVE_MS) {
      known = { at: now, version: this.source.activeVersion(tenantId).then((version) => version ?? 0) };
      known.version.catch(() => this.active.delete(tenantId));
      this.active.set(tenantId, known);
    }
    return this.packVersion(tenantId, await known.version);
  }

  packVersion(tenantId: string, version: number): PackVersion | Promise<PackVersion> {
    if (version === 0) return this.builtIn;
    const key = `${tenantId}:${version}`;
    let pack = this.compiled.get(key);
    if (!pack) {
      pack = this.load(tenantId, version);
      pack.catch(() => this.compiled.delete(key));
      this.compiled.set(key, pack);
    }
    return pack;
  }

  private async load(tenantId: string, version: number): Promise<PackVersion> {
    const files = await this.source.files(tenantId, version);
    if (!files) throw new Error(`Tenant ${tenantId} has no pack version ${version}.`);
    return { version, pack: compileOrThrow(files, `${tenantId} version ${version}`) };
  }
}

function compileOrThrow(files: ReadonlyMap<string, string>, name: string): CompiledPack {
  const { pack, problems } = compilePack(files);
  if (!pack) throw new Error(`The pack ${name} does not compile: ${problems.map(({ message }) => message).join('; ')}`);
  return pack;
}
