/** `millrace keys create|list|revoke`: API keys, directly in the database. */
import { type Command, Option } from 'commander';
import { makeKey, SCOPES } from '../../api/keys.js';
import { parseDuration } from '../../core/duration.js';
import { ProblemError } from '../../core/errors.js';
import { withDatabase } from '../database.js';
import { type Common, type Io, printJson, shortTime, tableLines } from '../io.js';

interface Options extends Common {
  readonly name: string;
  readonly scope: readonly string[];
  readonly expires?: string;
}

export function addKeys(program: Command, io: Io): void {
  const keys = program.command('keys').description('API keys, directly in the database');
  keys
    .command('create <tenant>')
    .description('make a key; it is shown once')
    .requiredOption('--name <name>', 'whose it is; approvals are decided under this name')
    .addOption(
      new Option('--scope <scope...>', 'what it is good for')
        .choices(SCOPES)
        .default(['exceptions:write', 'exceptions:read', 'pipeline:read']),
    )
    .option('--expires <duration>', 'for how long it is good: 90d, 12h')
    .action(async (tenant: string, _: object, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const { name, scope, expires } = options;
      const made = makeKey(tenant);
      const expiresAt = expires === undefined ? null : Date.now() + durationOf(expires);
      await withDatabase(io, async ({ queries }) => {
        if (!(await queries.tenantExists(tenant))) throw unknownTenant(tenant);
        const { keyId, secretHash } = made;
        await queries.createApiKey({ tenantId: tenant, keyId, name, secretHash, scopes: [...scope], expiresAt });
      });
      if (options.json) return printJson(io, { tenant, id: made.keyId, name, scopes: scope, expiresAt, key: made.key });
      io.out(made.key);
      return io.err(`Shown once: keep it. Use it as --key, MILLRACE_API_KEY, or "Authorization: Bearer …".`);
    });
  addList(keys, io);
  addRevoke(keys, io);
}

function addList(keys: Command, io: Io): void {
  keys
    .command('list <tenant>')
    .description("list a tenant's keys, without their secrets")
    .action(async (tenant: string, _: object, command: Command) => {
      const found = await withDatabase(io, ({ queries }) => queries.listApiKeys(tenant));
      const list = found.map(({ secretHash: __, ...key }) => key);
      if (command.optsWithGlobals<Common>().json) return printJson(io, list);
      const rows = list.map(({ keyId, name, scopes, createdAt, lastUsedAt, expiresAt, revokedAt }) => [
        keyId,
        name,
        shortTime(createdAt),
        shortTime(lastUsedAt),
        stateOf(expiresAt, revokedAt),
        scopes.join(' '),
      ]);
      for (const line of tableLines(io, ['id', 'name', 'created', 'last used', 'state', 'scopes'], rows)) io.out(line);
    });
}

function stateOf(expiresAt: number | null, revokedAt: number | null): string {
  if (revokedAt !== null) return 'revoked';
  if (expiresAt === null) return 'good';
  return expiresAt <= Date.now() ? 'expired' : `until ${shortTime(expiresAt)}`;
}

function addRevoke(keys: Command, io: Io): void {
  keys
    .command('revoke <tenant> <id>')
    .description('end a key at once')
    .allowUnknownOption() // an id may begin with a dash
    .action(async (tenant: string, id: string, _: object, command: Command) => {
      const revoked = await withDatabase(io, ({ queries }) => queries.revokeApiKey(tenant, id));
      if (!revoked) {
        const message = `Tenant ${tenant} has no such key that is not revoked.`;
        throw new ProblemError({
          code: 'KEY_UNKNOWN',
          path: id,
          message,
          hint: `List them: millrace keys list ${tenant}`,
        });
      }
      if (command.optsWithGlobals<Common>().json) return printJson(io, { tenant, id, revoked });
      return io.out(`The key ${id} is revoked.`);
    });
}

function durationOf(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  const message = 'is not a duration.';
  throw new ProblemError({
    code: 'ARGUMENT_INVALID',
    path: '--expires',
    message,
    hint: 'A number and a unit: 90d, 12h, 30m.',
  });
}

const unknownTenant = (tenant: string): ProblemError =>
  new ProblemError({
    code: 'TENANT_UNKNOWN',
    message: `There is no tenant "${tenant}".`,
    hint: `Create it first: millrace tenants create ${tenant}`,
  });
