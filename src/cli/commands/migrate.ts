/** `millrace migrate`: brings the database up to date, as the owner of the tables. */
import type { Command } from 'commander';
import { ProblemError } from '../../core/errors.js';
import { grantRuntimeLogin, migrate } from '../../store/migrate.js';
import { openForMigration } from '../../store/open.js';
import { NO_DATABASE } from '../database.js';
import { type Common, type Io, printJson } from '../io.js';

/** The login role that MILLRACE_RUNTIME_PASSWORD is for. */
export const RUNTIME_LOGIN = 'millrace_runtime';

export function addMigrate(program: Command, io: Io): void {
  program
    .command('migrate')
    .description('bring the database up to date (MIGRATE_DATABASE_URL, or else DATABASE_URL)')
    .addHelpText(
      'after',
      `\nWith MILLRACE_RUNTIME_PASSWORD set it also makes the role ${RUNTIME_LOGIN} for DATABASE_URL.`,
    )
    .action(async (_: object, command: Command) => {
      const { migrateUrl, url, runtimePassword } = io.config().database;
      const owner = migrateUrl ?? url;
      if (owner === null) throw new ProblemError({ ...NO_DATABASE, path: 'MIGRATE_DATABASE_URL' });
      const driver = openForMigration(owner);
      try {
        const ran = await migrate(driver);
        if (runtimePassword !== null) await grantRuntimeLogin(driver, RUNTIME_LOGIN, runtimePassword);
        const role = runtimePassword === null ? null : RUNTIME_LOGIN;
        if (command.optsWithGlobals<Common>().json) return printJson(io, { ran, role });
        io.out(ran.length === 0 ? 'The database is up to date.' : `Ran ${ran.join(', ')}.`);
        if (role !== null) io.out(`The role ${role} can log in with the password given.`);
      } finally {
        await driver.close();
      }
    });
}
