/** `millrace explain <tenant> <id>`: why an exception came to where it is. */
import type { Command } from 'commander';
import { Explained } from '../../api/trial-schemas.js';
import { createClient } from '../client.js';
import { explanationLines, triedLine } from '../explaining.js';
import { type Common, colorsOf, type Io, printJson } from '../io.js';

interface Options extends Common {
  readonly rule?: string;
  readonly all?: true;
}

export function addExplain(program: Command, io: Io): void {
  program
    .command('explain <tenant> <id>')
    .description('say why: what each stage tried, what matched, and what was false where it did not')
    .option('--rule <name>', 'why this rule, policy or playbook had a part in it, or had none')
    .option('--all', 'also every rule that did not match')
    .action(async (tenant: string, id: string, _: object, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const client = createClient(io, options);
      const query = options.rule === undefined ? '' : `?rule=${encodeURIComponent(options.rule)}`;
      const path = `/exceptions/${encodeURIComponent(tenant)}/${encodeURIComponent(id)}/explain${query}`;
      const explained = await client.get(path, Explained);
      if (options.json) return printJson(io, explained);
      return print(io, explained, options.all === true);
    });
}

function print(io: Io, { id, status, title, summary, parts, rule }: Explained, isWhole: boolean): void {
  const color = colorsOf(io);
  io.out(`${color.bold(title ?? id)}  ${color.dim(id)}`);
  io.out(`${status}: ${summary}`);
  io.out('');
  if (rule === undefined) {
    for (const line of explanationLines(io, parts, isWhole)) io.out(line);
    return;
  }
  io.out(`${color.bold(rule.name)}: ${rule.answer}`);
  if (rule.found !== null) for (const line of triedLine(io, rule.found)) io.out(line);
}
