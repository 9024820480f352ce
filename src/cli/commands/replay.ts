/** `millrace replay <stage> --from 0`: sends everything of a stage again. Workers drop what they have seen. */
import { type Command, Option } from 'commander';
import { StageReplayAnswer } from '../../api/dead-letter-schemas.js';
import { STAGES } from '../../core/stages.js';
import { createClient, understood } from '../client.js';
import { type Common, type Io, printJson } from '../io.js';

interface Options extends Common {
  readonly tenant?: string;
  readonly since?: string;
}

export function addReplay(program: Command, io: Io): void {
  program
    .command('replay <stage>')
    .description(
      `send everything that ${STAGES.join(', ')} had from the beginning again; what was seen changes nothing`,
    )
    .addOption(new Option('--from <offset>', 'where to begin').choices(['0']).default('0'))
    .option('--tenant <tenant>', 'only its exceptions')
    .option('--since <time>', 'only exceptions created at or after (RFC 3339)')
    .action(async (stage: string, _: object, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const client = createClient(io, options);
      const { tenant, since } = options;
      const body = { stage, ...(tenant !== undefined && { tenant }), ...(since !== undefined && { since }) };
      const done = { exceptions: 0, events: 0 };
      for (let after: unknown = null, more = true; more && !io.signal.aborted; ) {
        const text = JSON.stringify({ ...body, after });
        const answer = await client.post('/pipeline/replay', text, { 'content-type': 'application/json' });
        const page = understood(client.base, '/pipeline/replay', answer, StageReplayAnswer);
        done.exceptions += page.exceptions;
        done.events += page.events;
        after = page.next;
        more = page.next !== null;
        io.progress(`${done.exceptions} exceptions, ${done.events} events`);
      }
      io.progress('');
      if (options.json) return printJson(io, { stage, ...done });
      return io.out(`${done.events} events of ${done.exceptions} exceptions were sent to ${stage} again.`);
    });
}
