/** What every request asks of the store before its own work, remembered for a moment: its tenant and its key. */
import { LRUCache } from 'lru-cache';
import { didYouMean, type Problem, ProblemError, quoted } from '../core/errors.js';
import type { ApiKey } from '../store/queries.js';
import type { ApiQueries, Mode } from './ports.js';

const TENANTS_MS = 5_000; // a disabled tenant is refused after at most so long
const KEYS_MS = 1_000; // a revoked key too
const TOUCH_MS = 60_000;

export class Directory {
  private tenants = new Map<string, { readonly disabled: boolean }>();
  private readAt = Number.NEGATIVE_INFINITY;
  private readonly keys = new LRUCache<string, Promise<ApiKey | null>>({ max: 10_000, ttl: KEYS_MS });
  private readonly touched = new LRUCache<string, true>({ max: 10_000, ttl: TOUCH_MS });

  constructor(
    private readonly queries: Pick<ApiQueries, 'listTenants' | 'findApiKey' | 'touchApiKey'>,
    private readonly mode: Mode,
  ) {}

  /** Throws ProblemError TENANT_UNKNOWN (404) or TENANT_DISABLED (403). */
  async requireTenant(tenantId: string): Promise<void> {
    const isFresh = performance.now() - this.readAt < TENANTS_MS;
    if (!isFresh || !this.tenants.has(tenantId)) await this.readTenants();
    const tenant = this.tenants.get(tenantId);
    if (!tenant) throw unknownTenant(tenantId, this.mode === 'embedded' ? [...this.tenants.keys()] : []);
    if (!tenant.disabled) return;
    const problem = {
      code: 'TENANT_DISABLED',
      message: `The tenant ${quoted(tenantId)} is disabled.`,
      path: 'tenantId',
    };
    throw new ProblemError(problem, 403);
  }

  /** Whether the tenant is there and not disabled; for those who have not said who they are, so it costs no look each. */
  async serves(tenantId: string): Promise<boolean> {
    if (performance.now() - this.readAt >= TENANTS_MS) await this.readTenants();
    return this.tenants.get(tenantId)?.disabled === false;
  }

  private async readTenants(): Promise<void> {
    const rows = await this.queries.listTenants();
    this.tenants = new Map(rows.map(({ tenantId, disabledAt }) => [tenantId, { disabled: disabledAt !== null }]));
    this.readAt = performance.now();
  }

  /** The stored key, or null if there is none. Notes, once a minute, that it was asked for. */
  findKey(tenantId: string, keyId: string): Promise<ApiKey | null> {
    const name = `${tenantId}.${keyId}`;
    let found = this.keys.get(name);
    if (!found) {
      found = this.queries.findApiKey(tenantId, keyId);
      this.keys.set(name, found);
      found.catch(() => this.keys.delete(name));
    }
    return found;
  }

  /** Notes that a key was used. Failing to do so is no reason to refuse the request. */
  noteUse({ tenantId, keyId }: ApiKey): void {
    const name = `${tenantId}.${keyId}`;
    if (this.touched.has(name)) return;
    this.touched.set(name, true);
    this.queries.touchApiKey(tenantId, keyId).catch(() => this.touched.delete(name));
  }
}

/** The same answer for a tenant that does not exist and for one that is not the caller's. */
export function unknownTenant(tenantId: string, known: readonly string[]): ProblemError {
  const meant = didYouMean(tenantId, known);
  const listed = known.slice(0, 20).join(', ');
  const hint = meant !== undefined ? `Did you mean \`${meant}\`?` : listed === '' ? undefined : `Known: ${listed}.`;
  const message = `There is no tenant ${quoted(tenantId)}.`;
  const problem: Problem = { code: 'TENANT_UNKNOWN', message, path: 'tenantId', ...(hint !== undefined && { hint }) };
  return new ProblemError(problem, 404);
}
