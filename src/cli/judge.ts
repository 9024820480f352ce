/** What `millrace check` finds out: one finding a subject, each with its problems. */
import type { Config } from '../config.js';
import { type Problem, ProblemError } from '../core/errors.js';
import { STAGES, TOPIC_OF } from '../core/stages.js';
import type { Log } from '../log/port.js';
import { judgeClock, judgePositions, judgeTopics, topicsWanted } from '../runtime/preflight.js';
import { checkRuntimeRole, clockDifference, serverVersion } from '../store/checks.js';
import { pendingMigrations } from '../store/migrate.js';
import type { OpenStore } from '../store/open.js';

export interface Finding {
  readonly name: string;
  readonly detail: string; // what was seen; empty when it could not be looked at
  readonly problems: readonly Problem[];
}

const finding = (name: string, detail: string, problems: readonly Problem[] = []): Finding => ({
  name,
  detail,
  problems,
});
const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Runs `look`; what it throws becomes a problem of the subject. */
async function subject(name: string, look: () => Promise<string>): Promise<Finding> {
  try {
    return finding(name, await look());
  } catch (error) {
    const problem = error instanceof ProblemError ? error.problem : { code: 'CHECK_FAILED', message: reason(error) };
    return finding(name, '', [problem]);
  }
}

/** Database, migrations, role, clock and workers. `isReady` tells whether the tables may be read. */
export async function judgeDatabase(memory: OpenStore, url: string) {
  const { driver } = memory;
  const where = new URL(url);
  const place = `${where.hostname}${where.port === '' ? '' : `:${where.port}`}${where.pathname}`;
  const version = await serverVersion(driver).catch((error: unknown) => {
    const hint = 'Start Postgres, and check host, port, database, user and password in DATABASE_URL.';
    const problem = { code: 'DATABASE_UNREACHABLE', path: 'DATABASE_URL', message: `${place}: ${reason(error)}`, hint };
    return finding('database', '', [problem]);
  });
  if (typeof version !== 'string') return { findings: [version], isReady: false };
  const migrations = await subject('migrations', () => schema(memory));
  const role = await subject('role', async () => {
    await checkRuntimeRole(driver);
    return 'is bound by row-level security';
  });
  const isReady = migrations.problems.length === 0;
  const rest = isReady ? [await subject('workers', () => workers(memory))] : [];
  return {
    findings: [finding('database', `Postgres ${version} at ${place}`), migrations, role, await clock(memory), ...rest],
    isReady,
  };
}

async function schema({ driver }: OpenStore): Promise<string> {
  const pending = await pendingMigrations(driver);
  if (pending.length === 0) return 'up to date';
  const message = `${pending.join(', ')} ${pending.length === 1 ? 'was' : 'were'} not run yet.`;
  throw new ProblemError({
    code: 'SCHEMA_BEHIND',
    message,
    hint: 'Run `millrace migrate` with a role that owns the tables.',
  });
}

async function clock({ driver }: OpenStore): Promise<Finding> {
  const ahead = await clockDifference(driver);
  return finding('clock', `the database's differs by ${Math.abs(Math.round(ahead))} ms`, judgeClock(ahead));
}

const ALIVE_MS = 40_000;

/** Which workers were seen lately; that one is missing is no problem of this check, see `millrace pipeline`. */
async function workers({ queries }: OpenStore): Promise<string> {
  const seen = (await queries.pipeline([])).workers;
  const alive = seen.filter(({ lastSeenAt, stoppedAt }) => stoppedAt === null && lastSeenAt > Date.now() - ALIVE_MS);
  return STAGES.map((stage) => `${stage} ${alive.filter((one) => one.stage === stage).length}`).join(', ');
}

/** Broker, topics and, where the database can be read, positions against what the topics hold. */
export async function judgeKafka(log: Log, config: Config<'cli'>, memory: OpenStore | null): Promise<Finding[]> {
  const brokers = config.kafka.brokers.join(', ');
  try {
    await log.ping();
  } catch (error) {
    const hint = 'Start Kafka, and check KAFKA_BOOTSTRAP_SERVERS: its listener must be reachable from here.';
    const message = `${brokers}: ${reason(error)}`;
    return [finding('kafka', '', [{ code: 'KAFKA_UNREACHABLE', path: 'KAFKA_BOOTSTRAP_SERVERS', message, hint }])];
  }
  const { partitions, epoch } = config.topics;
  const wanted = topicsWanted(partitions);
  const found = await log.partitionCounts(wanted.map(({ topic }) => topic));
  const problems = judgeTopics(wanted, found);
  const topics = finding(
    'topics',
    `${found.size} of ${wanted.length} exist, ${partitions} partitions wanted`,
    problems,
  );
  const findings = [finding('kafka', `answers at ${brokers}`), topics];
  if (memory === null || problems.length > 0) return findings;
  return [...findings, await positions(log, memory, epoch)];
}

async function positions(log: Log, { queries }: OpenStore, epoch: number): Promise<Finding> {
  const stored = (await queries.pipeline([])).positions.filter((one) => one.epoch === epoch); // before the ends, which move on
  const marks = await Promise.all(
    STAGES.map(async (stage) => [TOPIC_OF[stage], await log.watermarks(TOPIC_OF[stage])] as const),
  );
  const left = waiting(stored, new Map(marks));
  return finding('positions', `${left} records wait to be consumed`, judgePositions(stored, epoch, new Map(marks)));
}

type Marks = ReadonlyMap<string, Awaited<ReturnType<Log['watermarks']>>>;

/** Records between what was consumed and the ends of the topics. */
function waiting(stored: readonly { topic: string; partition: number; next: number }[], marks: Marks): number {
  let sum = 0;
  for (const [topic, partitions] of marks) {
    for (const { partition, low, high } of partitions) {
      const at = stored.filter((one) => one.topic === topic && one.partition === partition).map((one) => one.next);
      sum += Math.max(0, high - Math.max(low, ...at));
    }
  }
  return sum;
}
