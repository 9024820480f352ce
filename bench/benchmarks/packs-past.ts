/**
 * How fast a backtest goes through a past that really happened, and how long an activated version takes to decide: the embedded
 * pipeline works exceptions with a pack, then a candidate with one other rule is tried on them, then it is activated.
 */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backtestPack } from '../../src/api/trials.js';
import { readPackFolder } from '../../src/embedded/samples.js';
import { createEmbeddedLog } from '../../src/log/embedded/index.js';
import { compilePack } from '../../src/packs/index.js';
import { PackCache } from '../../src/runtime/pack-cache.js';
import { createPgliteStore } from '../../src/store/open.js';
import { openPipeline, type Pipeline } from '../../src/testing/pipeline.js';
import { until } from '../../src/testing/until.js';
import { median } from '../lib/stats.js';

const CASES = 3_000;
const BATCH = 100;
const ACTIVATIONS = 5;
const DEMO = join(import.meta.dirname, '../../packs/demo');
const RULE = 'exception.fields.amount > 1000000';

export interface PastFigures {
  readonly cases: number;
  readonly changed: number;
  readonly backtest: number; // cases/s of CPU time on one core
  readonly wall: number; // cases/s by the clock
  readonly activateMs: number; // median, from the activation to the first decision by the new version
}

export async function measurePast(): Promise<PastFigures> {
  const files = await readPackFolder(DEMO);
  const memory = await createPgliteStore();
  const log = createEmbeddedLog();
  const pipeline = await openPipeline({
    ...{ memory, log, files, partitions: 1, epoch: 1, allowPrivate: [], filesRoot: tmpdir() },
  });
  try {
    await pipeline.startWorkers();
    await makePast(pipeline);
    const tried = await tryCandidate(pipeline, files);
    return { ...tried, activateMs: await timeActivation(pipeline, files) };
  } finally {
    await pipeline.stopWorkers();
    await log.close();
    await memory.close();
  }
}

/** Settlement fails of every size, heartbeats, and what no rule knows; each case to its end or to a person. */
async function makePast({ report, memory, tenantId }: Pipeline): Promise<void> {
  const type = (n: number) => (n % 5 === 0 ? 'HEARTBEAT' : n % 7 === 0 ? 'ODD' : 'SETTLEMENT_FAIL');
  for (let at = 0; at < CASES; at += BATCH) {
    const reports = Array.from({ length: BATCH }, (_, i) => {
      const n = at + i;
      const fields = { amount: (n * 7_919) % 2_000_000, counterparty: 'ACME' };
      return { type: type(n), title: `report ${n}`, entity: `T-${n}`, fields };
    });
    await report(reports);
  }
  const decided = async () => {
    const { cases } = await memory.queries.pipeline([tenantId]);
    return cases.some(({ status }) => ['OPEN', 'NORMALIZED', 'TRIAGED', 'EVALUATED'].includes(status))
      ? undefined
      : true;
  };
  await until(decided, 'every case is past policy', 300_000);
}

async function tryCandidate({ memory, tenantId }: Pipeline, files: ReadonlyMap<string, string>) {
  const candidate = new Map(files).set(
    'triage.yaml',
    (files.get('triage.yaml') as string).replace(RULE, `${RULE} / 2`),
  );
  const { pack } = compilePack(candidate);
  if (pack === undefined) throw new Error('the candidate does not compile');
  const deps = { queries: memory.queries, packs: new PackCache(memory.queries.packSource) };
  const [began, cpu] = [performance.now(), process.cpuUsage()];
  const asked = { tenantId, pack, files: candidate, since: 0, until: Date.now() + 60_000, limit: 200 };
  const { cases, changed } = await backtestPack(deps, asked, { pageSize: 500 });
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - began) / 1_000;
  return { cases, changed, backtest: (cases * 1e6) / (user + system), wall: cases / seconds };
}

async function timeActivation(pipeline: Pipeline, files: ReadonlyMap<string, string>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < ACTIVATIONS; round++) {
    const changed = (files.get('triage.yaml') as string).replace('confidence: 0.3', `confidence: 0.${round + 31}`);
    await pipeline.usePack({ 'triage.yaml': changed });
    const activated = performance.now();
    for (let probe = 0; ; probe++) {
      const { items } = await pipeline.report({ type: 'ODD', entity: `probe-${round}-${probe}` });
      const found = await pipeline.settled(items[0]?.id as string, 'ESCALATED');
      if (found?.triage?.confidence === (round + 31) / 100) break;
    }
    times.push(performance.now() - activated);
  }
  return median(times);
}
