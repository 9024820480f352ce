/** What is wrong with the pipeline and what to do about it, in words. Pure: facts in, sentences out. */
import type { CaseStatus } from '../core/case.js';
import { deadLetterTopic, type StageName, TOPIC_OF } from '../core/stages.js';
import type { Mode } from './ports.js';

/** Ages are ms before now; null where there is nothing, or where it was never. */
export interface StageFacts {
  readonly stage: StageName;
  readonly status: CaseStatus | null; // of the cases that wait for it; null: no status says so
  readonly cases: number; // in that status, those that a dead letter holds left out
  readonly oldestMs: number | null; // how long the oldest of them waits
  readonly waiting: number | null; // events on its topic that it has not handled; null: the log does not say
  readonly alive: number; // workers
  readonly seenMs: number | null; // since a worker was last seen
  readonly movedMs: number | null; // since its position last moved
}

export interface PipelineFacts {
  readonly mode: Mode;
  readonly stages: readonly StageFacts[];
  readonly logError: string | null; // why the log does not answer
  readonly outbox: { readonly count: number; readonly oldestMs: number | null };
  readonly blocked: number; // cases that a dead letter holds
  readonly stranded: readonly { readonly tenantId: string; readonly caseId: string; readonly status: string }[];
  readonly deadLetters: readonly {
    readonly stage: StageName;
    readonly code: string;
    readonly count: number;
    readonly oldestMs: number | null;
  }[];
}

export type StageState = 'idle' | 'working' | 'stuck' | 'missing';

const LATE_MS = 60_000; // what waits for longer is worth a word
const PUBLISH_MS = 10_000; // the sweeper comes every two seconds

/** `missing`: no worker; `stuck`: work waits and nothing moves. */
export function stateOf(facts: StageFacts): StageState {
  if (facts.alive === 0) return 'missing';
  if (!hasWork(facts)) return 'idle';
  return isLate(facts) && isStill(facts) ? 'stuck' : 'working';
}

const hasWork = ({ cases, waiting }: StageFacts): boolean => cases > 0 || (waiting ?? 0) > 0;
const isLate = ({ oldestMs, movedMs, waiting }: StageFacts): boolean =>
  (oldestMs ?? ((waiting ?? 0) > 0 ? (movedMs ?? 0) : 0)) > LATE_MS;
const isStill = ({ movedMs }: StageFacts): boolean => movedMs === null || movedMs > LATE_MS;

/** One sentence for each problem, the most pressing first; none when all is well. */
export function diagnose(facts: PipelineFacts): string[] {
  return [
    ...ofLog(facts),
    ...facts.stages.flatMap((stage) => ofStage(stage, facts)),
    ...ofOutbox(facts),
    ...ofDeadLetters(facts),
    ...ofStranded(facts),
  ];
}

function ofLog({ logError, mode }: PipelineFacts): string[] {
  if (logError === null) return [];
  const what = mode === 'embedded' ? 'The log' : 'Kafka';
  const then = mode === 'embedded' ? 'stop and run `npm start` again' : 'check the brokers and KAFKA_BOOTSTRAP_SERVERS';
  return [
    `${what} does not answer (${logError}): exceptions are accepted and kept, and go on when it is back; ${then}`,
  ];
}

function ofStage(stage: StageFacts, { mode, outbox, logError }: PipelineFacts): string[] {
  const { stage: name, alive, seenMs, oldestMs, movedMs, waiting } = stage;
  if (alive === 0) {
    const seen = seenMs === null ? `no ${name} worker was ever seen` : `no ${name} worker seen for ${duration(seenMs)}`;
    const start =
      mode === 'embedded' ? 'stop and run `npm start` again' : `start one with WORKER_TYPE=${name} node dist/workers`;
    return [`${hasWork(stage) ? `${subject(stage)}: ` : ''}${seen}; ${start}`];
  }
  if (!hasWork(stage) || !isLate(stage) || logError !== null) return [];
  const since = `${subject(stage)}, the oldest for ${duration(oldestMs ?? movedMs ?? 0)}`;
  if (waiting === 0) {
    return outbox.count > 0
      ? []
      : [`${since}, though nothing is left on ${TOPIC_OF[name]}: send them again with \`millrace reingest\``];
  }
  if (isStill(stage)) {
    return [`${since}, and the ${name} worker does not move: see its log, and /readyz?verbose on its HEALTH_PORT`];
  }
  const workers = alive === 1 ? `1 ${name} worker does` : `${alive} ${name} workers do`;
  return [`${since}: ${workers} not keep up; start more, at most one for each partition, or raise CONCURRENCY`];
}

/** `6 exceptions wait in OPEN`, or `3 events wait for feedback`. */
function subject({ stage, status, cases, waiting }: StageFacts): string {
  if (status !== null && cases > 0)
    return `${count(cases, 'exception')} ${cases === 1 ? 'waits' : 'wait'} in ${status}`;
  const events = waiting ?? 0;
  return `${count(events, 'event')} ${events === 1 ? 'waits' : 'wait'} for ${stage}`;
}

function ofOutbox({ outbox, logError }: PipelineFacts): string[] {
  const { count: events, oldestMs } = outbox;
  if (events === 0 || oldestMs === null || oldestMs < PUBLISH_MS || logError !== null) return [];
  const are = events === 1 ? 'is' : 'are';
  return [
    `${count(events, 'event')} ${are} not published, the oldest for ${duration(oldestMs)}, though the log answers: see the log of the workers for why it refuses them`,
  ];
}

function ofDeadLetters({ deadLetters, blocked }: PipelineFacts): string[] {
  const told = deadLetters.map(({ stage, code, count: letters, oldestMs }) => {
    const since = oldestMs === null ? '' : `, the oldest for ${duration(oldestMs)}`;
    const lie = letters === 1 ? 'lies' : 'lie';
    return `${count(letters, 'dead letter')} of ${stage} with ${code} ${lie} open${since}: see what and why with "millrace dead-letters list"; copies are on ${deadLetterTopic(TOPIC_OF[stage])}`;
  });
  if (blocked === 0) return told;
  const are = blocked === 1 ? 'is' : 'are';
  return [
    ...told,
    `${count(blocked, 'exception')} ${are} held by dead letters: nothing of theirs is lost, their later events wait`,
  ];
}

/** What the design says cannot be: a run without a call, a wait without a timer. */
function ofStranded({ stranded }: PipelineFacts): string[] {
  const [first] = stranded;
  if (!first) return [];
  const have = stranded.length === 1 ? 'has' : 'have';
  return [
    `${count(stranded.length, 'exception')} ${have} nothing left that would move ${stranded.length === 1 ? 'it' : 'them'}, for example 'millrace show ${first.tenantId} ${first.caseId}' (${first.status}): this is a fault of Millrace, report it with that timeline`,
  ];
}

const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`;

/** `40 s`, `3 min`, `2 h`, `5 d`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} d`;
}
