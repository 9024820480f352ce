/** `millrace reingest <tenant> <id>`, or by `--status`: works exceptions again. */
import type { Command } from 'commander';
import { Reingested, ReingestedMany } from '../../api/schemas.js';
import { CASE_STATUSES } from '../../core/case.js';
import { ProblemError } from '../../core/errors.js';
import { createClient, understood } from '../client.js';
import { type Common, type Io, printJson } from '../io.js';

interface Options extends Common {
  readonly status?: string;
  readonly source?: string;
  readonly limit?: string;
}

const MEANING = {
  resent: 'its events are on their way again',
  reworked: 'it starts over',
  created: 'it was closed; its report made a new one',
  in_progress: 'workers have it',
} as const;

export function addReingest(program: Command, io: Io): void {
  program
    .command('reingest <tenant> [id]')
    .description('work an exception again, or those that --status names')
    .option('--status <list>', `${CASE_STATUSES.join(', ')}; several separated by commas`)
    .option('--source <name>', 'only those of this source')
    .option('--limit <number>', 'at most so many (100)')
    .action(async (tenant: string, id: string | undefined, _: object, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const client = createClient(io, options);
      const path = `/exceptions/${encodeURIComponent(tenant)}`;
      const post = (to: string, body: unknown) =>
        client.post(to, JSON.stringify(body), { 'content-type': 'application/json' });
      if ((id === undefined) === (options.status === undefined)) throw new ProblemError(EITHER);
      if (id !== undefined) {
        const to = `${path}/${encodeURIComponent(id)}/reingest`;
        const answer = understood(client.base, to, await post(to, {}), Reingested);
        if (options.json) return printJson(io, answer);
        return io.out(`${answer.id}  ${answer.outcome}: ${MEANING[answer.outcome]}`);
      }
      const { source, status = '', limit } = options;
      const filter = {
        status: status.split(','),
        ...(source !== undefined && { source }),
        ...(limit !== undefined && { limit: Number(limit) }),
      };
      const to = `${path}/reingest`;
      const answer = understood(client.base, to, await post(to, filter), ReingestedMany);
      if (options.json) return printJson(io, answer);
      const { matched, resent, reworked, created, inProgress } = answer;
      return io.out(
        `${matched} found: ${resent} resent, ${reworked} reworked, ${created} made anew, ${inProgress} in progress.`,
      );
    });
}

const EITHER = {
  code: 'ARGUMENT_MISSING',
  message: 'Name either one exception by its id, or several by --status.',
  hint: 'millrace reingest demo --status OPEN',
};
