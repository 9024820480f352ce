/** `millrace desk`: serves what the tools of the demo pack talk to, for a cluster that tries the demo. */
import { once } from 'node:events';
import type { Command } from 'commander';
import { startStandIn } from '../../embedded/stand-in.js';
import type { Io } from '../io.js';

export function addDesk(program: Command, io: Io): void {
  program
    .command('desk')
    .description('serve the small settlement desk that the demo pack talks to')
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .option('--port <number>', 'on which port', '7072')
    .action(async ({ host, port }: { readonly host: string; readonly port: string }) => {
      const desk = await startStandIn(Number(port), host);
      io.out(`The desk answers at ${desk.url}.`);
      if (!io.signal.aborted) await once(io.signal, 'abort');
      await desk.close();
    });
}
