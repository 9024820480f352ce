/** A pack's life: it is checked, kept as a version, made the active one, and taken back. */

import type { Activated, Activating } from '../core/activation.js';
import { type Problem, ProblemError, ProblemsError } from '../core/errors.js';
import { mayRead } from '../core/topics.js';
import type { CompiledPack, PackProblem } from '../packs/index.js';
import type { Telemetry } from '../telemetry/catalogue.js';
import { compileBeside } from './compile.js';

export type PackFiles = Readonly<Record<string, string>>;

export interface Pushed {
  readonly version: number;
  readonly hash: string;
  readonly name: string;
  readonly files: number;
  readonly created: boolean; // false: the same files were there already
}

export interface StoredPack {
  readonly version: number;
  readonly hash: string;
  readonly name: string;
  readonly files: PackFiles;
  readonly createdAt: number;
  readonly createdBy: string;
}

/** Where versions are kept; see the queries of the same names. */
export interface PackStore {
  createTenant(tenantId: string): Promise<boolean>;
  savePack(
    tenantId: string,
    pack: { readonly name: string; readonly files: PackFiles; readonly createdBy: string },
  ): Promise<{ readonly version: number; readonly hash: string; readonly created: boolean }>;
  getPack(tenantId: string, version: number): Promise<StoredPack | null>;
  getActivePack(tenantId: string): Promise<StoredPack | null>;
  listPacks(tenantId: string, page: { readonly limit: number }): Promise<readonly { readonly version: number }[]>;
  activatePack(tenantId: string, version: number, how: Activating): Promise<Activated>;
  rollbackTarget(tenantId: string): Promise<{ readonly active: number | null; readonly version: number | null }>;
  rollbackPack(tenantId: string, how: Activating): Promise<Activated>;
}

export interface PacksDeps {
  readonly queries: PackStore;
  /** Told that a tenant's active version may be another one now. */
  readonly onChange?: (tenantId: string) => void;
  readonly telemetry?: Telemetry;
  /** Topics that packs may read, as patterns; without them all. */
  readonly sourceTopics?: readonly string[] | null;
}

export class Packs {
  constructor(private readonly deps: PacksDeps) {}

  /** The pack that these files are for this tenant. Throws ProblemsError (422) with every problem. */
  async validate(tenantId: string, files: PackFiles): Promise<CompiledPack> {
    const pack = await validPack(files);
    const [first, ...more] = topicProblems(pack, tenantId, this.deps.sourceTopics ?? null);
    if (first !== undefined) throw new ProblemsError([first, ...more], 422);
    return pack;
  }

  /**
   * Keeps the files as a version; `makesTenant`: of a tenant that is made with it, if need be. Throws ProblemsError (422) with
   * every problem, ProblemError TENANT_UNKNOWN.
   */
  async push(tenantId: string, files: PackFiles, createdBy: string, makesTenant = false): Promise<Pushed> {
    const { name } = await this.validate(tenantId, files);
    if (makesTenant) await this.deps.queries.createTenant(tenantId);
    const kept = await this.deps.queries.savePack(tenantId, { name, files, createdBy });
    return { ...kept, name, files: Object.keys(files).length };
  }

  /**
   * The version that `word` names: a number, `active` or `newest`; `path` is where the word stands. Throws ProblemError
   * VERSION_INVALID, PACK_VERSION_UNKNOWN.
   */
  async stored(tenantId: string, word: string, path: string): Promise<StoredPack> {
    const { queries } = this.deps;
    const newest = async () => (await queries.listPacks(tenantId, { limit: 1 }))[0]?.version ?? 0;
    const found =
      word === 'active'
        ? await queries.getActivePack(tenantId)
        : await queries.getPack(tenantId, word === 'newest' ? await newest() : versionOf(word, path));
    if (found) return found;
    const message = word === 'active' ? 'No pack is active.' : `There is no version ${word}.`;
    const hint = 'List them with `millrace packs list`.';
    throw new ProblemError({ code: 'PACK_VERSION_UNKNOWN', message, path, hint }, 404);
  }

  /** Throws ProblemError PACK_VERSION_UNKNOWN, PACK_ACTIVE_CHANGED, and ProblemsError where it cannot be used. */
  async activate(tenantId: string, version: number, how: Activating): Promise<Activated> {
    await this.requireUsable(tenantId, version);
    return this.changed(tenantId, how, await this.deps.queries.activatePack(tenantId, version, how));
  }

  /** Activates what was active before. Throws as `activate`, and ROLLBACK_IMPOSSIBLE. */
  async rollback(tenantId: string, how: Activating): Promise<Activated> {
    const { active, version } = await this.deps.queries.rollbackTarget(tenantId);
    if (version !== null) await this.requireUsable(tenantId, version);
    const guarded = version === null || how.expected !== undefined ? how : { ...how, expected: active };
    return this.changed(tenantId, how, await this.deps.queries.rollbackPack(tenantId, guarded));
  }

  private changed(tenantId: string, { by }: Activating, activated: Activated): Activated {
    const { version, previous, changed } = activated;
    this.deps.onChange?.(tenantId);
    if (changed) this.deps.telemetry?.emit('pack.activated', { tenantId, version, previous, by });
    return activated;
  }

  /** What was kept by another version of Millrace may not be what this one understands. */
  private async requireUsable(tenantId: string, version: number): Promise<void> {
    const stored = await this.deps.queries.getPack(tenantId, version);
    if (stored !== null) await this.validate(tenantId, stored.files);
  }
}

/** What the operator does not let packs read: the log-in of Millrace may be allowed more than one tenant is. */
function topicProblems(pack: CompiledPack, tenantId: string, patterns: readonly string[] | null): PackProblem[] {
  return [...pack.sources.values()].flatMap(({ topic }) => {
    if (topic === null || mayRead(patterns, tenantId, topic.name)) return [];
    const message = `Packs of ${tenantId} may not read the topic \`${topic.name}\`.`;
    const hint = 'Ask who runs Millrace: KAFKA_SOURCE_TOPICS says which topics packs may read.';
    const { file, line, column } = topic.place;
    return [{ ...topic.place, path: `${file}:${line}:${column}`, code: 'TOPIC_NOT_ALLOWED', message, hint }];
  });
}

async function validPack(files: PackFiles): Promise<CompiledPack> {
  const { pack, problems } = await compileBeside(new Map(Object.entries(files)));
  if (pack) return pack;
  throw new ProblemsError(problems as [PackProblem, ...PackProblem[]], 422);
}

/** The version that `text` names: a number, or `v3`. Throws ProblemError VERSION_INVALID. */
export function versionOf(text: string, path: string): number {
  const version = /^v?([1-9]\d{0,8})$/.exec(text)?.[1];
  if (version !== undefined) return Number(version);
  const problem: Problem = {
    code: 'VERSION_INVALID',
    path,
    message: `${JSON.stringify(text.slice(0, 100))} is not a version.`,
    hint: 'Versions are 1, 2, 3 …; `millrace packs list` shows them.',
  };
  throw new ProblemError(problem);
}
