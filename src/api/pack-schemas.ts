/** The shapes of questions and answers about packs. */
import { z } from 'zod';
import { TenantParams } from './schemas.js';

const time = z.iso.datetime().describe('RFC 3339, UTC.');
const json = z.unknown();
const Version = z.int().min(1).describe('1, 2, 3 …');

export const PackVersionParams = TenantParams.extend({
  version: z.string().describe('A version, or `active`.'),
});

export const PackListQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1_000).default(100).describe('So many versions and activations.'),
  before: z.coerce.number().int().min(1).optional().describe('Only versions below this one.'),
});

const VersionInfo = z.object({
  version: Version,
  name: z.string(),
  hash: z.string().describe('Of the content: equal files are one version.'),
  active: z.boolean(),
  createdAt: time,
  createdBy: z.string(),
});

const Activation = z.object({
  number: z.int().describe('The order in which they came to be.'),
  kind: z.enum(['activate', 'rollback']),
  version: Version,
  previous: z.int().nullable().describe('What was active before.'),
  at: time,
  by: z.string(),
  reason: z.string().nullable(),
});

export const PackInfo = z
  .object({
    tenant: z.string(),
    version: z.int().describe('The one that decides now; 0: the built-in pack of a tenant that has none.'),
    name: z.string(),
    hash: z.string().nullable(),
    sources: z.array(z.string()),
    createdAt: time.nullable(),
    createdBy: z.string().nullable(),
    versions: z.array(VersionInfo).describe('The newest first.'),
    activations: z.array(Activation).describe('Who made which version the active one, the newest first.'),
  })
  .meta({ id: 'Pack' });
export type PackInfo = z.infer<typeof PackInfo>;

const Files = z
  .record(z.string(), z.string())
  .describe('The text of each file by its path in the folder: `triage.yaml`, `playbooks/repair.yaml`.');

export const PackBody = z.strictObject({
  files: Files,
  by: z.string().min(1).max(200).optional().describe('Who pushes, on one’s own machine; elsewhere it is the key.'),
});

export const PackVersion = VersionInfo.extend({ tenant: z.string(), files: Files }).meta({ id: 'PackVersion' });

export const PackPushed = z.object({
  tenant: z.string(),
  version: Version,
  name: z.string(),
  hash: z.string(),
  files: z.int(),
  created: z.boolean().describe('false: these files were a version already.'),
});

export const PackChecked = z.object({
  valid: z.literal(true),
  name: z.string(),
  hash: z.string(),
  sources: z.array(z.string()),
  rules: z.int(),
  policies: z.int(),
  playbooks: z.array(z.string()),
  tools: z.array(z.string()),
});

const how = {
  expected: z.int().min(0).optional().describe('Only if this version is active now; 0: none. Same as If-Match.'),
  reason: z.string().max(1_000).optional(),
  by: z.string().min(1).max(200).optional().describe('Who does it, on one’s own machine; elsewhere it is the key.'),
};
export const ActivateBody = z.strictObject({ version: Version, ...how });
export const RollbackBody = z.strictObject(how);
export const IfMatch = z.object({
  'if-match': z.string().optional().describe('The ETag of `GET /packs/{tenantId}`: only if that version is active.'),
});

export const PackActivated = z.object({
  tenant: z.string(),
  version: Version,
  previous: z.int().nullable(),
  changed: z.boolean().describe('false: it was active already.'),
});

export const PackDiffQuery = z.strictObject({
  from: z.string().default('active').describe('A version, or `active`.'),
  to: z.string().default('newest').describe('A version, `active` or `newest`.'),
});

export const PackDiffAnswer = z
  .object({
    from: z.int(),
    to: z.int(),
    parts: z
      .array(
        z.object({
          change: z.enum(['added', 'removed', 'changed', 'moved']),
          kind: z.string().describe('rule, policy, playbook, tool, source, table …'),
          name: z.string(),
          file: z.string(),
          words: z.array(z.object({ word: z.string(), from: json.optional(), to: json.optional() })),
        }),
      )
      .describe('What was added, removed and changed, as people speak of it.'),
    files: z.array(
      z.object({
        file: z.string(),
        change: z.enum(['added', 'removed', 'changed']),
        unified: z.string().describe('As `diff -u` writes it.'),
      }),
    ),
  })
  .meta({ id: 'PackDiff' });
