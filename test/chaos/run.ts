/** One chaos run: a cluster, a load, faults, and then the judge. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startApprover } from './approver.js';
import { type Judgement, judge } from './checker.js';
import { Cluster, type ClusterOptions } from './cluster.js';
import { collectEvidence } from './evidence.js';
import { type Fault, strikeAll } from './faults/fault.js';
import { type LoadCounts, sendLoad } from './load.js';
import { startOutside } from './outside.js';
import { packFiles } from './pack.js';
import { planLoad } from './plan.js';
import { randomOf } from './random.js';
import { replayEverything } from './replay.js';
import { type Settled, settle } from './settle.js';
import { Story, type Told } from './story.js';
import type { Exit } from './supervised.js';
import { type Memory, watchMemory } from './watch.js';

export interface RunOptions {
  readonly folder: string; // evidence and logs; made new
  readonly seed: number;
  readonly exceptions: number;
  readonly perSecond: number;
  readonly burstMs: number;
  readonly tenants: number;
  readonly perStage: number;
  readonly apis: number;
  readonly partitions: number;
  readonly mishaps: number; // share of the sink's answers that go wrong
  readonly linked: boolean; // with a network in between that can be made a bad one
  readonly replay: boolean; // at the end, every topic again from its first record
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
  readonly notStruck: readonly string[]; // faults that could not be done
  readonly memory: Readonly<Record<string, Memory>>;
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

async function makeFiles(folder: string): Promise<Files> {
  for (const sub of ['logs', 'pack', 'secrets', 'files', 'home']) await mkdir(join(folder, sub), { recursive: true });
  const path = (name: string): string => join(folder, `${name}.ndjson`);
  for (const name of FILES) await writeFile(path(name), '');
  return { sent: path('sent'), sink: path('sink'), decisions: path('decisions'), poison: path('poison') };
}

function clusterOptions(options: RunOptions, egress: string): ClusterOptions {
  const { folder, perStage, apis, partitions, linked } = options;
  const tenants = Array.from({ length: options.tenants }, (_, i) => `tenant${i + 1}`);
  return { folder, tenants, perStage, apis, partitions, egress, secret: SECRET, linked };
}

type Files = Record<(typeof FILES)[number], string>;

async function strikeAndJudge(options: RunOptions, cluster: Cluster, story: Story, files: Files): Promise<Summary> {
  const { seed, exceptions } = options;
  const under = await loadUnderFaults(options, cluster, story, files);
  await cluster.ready().catch((error: Error) => story.tell(error.message));
  const settled = await settle(cluster);
  story.tell(settled.settled ? `settled after ${settled.ms} ms` : `did not settle: ${JSON.stringify(settled.left)}`);
  await under.stopApprover();
  const judgements = await gatherAndJudge(cluster, files, settled, join(options.folder, 'logs'));
  if (options.replay) {
    story.tell('every topic again, from its first record');
    judgements.push(await replayEverything(cluster, files.sink));
  }
  const passed = judgements.every(({ wrong }) => wrong === 0);
  story.tell(passed ? 'every invariant holds' : 'NOT every invariant holds');
  const { load, loadMs, notStruck, memory } = under;
  const kept = { load, loadMs, notStruck, memory, settled, story: story.lines, exits: cluster.exits };
  return { seed, exceptions, ...kept, judgements, passed };
}

async function loadUnderFaults(options: RunOptions, cluster: Cluster, story: Story, files: Files) {
  const { seed, exceptions, perSecond, burstMs } = options;
  const keys = await cluster.makeKeys();
  const plan = planLoad({ seed, tenants: cluster.options.tenants, exceptions });
  const common = { urls: cluster.apiUrls, keys, seed };
  const stopApprover = startApprover({ ...common, sql: cluster.sql, file: files.decisions });
  const watched = watchMemory(cluster);
  const started = Date.now();
  const giveUp = AbortSignal.timeout(((exceptions / perSecond) * 4 + 900) * 1_000);
  const pace = { share: 0, allowed: 0 };
  const sending = sendLoad({ ...common, plan, file: files.sent, perSecond, burstMs, atOnce: 24, giveUp, pace });
  const context = { cluster, story, random: randomOf(seed, 'faults'), poisonFile: files.poison };
  const notStruck = await strikeAll(options.faults(cluster), context, pace);
  const load = await sending;
  story.tell(`load is over: ${JSON.stringify(load)}`);
  return { load, loadMs: Date.now() - started, notStruck, memory: watched(), stopApprover };
}

async function gatherAndJudge(
  cluster: Cluster,
  files: Files,
  { settled, left }: Settled,
  logs: string,
): Promise<Judgement[]> {
  await collectEvidence(cluster.sql, cluster.kafka, files);
  const ready = await Promise.all(cluster.processes.map(async (one) => ((await one.isReady()) ? [] : [one.name])));
  const facts = { logs, secret: SECRET, settled, unsettled: left, notReady: ready.flat(), exits: cluster.exits };
  return judge(cluster.sql, { ...facts, processes: cluster.processes.length });
}
