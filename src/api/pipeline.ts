/** Gathers what the pipeline's state is made of: cases, outbox, dead letters and workers from the store, ends from the log. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CaseStatus } from '../core/case.js';
import { STAGES, type StageName, TOPIC_OF } from '../core/stages.js';
import { STRANDED_MS } from '../runtime/reconciler.js';
import type { TenantScope } from '../store/port.js';
import type { Pipeline } from '../store/queries.js';
import { diagnose, type PipelineFacts, type StageFacts, stateOf } from './diagnose.js';
import type { ApiDeps } from './ports.js';
import type { PipelineReport } from './schemas.js';
import { timeOf, timeOrNull } from './views.js';

/** The status of the cases that wait for a stage. */
const WAITS_FOR: Readonly<Partial<Record<StageName, CaseStatus>>> = {
  intake: 'OPEN',
  triage: 'NORMALIZED',
  policy: 'TRIAGED',
  playbook: 'EVALUATED',
};

const ALIVE_MS = 15_000; // a worker beats every five seconds
const LOG_MS = 2_000;
const SECOND_LOOK_MS = 500;
const MOST_STRANDED = 100;

/** The report for one tenant's cases, or for all of them (null). */
export async function reportPipeline(deps: ApiDeps, tenantId: string | null): Promise<PipelineReport> {
  const scope: TenantScope = tenantId === null ? 'all' : [tenantId];
  const first = await look(deps, scope);
  if (!first.facts.stages.some(isDoubtful)) return report(first, tenantId);
  await sleep(SECOND_LOOK_MS);
  return report(await look(deps, scope), tenantId);
}

/** An event that came this moment, after a quiet hour, looks like one that waits for an hour: look twice. */
const isDoubtful = (stage: StageFacts): boolean => stage.oldestMs === null && stateOf(stage) === 'stuck';

interface Look {
  readonly found: Pipeline;
  readonly facts: PipelineFacts;
  readonly now: number;
}

async function look({ mode, queries, log }: ApiDeps, scope: TenantScope): Promise<Look> {
  const [found, stranded, ends] = await Promise.all([
    queries.pipeline(scope),
    queries.strandedCases(scope, STRANDED_MS, MOST_STRANDED),
    readEnds(log),
  ]);
  const now = Date.now();
  return { found, facts: factsOf(mode, found, stranded, ends, now), now };
}

function report({ found, facts, now }: Look, tenantId: string | null): PipelineReport {
  const { outbox, deadLetters, cases } = found;
  return {
    at: timeOf(now),
    tenant: tenantId,
    stages: facts.stages.map((stage) => ({
      stage: stage.stage,
      topic: TOPIC_OF[stage.stage],
      waiting: stage.waiting,
      oldestAt: stage.oldestMs === null ? null : timeOf(now - stage.oldestMs),
      workers: stage.alive,
      lastSeenAt: stage.seenMs === null ? null : timeOf(now - stage.seenMs),
      state: stateOf(stage),
    })),
    exceptions: Object.fromEntries(cases.map(({ status, count }) => [status, count])),
    blocked: facts.blocked,
    outbox: { count: outbox.count, oldestAt: timeOrNull(outbox.oldestAt) },
    deadLetters: deadLetters.map(({ oldestAt, ...letter }) => ({ ...letter, oldestAt: timeOrNull(oldestAt) })),
    problems: diagnose(facts),
  };
}

/** End of each partition by topic, or why the log does not say. */
type Ends = ReadonlyMap<string, ReadonlyMap<number, { readonly low: number; readonly high: number }>> | Error;

async function readEnds(log: ApiDeps['log']): Promise<Ends> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Error>((resolve) => {
    timer = setTimeout(() => resolve(new Error(`no answer within ${LOG_MS} ms`)), LOG_MS);
  });
  const read = async () => {
    await log.ping();
    return new Map(await Promise.all(STAGES.map((stage) => endsOf(log, TOPIC_OF[stage]))));
  };
  const asked: Promise<Ends> = read().catch((error: Error) => error);
  const ends = await Promise.race([asked, late]);
  clearTimeout(timer);
  return ends;
}

async function endsOf(log: ApiDeps['log'], topic: string) {
  const marks = await log.watermarks(topic);
  return [topic, new Map(marks.map(({ partition, low, high }) => [partition, { low, high }]))] as const;
}

function factsOf(
  mode: ApiDeps['mode'],
  found: Pipeline,
  stranded: PipelineFacts['stranded'],
  ends: Ends,
  now: number,
): PipelineFacts {
  const age = (at: number | null): number | null => (at === null ? null : Math.max(0, now - at));
  return {
    mode,
    stages: STAGES.map((stage) => stageFacts(stage, found, ends, age)),
    logError: ends instanceof Error ? ends.message : null,
    outbox: { count: found.outbox.count, oldestMs: age(found.outbox.oldestAt) },
    stranded,
    blocked: found.cases.reduce((sum, { blocked }) => sum + blocked, 0),
    deadLetters: found.deadLetters.map(({ oldestAt, ...letter }) => ({ ...letter, oldestMs: age(oldestAt) })),
  };
}

function stageFacts(
  stage: StageName,
  found: Pipeline,
  ends: Ends,
  age: (at: number | null) => number | null,
): StageFacts {
  const status = WAITS_FOR[stage] ?? null;
  const open = found.cases.find((one) => one.status === status);
  const workers = found.workers.filter((worker) => worker.stage === stage);
  const isAlive = (at: number): boolean => (age(at) as number) < ALIVE_MS;
  const positions = positionsOf(stage, found);
  const latest = (times: readonly number[]): number | null => (times.length === 0 ? null : Math.max(...times));
  return {
    stage,
    status,
    cases: open ? open.count - open.blocked : 0,
    oldestMs: open && open.blocked === 0 ? age(open.oldestUpdatedAt) : null,
    waiting: ends instanceof Error ? null : waitingOf(ends.get(TOPIC_OF[stage]), positions),
    alive: workers.filter(({ stoppedAt, lastSeenAt }) => stoppedAt === null && isAlive(lastSeenAt)).length,
    seenMs: age(latest(workers.map(({ lastSeenAt }) => lastSeenAt))),
    movedMs: age(latest(positions.map(({ updatedAt }) => updatedAt))),
  };
}

/** The positions that count: of the group that moved last on the stage's topic, in its latest epoch. */
function positionsOf(stage: StageName, { positions }: Pipeline): Pipeline['positions'] {
  const ofTopic = positions.filter(({ topic }) => topic === TOPIC_OF[stage]);
  const last = ofTopic.reduce<(typeof ofTopic)[number] | undefined>(
    (best, one) => (best === undefined || one.updatedAt > best.updatedAt ? one : best),
    undefined,
  );
  const ofGroup = ofTopic.filter(({ group }) => group === last?.group);
  const epoch = Math.max(...ofGroup.map((one) => one.epoch));
  return ofGroup.filter((one) => one.epoch === epoch);
}

function waitingOf(
  ends: ReadonlyMap<number, { readonly low: number; readonly high: number }> | undefined,
  positions: Pipeline['positions'],
): number {
  let waiting = 0;
  for (const [partition, { low, high }] of ends ?? []) {
    const next = positions.find((one) => one.partition === partition)?.next ?? low;
    waiting += Math.max(0, high - Math.max(next, low));
  }
  return waiting;
}
