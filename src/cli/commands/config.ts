/** `millrace config`: the settings as they are, secrets redacted. */
import type { Command } from 'commander';
import { describeConfig } from '../../config.js';
import { type Common, type Io, printJson } from '../io.js';

export function addConfig(program: Command, io: Io): void {
  program
    .command('config')
    .description('print every setting, where it comes from, secrets redacted')
    .action((_: object, command: Command) => {
      const config = io.config();
      if (command.optsWithGlobals<Common>().json) return printJson(io, config.settings);
      return io.out(describeConfig(config));
    });
}
