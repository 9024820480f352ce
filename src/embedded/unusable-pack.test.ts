import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createEmbeddedLog } from '../log/embedded/index.js';
import type { Log } from '../log/port.js';
import type { OpenStore } from '../store/open.js';
import { packFiles } from '../testing/packs.js';
import { memoryStore } from '../testing/pglite.js';
import { openPipeline, type Pipeline } from '../testing/pipeline.js';
import { until } from '../testing/until.js';

let memory: OpenStore;
let log: Log;
let filesRoot: string;
let theirs: Pipeline;
let others: Pipeline;
beforeAll(async () => {
  memory = await memoryStore();
  log = createEmbeddedLog();
  filesRoot = await mkdtemp(join(tmpdir(), 'unusable-'));
  const parts = { memory, log, partitions: 1, epoch: 1, files: packFiles(), allowPrivate: [], filesRoot };
  theirs = await openPipeline(parts);
  others = await openPipeline(parts);
});
afterAll(async () => {
  await others.stopWorkers();
  await log.close();
  await memory.close();
  await rm(filesRoot, { recursive: true });
});

it('a pack that this Millrace cannot use holds its own cases, and nobody else', async () => {
  const held = await theirs.report({ type: 'FAIL' });
  const { queries } = memory;
  const files = Object.fromEntries(packFiles({ 'tomorrow.yaml': 'x: 1\n' }));
  const { version } = await queries.savePack(theirs.tenantId, { name: 'acme', files, createdBy: 'a newer one' });
  await queries.activatePack(theirs.tenantId, version);
  await others.startWorkers();
  const fine = await others.report({ type: 'FAIL' });
  expect(fine.items[0]?.id).toBeDefined();
  await others.settled(fine.items[0]?.id as string, 'ESCALATED');
  const retried = await until(
    async () => others.told.find(({ name }) => name === 'event.retried')?.fields,
    'the case that is tried again later',
  );
  expect(retried).toMatchObject({
    tenantId: theirs.tenantId,
    caseId: held.items[0]?.id,
    reason: expect.stringContaining('tomorrow.yaml:1:1 FILE_UNKNOWN'),
  });
  expect(others.told.filter(({ name }) => name === 'chunk.repeated')).toEqual([]);
});
