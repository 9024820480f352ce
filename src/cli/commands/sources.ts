/** `millrace sources [tenant]`: where exceptions may come in, and how to try it. */
import type { Command } from 'commander';
import { SourceList } from '../../api/schemas.js';
import { createClient } from '../client.js';
import { type Common, colorsOf, type Io, printJson } from '../io.js';

export function addSources(program: Command, io: Io): void {
  program
    .command('sources [tenant]')
    .description('the sources of the active pack: the URL to paste, and a curl that works (tenant: demo)')
    .action(async (tenant: string = 'demo', _: object, command: Command) => {
      const options = command.optsWithGlobals<Common>();
      const list = await createClient(io, options).get(`/sources/${encodeURIComponent(tenant)}`, SourceList);
      if (options.json) return printJson(io, list);
      const color = colorsOf(io);
      for (const { name, kind, verified, topic, url, curl } of list.sources) {
        const who = verified === null ? '' : `  verified by ${verified}`;
        io.out(`${color.bold(name)}  ${kind}${who}  ${url ?? `topic ${topic}`}`);
        for (const line of curl?.split('\n') ?? []) io.out(`  ${color.dim(line)}`);
      }
    });
}
