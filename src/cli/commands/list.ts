/** `millrace list <tenant>`: the newest exceptions, one a line. */
import type { Command } from 'commander';
import { ExceptionPage, type Summary } from '../../api/schemas.js';
import { ProblemError, quoted } from '../../core/errors.js';
import { createClient } from '../client.js';
import { type Common, duration, type Io, printJson, tableLines } from '../io.js';

interface Options extends Common {
  readonly status?: string;
  readonly limit: string;
}

const PAGE = 200;
const WIDEST = 80;

export function addList(program: Command, io: Io): void {
  program
    .command('list <tenant>')
    .description('list exceptions, the newest first')
    .option('--status <list>', 'only in these statuses, separated by commas: ESCALATED,WAITING')
    .option('--limit <n>', 'at most so many', '20')
    .action(async (tenant: string, _: object, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const limit = limitOf(options.limit);
      const { items, more } = await newest(io, tenant, options, limit);
      if (options.json) return printJson(io, { items, more });
      if (items.length === 0) return io.out(`${tenant} has no ${options.status ?? ''} exceptions.`.replace('  ', ' '));
      const rows = items.map(rowOf);
      for (const line of tableLines(io, ['id', 'status', 'category', 'age', 'title'], rows)) io.out(line);
      if (more) io.err(`There are more: --limit ${limit * 2}.`);
    });
}

function limitOf(text: string): number {
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit > 0) return limit;
  const hint = 'Write a whole number from 1 to 999999.';
  throw new ProblemError({ code: 'ARGUMENT_INVALID', path: '--limit', message: `is ${quoted(text)}.`, hint });
}

async function newest(io: Io, tenant: string, { status, limit: _, ...common }: Options, limit: number) {
  const client = createClient(io, common);
  const items: Summary[] = [];
  let cursor: string | null = null;
  do {
    const query = new URLSearchParams({
      limit: String(Math.min(limit - items.length, PAGE)),
      ...(status !== undefined && { status: status.toUpperCase() }),
      ...(cursor !== null && { cursor }),
    });
    const page: { items: Summary[]; next: string | null } = await client.get(
      `/exceptions/${encodeURIComponent(tenant)}?${query}`,
      ExceptionPage,
    );
    items.push(...page.items);
    cursor = page.next;
  } while (cursor !== null && items.length < limit);
  return { items, more: cursor !== null };
}

function rowOf({ id, status, blocked, category, createdAt, type, title, count }: Summary): string[] {
  const age = duration(Math.max(0, Date.now() - Date.parse(createdAt)));
  const what = title ?? type ?? '';
  const short = what.length > WIDEST ? `${what.slice(0, WIDEST - 1)}…` : what;
  return [
    id,
    blocked ? `${status} (blocked)` : status,
    category ?? '-',
    age,
    count > 1 ? `${short} (${count} times)` : short,
  ];
}
