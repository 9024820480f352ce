/** Tenants, their packs and their API keys. */

import { check, foreignKey, integer, pgTable, primaryKey, sql, text, unique } from '../drizzle.js';
import { json, time } from './types.js';

/** Written by: migrate, API (packs activate). Read by: everybody. */
export const tenants = pgTable(
  'tenants',
  {
    tenantId: text('tenant_id').primaryKey(),
    activePack: integer('active_pack'),
    createdAt: time('created_at').notNull().default(sql`now()`),
    disabledAt: time('disabled_at'),
  },
  (t) => [check('tenants_tenant_id_check', sql`${t.tenantId} <> ''`)],
);

/** Immutable pack versions. Written by: API, CLI. Read by: API and all workers (cached by tenant and version). */
export const packs = pgTable(
  'packs',
  {
    tenantId: text('tenant_id').notNull(),
    version: integer('version').notNull(),
    hash: text('hash').notNull(),
    name: text('name').notNull(),
    files: json<Readonly<Record<string, string>>>()('files').notNull(),
    createdAt: time('created_at').notNull().default(sql`now()`),
    createdBy: text('created_by').notNull(),
  },
  (t) => [
    primaryKey({ name: 'packs_pkey', columns: [t.tenantId, t.version] }),
    unique('packs_tenant_id_hash_key').on(t.tenantId, t.hash),
    foreignKey({ name: 'packs_tenant_id_fkey', columns: [t.tenantId], foreignColumns: [tenants.tenantId] }),
  ],
);

/** Which version became the active one, when and by whom. Written by: API, CLI (packs). Read by: API, CLI. */
export const packActivations = pgTable(
  'pack_activations',
  {
    tenantId: text('tenant_id').notNull(),
    number: integer('number').notNull(),
    version: integer('version').notNull(),
    previous: integer('previous'),
    back: integer('back'),
    kind: text('kind').$type<'activate' | 'rollback'>().notNull(),
    at: time('at').notNull().default(sql`now()`),
    by: text('by').notNull(),
    reason: text('reason'),
  },
  (t) => [
    primaryKey({ name: 'pack_activations_pkey', columns: [t.tenantId, t.number] }),
    foreignKey({
      name: 'pack_activations_tenant_id_fkey',
      columns: [t.tenantId],
      foreignColumns: [tenants.tenantId],
    }),
    foreignKey({
      name: 'pack_activations_tenant_id_version_fkey',
      columns: [t.tenantId, t.version],
      foreignColumns: [packs.tenantId, packs.version],
    }),
    check('pack_activations_kind_check', sql`${t.kind} in ('activate', 'rollback')`),
  ],
);

/** API keys, hashed. Written by: CLI (keys). Read by: API. */
export const apiKeys = pgTable(
  'api_keys',
  {
    tenantId: text('tenant_id').notNull(),
    keyId: text('key_id').notNull(),
    name: text('name').notNull(),
    secretHash: text('secret_hash').notNull(),
    scopes: text('scopes').array().notNull(),
    createdAt: time('created_at').notNull().default(sql`now()`),
    expiresAt: time('expires_at'),
    revokedAt: time('revoked_at'),
    lastUsedAt: time('last_used_at'),
  },
  (t) => [
    primaryKey({ name: 'api_keys_pkey', columns: [t.tenantId, t.keyId] }),
    foreignKey({ name: 'api_keys_tenant_id_fkey', columns: [t.tenantId], foreignColumns: [tenants.tenantId] }),
  ],
);
