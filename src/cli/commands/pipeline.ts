/** `millrace pipeline`: what waits where, who works, and what is wrong. */
import type { Command } from 'commander';
import { PipelineReport } from '../../api/schemas.js';
import { createClient } from '../client.js';
import { type Common, colorsOf, duration, type Io, printJson, tableLines } from '../io.js';

export function addPipeline(program: Command, io: Io): void {
  program
    .command('pipeline')
    .description('each stage: events waiting, oldest, workers; and what is wrong, in words')
    .action(async (_: object, command: Command) => {
      const options = command.optsWithGlobals<Common>();
      const report = await createClient(io, options).get('/pipeline', PipelineReport);
      if (options.json) return printJson(io, report);
      return print(io, report);
    });
}

function print(io: Io, report: PipelineReport): void {
  const color = colorsOf(io);
  const at = Date.parse(report.at);
  const since = (time: string | null): string => (time === null ? '-' : duration(Math.max(0, at - Date.parse(time))));
  const rows = report.stages.map(({ stage, state, waiting, oldestAt, workers, lastSeenAt }) => [
    stage,
    state,
    waiting === null ? '?' : String(waiting),
    since(oldestAt),
    String(workers),
    lastSeenAt === null ? 'never' : `${since(lastSeenAt)} ago`,
  ]);
  for (const line of tableLines(io, ['stage', 'state', 'waiting', 'oldest', 'workers', 'last seen'], rows))
    io.out(line);
  const counts = Object.entries(report.exceptions).map(([status, count]) => `${count} ${status}`);
  io.out(`\nnot closed: ${counts.length === 0 ? 'none' : counts.join(', ')}`);
  if (report.blocked > 0) io.out(`blocked by a dead letter: ${report.blocked}`);
  if (report.outbox.count > 0)
    io.out(`not published yet: ${report.outbox.count}, for ${since(report.outbox.oldestAt)}`);
  for (const { stage, code, count } of report.deadLetters) io.out(`dead letters: ${count} ${code} at ${stage}`);
  for (const problem of report.problems) io.out(`${color.red('!')} ${problem}`);
}
