/**
 * Consuming, crash-only: a handler that throws ends the consumer for good (`onCrash`). A broker that is away does not:
 * a session, one kafkajs consumer from connect to disconnect, ends then, and a new one begins when the broker answers.
 */
import { setMaxListeners } from 'node:events';
import type { Consumer as Client, EachBatchPayload, Kafka } from 'kafkajs';
import kafkajs from 'kafkajs'; // its errors are no named exports for Node
import { asError, LogError } from '../errors.js';
import type { ConsumeOptions, Consumer } from '../port.js';
import { aborted, delay, withDeadline } from '../waiting.js';
import { KeepAlive, openBatch } from './batch.js';
import type { Settings } from './client.js';
import { type Commits, followCommits } from './commits.js';
import { isTransient } from './errors.js';
import { followMembership, type Membership } from './membership.js';

const RETRY_MS = 1_000;
/** A handler that resolves nothing gets the same records again; without a pause that would be a busy loop. */
const NO_PROGRESS_MS = 100;

export interface ConsumerParts {
  readonly kafka: Kafka;
  readonly settings: Settings;
  readonly ping: () => Promise<void>;
}

interface Control {
  readonly over: AbortSignal; // stopped or crashed
  readonly assigned: (partitions: readonly number[]) => void;
  readonly crash: (error: Error) => void;
}

/** Starts consuming and returns at once; joining the group goes on in the background. */
export function startConsumer(parts: ConsumerParts, options: ConsumeOptions): Consumer {
  const over = new AbortController();
  setMaxListeners(0, over.signal); // a chunk of each partition may wait on it
  let crashed = false;
  const crash = (error: Error): void => {
    if (crashed) return;
    crashed = true;
    over.abort();
    options.onCrash(error);
  };
  const control: Control = {
    over: over.signal,
    crash,
    assigned: (partitions) => {
      try {
        options.onAssigned?.(partitions);
      } catch (error) {
        crash(asError(error));
      }
    },
  };
  const ended = supervise(parts, options, control);
  const { stopTimeoutMs } = parts.settings;
  const late = (): LogError =>
    new LogError('STOP_TIMEOUT', `The consumer of ${options.topic} did not end within ${stopTimeoutMs} ms.`);
  let stopped: Promise<void> | undefined;
  return {
    stop() {
      over.abort();
      stopped ??= withDeadline(ended, stopTimeoutMs, late);
      return stopped;
    },
  };
}

/** Sessions one after the other, until stopped or crashed. Never rejects. */
async function supervise(parts: ConsumerParts, options: ConsumeOptions, control: Control): Promise<void> {
  const signal = control.over;
  let isDown = false;
  const note = (level: 'warn' | 'info', message: string): void =>
    parts.settings.onClientLog({ level, message, fields: { topic: options.topic, groupId: options.group } });
  while (!signal.aborted) {
    const error = (await failureOf(parts.ping)) ?? (await session(parts, options, control));
    if (error === undefined || signal.aborted) return;
    if (!isTransient(error)) return control.crash(error);
    if (!isDown) note('warn', `Kafka does not answer, trying again each second: ${error.message}`);
    isDown = true;
    await delay(RETRY_MS, signal);
  }
}

async function failureOf(work: () => Promise<void>): Promise<Error | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return asError(error);
  }
}

/** Runs one kafkajs consumer to its end. Gives what ended it; undefined when it was told to stop. */
async function session(parts: ConsumerParts, options: ConsumeOptions, control: Control): Promise<Error | undefined> {
  const client = createClient(parts, options);
  const ending = new AbortController();
  let failure: Error | undefined;
  const fail = (error: Error): void => {
    failure ??= error;
    ending.abort();
  };
  client.on(client.events.CRASH, ({ payload }) => fail(payload.error));
  const { sessionTimeoutMs, heartbeatIntervalMs } = parts.settings;
  const membership = followMembership(client, options.topic, sessionTimeoutMs, control.assigned);
  const alive = new KeepAlive(membership, heartbeatIntervalMs);
  const standing = { membership, commits: followCommits(membership), alive };
  try {
    await client.connect();
    await client.subscribe({ topics: [options.topic], fromBeginning: true });
    await client.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: options.concurrency,
      eachBatch: (payload) => handle(payload, client, standing, options, control),
    });
  } catch (error) {
    fail(asError(error));
  }
  // Only now: a disconnect while kafkajs joins would be forgotten, and the consumer would run on.
  await Promise.race([aborted(ending.signal), aborted(control.over)]);
  if (failure === undefined) await standing.commits.end();
  alive.stop();
  await client.disconnect().catch(() => undefined);
  control.assigned([]);
  return failure;
}

function createClient({ kafka, settings }: ConsumerParts, { group }: ConsumeOptions): Client {
  return kafka.consumer({
    groupId: group,
    sessionTimeout: settings.sessionTimeoutMs,
    heartbeatInterval: settings.heartbeatIntervalMs,
    rebalanceTimeout: 60_000,
    // A record ends a fetch at once. A stop waits for it, and so does a heartbeat.
    maxWaitTimeInMs: Math.min(1_500, settings.heartbeatIntervalMs),
    minBytes: 1,
    maxBytesPerPartition: 1_048_576,
    maxBytes: 8_388_608,
    allowAutoTopicCreation: false,
    // Rides out a broker's restart; no sleep of it is longer than the session allows.
    retry: { initialRetryTime: 300, maxRetryTime: 3_000, retries: 8, restartOnFailure: async () => false },
  });
}

/** Of this member in the group. */
interface Standing {
  readonly membership: Membership;
  readonly commits: Commits;
  readonly alive: KeepAlive;
}

async function handle(
  payload: EachBatchPayload,
  client: Client,
  { membership, commits, alive }: Standing,
  options: ConsumeOptions,
  control: Control,
): Promise<void> {
  // What was fetched and waited its turn is fetched again after the group has settled.
  if (control.over.aborted) return;
  joinAgainIfRefused(membership);
  const { batch, isLost, isMoving } = openBatch(payload, client, membership, control.over);
  alive.begin(payload);
  try {
    await options.onBatch(batch);
    if (!isMoving() && !batch.isStale()) await delay(NO_PROGRESS_MS, control.over);
  } catch (error) {
    control.crash(asError(error));
    // kafkajs would try a plain error again and log the whole of it, whatever it carries.
    throw new kafkajs.KafkaJSNonRetriableError('The handler of a batch has failed.');
  } finally {
    alive.end(payload);
  }
  if (!isLost()) await commits.note(payload);
  joinAgainIfRefused(membership);
}

function joinAgainIfRefused(membership: Membership): void {
  const refusal = membership.refusal();
  if (refusal !== undefined) throw refusal;
}
