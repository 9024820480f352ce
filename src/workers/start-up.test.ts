import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEmbeddedLog } from '../log/embedded/index.js';
import type { Log } from '../log/port.js';
import { topicsWanted } from '../runtime/preflight.js';
import type { OpenStore } from '../store/open.js';
import { memoryStore } from '../testing/pglite.js';
import { judgeLog } from './start-up.js';

describe('the check of the topics at the start of a process', () => {
  let memory: OpenStore;
  let log: Log;
  beforeAll(async () => {
    memory = await memoryStore();
    log = createEmbeddedLog();
    await log.createTopics(topicsWanted(1));
  });
  afterAll(async () => {
    await log.close();
    await memory.close();
  });

  /** What a worker does all the time: a record is published and the position moves behind it. */
  const handleOne = async (next: number) => {
    await log.publish([{ topic: 'exceptions', key: 'a:b', value: '{}', headers: {} }]);
    const position = { group: 'intake', topic: 'exceptions', epoch: 1, partition: 0 };
    await memory.store.transaction([], async (tx) => {
      await tx.openChunk([position], [], []);
      await tx.write({ positions: [{ ...position, next }], cases: [], journal: [] });
    });
  };

  it('records that others handle while it looks are no sign of a topic that was recreated', async () => {
    await handleOne(1);
    let handled = 1;
    const busy: Pick<Log, 'partitionCounts' | 'watermarks'> = {
      partitionCounts: (topics) => log.partitionCounts(topics),
      watermarks: async (topic) => {
        const marks = await log.watermarks(topic);
        await handleOne(++handled);
        return marks;
      },
    };
    expect(await judgeLog({ memory, log: busy, partitions: 1, epoch: 1 })).toEqual([]);
  });
});
