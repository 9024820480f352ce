/** `millrace resolve`, `cancel` and `escalate <tenant> <id> --reason …`: a person ends an exception, or takes it on. */
import type { Command } from 'commander';
import { Ended } from '../../api/schemas.js';
import { COMMANDS } from '../../core/events.js';
import { createClient, understood } from '../client.js';
import { type Common, type Io, printJson } from '../io.js';

const WORDS = {
  resolve: 'say that an exception was dealt with by other means',
  cancel: 'end an exception that needs nothing',
  escalate: 'have a person take on an exception; its run ends',
} as const;

export function addEnd(program: Command, io: Io): void {
  for (const name of COMMANDS) {
    program
      .command(`${name} <tenant> <id>`)
      .description(WORDS[name])
      .requiredOption('--reason <text>', 'why; it is kept in the timeline')
      .option('--by <name>', 'who does it, on your own machine')
      .action(async (tenant: string, id: string, _: object, command: Command) => {
        const { reason, by, ...common } = command.optsWithGlobals<Common & { reason: string; by?: string }>();
        const client = createClient(io, common);
        const path = `/exceptions/${encodeURIComponent(tenant)}/${encodeURIComponent(id)}/${name}`;
        const body = JSON.stringify({ reason, ...(by !== undefined && { by }) });
        const posted = await client.post(path, body, { 'content-type': 'application/json' });
        const answer = understood(client.base, path, posted, Ended);
        if (common.json) return printJson(io, answer);
        return io.out(`${answer.id}  was ${answer.status}; ${name} by ${answer.by} is on its way.`);
      });
  }
}
