/** kafkajs' errors, sorted by what can be done about them. */
import { asError, LogError } from '../errors.js';

/** The fields that kafkajs' errors carry, where they carry them. */
interface ClientError extends Error {
  readonly type?: string; // the broker's name of the error
  readonly retriable?: boolean;
}

const CONNECTION = new Set([
  'KafkaJSError', // a join that was overtaken by the next rebalance, a client that was just disconnected
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSBrokerNotFound',
  'KafkaJSNoBrokerAvailableError',
  'KafkaJSGroupCoordinatorNotFound', // marked as final by kafkajs; a broker that starts says it for a while
  'KafkaJSMetadataNotLoaded',
  'KafkaJSTopicMetadataNotLoaded',
  'KafkaJSLockTimeout',
]);
const TOO_LARGE = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

/** The first error of the chain of causes: kafkajs wraps it once or twice. */
export function rootOf(thrown: unknown): ClientError {
  let error = asError(thrown);
  while (error.cause instanceof Error) error = error.cause;
  return error;
}

export const isUnknownTopic = (thrown: unknown): boolean => rootOf(thrown).type === 'UNKNOWN_TOPIC_OR_PARTITION';

/** True where the same request may succeed later: the broker is away, starting, or has just moved a leader. */
export function isTransient(thrown: unknown): boolean {
  if (thrown instanceof LogError) return thrown.code === 'LOG_UNAVAILABLE';
  const root = rootOf(thrown);
  if (isUnknownTopic(root)) return false;
  return CONNECTION.has(root.name) || (root.type !== undefined && root.retriable === true);
}

/** The error for our callers; the client's own stays its cause. */
export function toLogError(thrown: unknown): LogError {
  if (thrown instanceof LogError) return thrown;
  const root = rootOf(thrown);
  const options = { cause: thrown };
  if (isUnknownTopic(root)) return new LogError('TOPIC_UNKNOWN', 'A topic does not exist on the broker.', options);
  if (TOO_LARGE.has(root.type ?? '')) {
    return new LogError('RECORD_TOO_LARGE', 'A record is larger than the broker allows.', options);
  }
  if (isTransient(root)) return new LogError('LOG_UNAVAILABLE', `Kafka does not answer: ${root.message}`, options);
  return new LogError('LOG_REFUSED', `Kafka refused: ${root.message}`, options);
}
