import { describe } from 'vitest';
import { createEmbeddedLog } from '../log/embedded/index.js';
import { memoryStore } from '../testing/pglite.js';
import { describePipeline } from '../testing/pipeline-contract.js';

describePipeline('the embedded log and PGlite', describe, async () => {
  const memory = await memoryStore();
  const log = createEmbeddedLog();
  const close = async () => {
    await log.close();
    await memory.close();
  };
  return { memory, log, partitions: 1, epoch: 1, close };
});
