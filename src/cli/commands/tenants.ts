/** `millrace tenants create|list`. */
import type { Command } from 'commander';
import { withDatabase } from '../database.js';
import { type Common, type Io, printJson, shortTime, tableLines } from '../io.js';

export function addTenants(program: Command, io: Io): void {
  const tenants = program.command('tenants').description('tenants, directly in the database');
  tenants
    .command('create <tenant>')
    .description('create a tenant; one that exists is left alone')
    .action(async (tenant: string, _: object, command: Command) => {
      const created = await withDatabase(io, ({ queries }) => queries.createTenant(tenant));
      if (command.optsWithGlobals<Common>().json) return printJson(io, { tenant, created });
      return io.out(created ? `Created the tenant ${tenant}.` : `The tenant ${tenant} exists.`);
    });
  tenants
    .command('list')
    .description('list the tenants')
    .action(async (_: object, command: Command) => {
      const list = await withDatabase(io, ({ queries }) => queries.listTenants());
      if (command.optsWithGlobals<Common>().json) return printJson(io, list);
      const rows = list.map(({ tenantId, activePack, createdAt, disabledAt }) => [
        tenantId,
        activePack === null ? '-' : `version ${activePack}`,
        shortTime(createdAt),
        disabledAt === null ? '' : `disabled since ${shortTime(disabledAt)}`,
      ]);
      for (const line of tableLines(io, ['tenant', 'pack', 'created', ''], rows)) io.out(line);
    });
}
