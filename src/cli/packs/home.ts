/** Where packs are kept, as the commands see it: behind the API, or in the database itself. */
import { existsSync } from 'node:fs';
import type { z } from 'zod';
import { PackActivated, PackInfo, PackPushed, PackVersion } from '../../api/pack-schemas.js';
import type { Activating } from '../../core/activation.js';
import { type Problem, ProblemError } from '../../core/errors.js';
import { isTenantId } from '../../core/ids.js';
import { type PackFiles, Packs } from '../../runtime/packs.js';
import type { Queries } from '../../store/queries.js';
import { createClient, RefusedError, understood } from '../client.js';
import { embeddedFolder, withDatabase } from '../database.js';
import type { Common, Io } from '../io.js';

export type Kept = Pick<z.infer<typeof PackInfo>, 'version' | 'versions' | 'activations'>;
export type KeptVersion = z.infer<typeof PackVersion>;
type Pushed = z.infer<typeof PackPushed>;
type Activated = z.infer<typeof PackActivated>;

export interface PackHome {
  list(tenant: string): Promise<Kept>;
  /** `version`: a number, `active` or `newest`. Throws PACK_VERSION_UNKNOWN, VERSION_INVALID. */
  show(tenant: string, version: string): Promise<KeptVersion>;
  push(tenant: string, files: PackFiles, by: string | undefined): Promise<Pushed>;
  activate(tenant: string, version: number, how: How): Promise<Activated>;
  rollback(tenant: string, how: How): Promise<Activated>;
}

/** `expected` 0: none is active. */
export interface How {
  readonly expected?: number;
  readonly reason?: string;
  readonly by?: string;
}

export interface HomeOptions extends Common {
  readonly database?: true;
}

/**
 * The API where it or a key is named, else the database where one is named, else this folder's embedded Millrace: by its API
 * while it runs, in its database while it does not.
 */
export async function withPacks<T>(io: Io, options: HomeOptions, body: (home: PackHome) => Promise<T>): Promise<T> {
  const config = io.config();
  const { url, key, database } = options;
  const isNamed = [url, key, config.client.url, config.client.apiKey].some((one) => one !== undefined && one !== null);
  const inDatabase = () => withDatabase(io, ({ queries }) => body(databaseHome(queries, config.kafka.sourceTopics)));
  if (database) return inDatabase();
  if (isNamed) return body(apiHome(io, options));
  if (config.database.url !== null) return inDatabase();
  if (!existsSync(embeddedFolder(config))) return body(apiHome(io, options));
  try {
    return await inDatabase();
  } catch (error) {
    if (error instanceof ProblemError && error.problem.code === 'HOME_HELD') return body(apiHome(io, options));
    throw error;
  }
}

function apiHome(io: Io, options: Common): PackHome {
  const client = createClient(io, options);
  const at = (tenant: string, rest = '') => `/packs/${encodeURIComponent(tenant)}${rest}`;
  const JSON_BODY = { 'content-type': 'application/json' };
  const post = async (path: string, body: unknown) =>
    understood(client.base, path, await client.post(path, JSON.stringify(body), JSON_BODY), PackActivated);
  return {
    list: (tenant) => client.get(at(tenant, '?limit=1000'), PackInfo),
    show: (tenant, version) => client.get(at(tenant, `/${encodeURIComponent(version)}`), PackVersion),
    push: async (tenant, files, by) => {
      const body = JSON.stringify({ files, ...(by !== undefined && { by }) });
      const answer = await client.put(at(tenant), body, JSON_BODY);
      return withTenantHint(tenant, () => understood(client.base, at(tenant), answer, PackPushed));
    },
    activate: (tenant, version, how) => post(at(tenant, '/activate'), { version, ...how }),
    rollback: (tenant, how) => post(at(tenant, '/rollback'), how),
  };
}

/** In a cluster a tenant is there before its packs are, and is made beside the database. */
function withTenantHint<T>(tenant: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    const hint = `Who runs Millrace makes it, where DATABASE_URL is set: millrace tenants create ${tenant}`;
    const told = (problem: Problem) =>
      problem.code === 'TENANT_UNKNOWN' && isTenantId(tenant) ? { ...problem, hint } : problem;
    throw new RefusedError(error.status, error.problems.map(told));
  }
}

const timeOf = (ms: number): string => new Date(ms).toISOString();

function databaseHome(queries: Queries, sourceTopics: readonly string[] | null): PackHome {
  const packs = new Packs({ queries, sourceTopics });
  const howOf = ({ expected, by = 'cli', ...rest }: How): Activating => ({
    ...rest,
    by,
    ...(expected !== undefined && { expected: expected === 0 ? null : expected }),
  });
  return {
    list: async (tenant) => {
      const versions = await queries.listPacks(tenant);
      const activations = await queries.packActivations(tenant, 1_000);
      return {
        version: versions.find(({ active }) => active)?.version ?? 0,
        versions: versions.map((one) => ({ ...one, createdAt: timeOf(one.createdAt) })),
        activations: activations.map((one) => ({ ...one, at: timeOf(one.at) })),
      };
    },
    show: async (tenant, word) => {
      const stored = await packs.stored(tenant, word, 'version');
      const active = (await queries.packSource.activeVersion(tenant)) === stored.version;
      return { ...stored, tenant, active, createdAt: timeOf(stored.createdAt) };
    },
    push: async (tenant, files, by = 'cli') => ({ tenant, ...(await packs.push(tenant, files, by)) }),
    activate: async (tenant, version, how) => ({ tenant, ...(await packs.activate(tenant, version, howOf(how))) }),
    rollback: async (tenant, how) => ({ tenant, ...(await packs.rollback(tenant, howOf(how))) }),
  };
}
