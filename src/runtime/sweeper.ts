/** The sweeper, in every process: publishes what a crash or a log that was down left in the outbox. */
import { deadLetterTopic, TOPIC_OF } from '../core/stages.js';
import type { Log } from '../log/port.js';
import type { DeadLetterRecord, Store } from '../store/port.js';
import type { Publisher } from './publisher.js';

export const STALE_MS = 4_000;
const ROWS = 1_000;

export class Sweeper {
  constructor(
    private readonly store: Store,
    private readonly log: Log,
    private readonly publisher: Publisher,
  ) {}

  /** One round; true when there may be more at once. What was published since `before` stays for the next transaction. */
  async tick(before?: number): Promise<boolean> {
    await this.publisher.settle(before);
    const { batches, letters } = await this.store.transaction('all', async (tx) => ({
      batches: await tx.staleOutbox(STALE_MS, ROWS),
      letters: await tx.unpublishedDeadLetters(ROWS),
    }));
    if (!(await this.publisher.publish(...batches))) return false;
    if (letters.length > 0) await this.publishDeadLetters(letters);
    return batches.length > 0 || letters.length >= ROWS;
  }

  private async publishDeadLetters(letters: readonly DeadLetterRecord[]): Promise<void> {
    await this.log.publish(letters.map(deadLetterRecord));
    await this.store.transaction('all', (tx) => tx.markDeadLettersPublished(letters));
  }
}

/**
 * The record for `dlq.<topic>`: as it came, with its story in `__dlq.errors.*` headers. What came by a topic that is a
 * source is on the list of the worker that read it: topics of others are not written to.
 */
function deadLetterRecord(letter: DeadLetterRecord) {
  const story = {
    '__dlq.errors.topic': letter.topic,
    '__dlq.errors.partition': String(letter.partition),
    '__dlq.errors.offset': String(letter.offset),
    '__dlq.errors.group': letter.stage,
    '__dlq.errors.delivery.count': String(letter.attempts),
    '__dlq.errors.code': letter.code,
    '__dlq.errors.message': letter.message,
    '__dlq.errors.id': letter.deadLetterId,
  };
  const value = Buffer.from(letter.value, 'base64');
  return {
    topic: deadLetterTopic(TOPIC_OF[letter.stage]),
    key: letter.key,
    value,
    headers: Object.assign({}, letter.headers, story),
  };
}
