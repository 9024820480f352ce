/** One chaos run: a cluster, a load, faults, and then the judge. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startApprover } from './approver.js';
import { type Judgement, judge } from './checker.js';
import { Cluster, type ClusterOptions } from './cluster.js';
import { collectEvidence } from './evidence.js';
import { type Fault, strikeAll } from './faults.js';
import { type LoadCounts, sendLoad } from './load.js';
import { startOutside } from './outside.js';
import { packFiles } from './pack.js';
import { planLoad } from './plan.js';
import { randomOf } from './random.js';
import { type Settled, settle } from './settle.js';
import { Story, type Told } from './story.js';
import type { Exit } from './supervised.js';

export interface RunOptions {
  readonly folder: string; // evidence and logs; made new
  readonly seed: number;
  readonly exceptions: number;
  readonly perSecond: number;
  readonly tenants: number;
  readonly perStage: number;
  readonly apis: number;
  readonly partitions: number;
  readonly mishaps: number; // share of the sink's answers that go wrong
  readonly faults: (cluster: Cluster) => readonly Fault[];
  readonly print: (line: string) => void;
}

export interface Summary {
  readonly seed: number;
  readonly exceptions: number;
  readonly load: LoadCounts;
  readonly loadMs: number;
  readonly settled: Settled;
  readonly story: readonly Told[];
  readonly exits: readonly Exit[]; // each end of a process; those not asked for are the product's own
  readonly judgements: readonly Judgement[];
  readonly passed: boolean;
}

const SECRET = 'canary-secret-b7e1f0a94c';
const FILES = ['sent', 'sink', 'decisions', 'poison'] as const;

/** Runs it all; the folder keeps logs, evidence and `summary.json`. */
export async function runChaos(options: RunOptions): Promise<Summary> {
  const { folder, seed } = options;
  const files = await makeFiles(folder);
  const outside = await startOutside({ file: files.sink, seed, mishaps: options.mishaps, token: SECRET });
  const story = new Story(options.print);
  try {
    story.tell(`seed ${seed}: ${options.exceptions} exceptions at up to ${options.perSecond}/s`);
    const cluster = await Cluster.start(clusterOptions(options, outside.host), packFiles(outside.url));
    try {
      story.tell(`${cluster.processes.length} processes are ready`);
      const summary = await strikeAndJudge(options, cluster, story, files);
      await writeFile(join(folder, 'summary.json'), JSON.stringify(summary, null, 2));
      return summary;
    } finally {
      const slow = await cluster.stop();
      if (slow.length > 0) story.tell(`had to be killed at the end: ${slow.join(', ')}`);
    }
  } finally {
    outside.stop();
  }
}

async function makeFiles(folder: string): Promise<Record<(typeof FILES)[number], string>> {
  for (const sub of ['logs', 'pack', 'secrets', 'files', 'home']) await mkdir(join(folder, sub), { recursive: true });
  const path = (name: string): string => join(folder, `${name}.ndjson`);
  for (const name of FILES) await writeFile(path(name), '');
  return { sent: path('sent'), sink: path('sink'), decisions: path('decisions'), poison: path('poison') };
}

function clusterOptions(options: RunOptions, egress: string): ClusterOptions {
  const { folder, perStage, apis, partitions } = options;
  const tenants = Array.from({ length: options.tenants }, (_, i) => `tenant${i + 1}`);
  return { folder, tenants, perStage, apis, partitions, egress, secret: SECRET };
}

async function strikeAndJudge(
  options: RunOptions,
  cluster: Cluster,
  story: Story,
  files: Record<(typeof FILES)[number], string>,
): Promise<Summary> {
  const { seed, exceptions, perSecond } = options;
  const keys = await cluster.makeKeys();
  const { tenants } = cluster.options;
  const plan = planLoad({ seed, tenants, exceptions });
  const common = { urls: cluster.apiUrls, keys, seed };
  const stopApprover = startApprover({ ...common, sql: cluster.sql, file: files.decisions });
  const started = Date.now();
  const giveUp = AbortSignal.timeout(((exceptions / perSecond) * 4 + 120) * 1_000);
  let share = 0;
  const onSent = (now: number): void => {
    share = now;
  };
  const sending = sendLoad({ ...common, plan, file: files.sent, perSecond, atOnce: 24, giveUp, onSent });
  const context = { cluster, story, random: randomOf(seed, 'faults') };
  await strikeAll(options.faults(cluster), context, () => share);
  const load = await sending;
  const loadMs = Date.now() - started;
  story.tell(`load is over: ${JSON.stringify(load)}`);
  await cluster.ready();
  const settled = await settle(cluster);
  story.tell(settled.settled ? `settled after ${settled.ms} ms` : `did not settle: ${JSON.stringify(settled.left)}`);
  await stopApprover();
  const judgements = await gatherAndJudge(cluster, files, settled, join(options.folder, 'logs'));
  const passed = judgements.every(({ wrong }) => wrong === 0);
  story.tell(passed ? 'every invariant holds' : 'NOT every invariant holds');
  const { lines } = story;
  return { seed, exceptions, load, loadMs, settled, story: lines, exits: cluster.exits, judgements, passed };
}

async function gatherAndJudge(
  cluster: Cluster,
  files: Record<(typeof FILES)[number], string>,
  { settled, left }: Settled,
  logs: string,
): Promise<Judgement[]> {
  await collectEvidence(cluster.sql, cluster.kafka, files);
  const ready = await Promise.all(cluster.processes.map(async (one) => ((await one.isReady()) ? [] : [one.name])));
  const facts = { logs, secret: SECRET, settled, unsettled: left, notReady: ready.flat() };
  return judge(cluster.sql, { ...facts, processes: cluster.processes.length });
}
