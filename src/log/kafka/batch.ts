/** One fetch of one partition: its records decoded, and the way back to kafkajs guarded by the membership. */
import type { Consumer, EachBatchPayload, IHeaders, KafkaMessage } from 'kafkajs';
import type { LogRecord } from '../../core/envelope.js';
import type { Batch } from '../port.js';
import type { Membership } from './membership.js';

export interface OpenBatch {
  readonly batch: Batch;
  /** Something was resolved or sought: the next fetch will bring other records. */
  isMoving(): boolean;
  /** The partition may belong to another member: nothing of this batch may be committed. */
  isLost(): boolean;
}

export function openBatch(
  payload: EachBatchPayload,
  consumer: Consumer,
  membership: Membership,
  signal: AbortSignal,
): OpenBatch {
  const { topic, partition, messages, highWatermark } = payload.batch;
  const hold = membership.take(partition);
  let isMoving = false;
  const batch: Batch = {
    topic,
    partition,
    records: messages.map(decode),
    highWatermark: Number(highWatermark),
    isStale: hold.isStale,
    resolve(offset) {
      if (hold.isLost()) return;
      isMoving = true;
      try {
        payload.resolveOffset(String(offset));
      } catch (error) {
        membership.refused(error); // kafkajs trips over itself when the topic has left the assignment meanwhile
      }
    },
    seek(offset) {
      if (hold.isLost()) return;
      isMoving = true;
      consumer.seek({ topic, partition, offset: String(offset) });
    },
    signal,
  };
  return {
    batch,
    isMoving: () => isMoving,
    isLost: hold.isLost,
  };
}

/** Heartbeats while handlers work: kafkajs sends them only between batches. One timer a session, since a batch is often over at once. */
export class KeepAlive {
  private readonly underWay = new Set<EachBatchPayload>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly membership: Membership,
    private readonly intervalMs: number,
  ) {}

  begin(payload: EachBatchPayload): void {
    this.underWay.add(payload);
    // kafkajs drops a beat that comes before its interval has passed; half of it keeps the pace.
    this.timer ??= setInterval(() => this.beat(), this.intervalMs / 2);
  }

  end(payload: EachBatchPayload): void {
    this.underWay.delete(payload);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private beat(): void {
    const [payload] = this.underWay; // one speaks for the member
    if (payload === undefined) {
      this.stop();
      return;
    }
    payload.heartbeat().catch((error: unknown) => this.membership.refused(error));
  }
}

function decode(message: KafkaMessage): LogRecord {
  return {
    offset: Number(message.offset),
    key: message.key === null ? null : message.key.toString(),
    value: message.value,
    headers: message.headers === undefined ? {} : decodeHeaders(message.headers),
  };
}

/** Usually they are texts already, each name once (`record.ts`). */
const areTexts = (headers: IHeaders): headers is Record<string, string> => {
  for (const name in headers) if (typeof headers[name] !== 'string') return false;
  return true;
};

function decodeHeaders(headers: IHeaders): Record<string, string> {
  if (areTexts(headers)) return headers;
  const decoded: Record<string, string> = {};
  for (const name in headers) {
    const given = headers[name];
    const value = Array.isArray(given) ? given.at(-1) : given; // a name given twice: the last one counts
    if (value !== undefined) decoded[name] = value.toString();
  }
  return decoded;
}
