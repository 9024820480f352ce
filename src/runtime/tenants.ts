/** Which tenants exist, remembered for a minute: a chunk must not ask for each of its events. */
import type { Store } from '../store/port.js';

const KEEP_MS = 60_000;

export class TenantDirectory {
  private readonly until = new Map<string, number>();
  constructor(private readonly store: Store) {}

  /** Of `tenants` those that exist and are not disabled. Only good news is remembered. */
  async known(tenants: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const now = performance.now();
    const asked: string[] = [];
    for (const tenant of tenants) if ((this.until.get(tenant) ?? 0) < now) asked.push(tenant);
    if (asked.length === 0) return tenants;
    const found = await this.store.transaction(asked, (tx) => tx.knownTenants(asked));
    for (const tenant of asked) this.until.delete(tenant);
    for (const tenant of found) this.until.set(tenant, now + KEEP_MS);
    return new Set([...tenants].filter((tenant) => this.until.has(tenant)));
  }
}
