/** `millrace topics create`: the topics of the pipeline, with PARTITIONS partitions each. */
import type { Command } from 'commander';
import { judgeTopics, topicsWanted } from '../../runtime/preflight.js';
import { type Common, type Io, printJson, printProblems } from '../io.js';
import { openKafka } from '../kafka.js';

export function addTopics(program: Command, io: Io): void {
  const topics = program.command('topics').description('the topics of the pipeline');
  topics
    .command('create')
    .description('create the topics that are missing; those that exist are left alone')
    .action(async (_: object, command: Command) => {
      const config = io.config();
      const log = openKafka(config);
      try {
        const wanted = topicsWanted(config.topics.partitions);
        const created = await log.createTopics(wanted);
        const problems = judgeTopics(wanted, await log.partitionCounts(wanted.map(({ topic }) => topic)));
        if (problems.length > 0) io.fail();
        if (command.optsWithGlobals<Common>().json) return printJson(io, { created, problems });
        for (const { topic, partitions } of wanted) {
          if (created.includes(topic))
            io.out(`created ${topic} (${partitions === 1 ? '1 partition' : `${partitions} partitions`})`);
        }
        if (created.length === 0) io.out(`All ${wanted.length} topics exist.`);
        printProblems(io, problems, false);
      } finally {
        await log.close();
      }
    });
}
