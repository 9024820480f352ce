/**
 * What must be true before a process works: topics with the right partition counts, a log that is the one the positions
 * speak of, clocks that agree. Pure judgements over facts; `millrace check` and every start use them.
 */
import type { Problem } from '../core/errors.js';
import { deadLetterTopic, STAGES, TOPIC_OF } from '../core/stages.js';
import type { TopicSpec, Watermarks } from '../log/port.js';

export const MAX_CLOCK_DIFFERENCE_MS = 2_000;

/** Every topic of the pipeline; dead-letter topics need no order, so one partition is enough. */
export const topicsWanted = (partitions: number): TopicSpec[] =>
  STAGES.flatMap((stage) => [
    { topic: TOPIC_OF[stage], partitions },
    { topic: deadLetterTopic(TOPIC_OF[stage]), partitions: 1 },
  ]);

/** Topics that are missing, or whose partition count is not the one configured. */
export function judgeTopics(wanted: readonly TopicSpec[], found: ReadonlyMap<string, number>): Problem[] {
  return wanted.flatMap(({ topic, partitions }): Problem[] => {
    const count = found.get(topic);
    if (count === undefined) {
      return [
        {
          code: 'TOPIC_MISSING',
          path: topic,
          message: `The topic ${topic} does not exist.`,
          hint: 'Create the topics: millrace topics create',
        },
      ];
    }
    if (count === partitions) return [];
    const message = `topic ${topic} has ${count} partitions, config says ${partitions}`;
    const hint = `Set PARTITIONS=${count}; the count is fixed when a topic is created, because a change would break the order of events.`;
    return [{ code: 'PARTITIONS_DIFFER', path: topic, message, hint }];
  });
}

export interface StoredPosition {
  readonly topic: string;
  readonly epoch: number;
  readonly partition: number;
  readonly next: number;
}

/** Positions beyond the end of their partition: the topic was recreated, and its records would be skipped as done. */
export function judgePositions(
  positions: readonly StoredPosition[],
  epoch: number,
  marks: ReadonlyMap<string, readonly Watermarks[]>,
): Problem[] {
  return positions.flatMap(({ topic, epoch: of, partition, next }): Problem[] => {
    const high = marks.get(topic)?.find((one) => one.partition === partition)?.high;
    if (of !== epoch || high === undefined || high >= next) return [];
    const message = `${topic}/${partition} ends at offset ${high}, but ${next} was reached before: the topic was recreated?`;
    const hint = `Set STREAM_EPOCH=${epoch + 1} for every worker: positions start again, and what was handled before is dropped as seen.`;
    return [{ code: 'TOPIC_RECREATED', path: `${topic}/${partition}`, message, hint }];
  });
}

/** A database whose clock is too far ahead of, or behind, this process's. */
export function judgeClock(aheadMs: number): Problem[] {
  const difference = Math.abs(aheadMs);
  if (difference <= MAX_CLOCK_DIFFERENCE_MS) return [];
  const message = `clock differs by ${(difference / 1000).toFixed(1)} s from the database's (max ${MAX_CLOCK_DIFFERENCE_MS / 1000})`;
  return [
    {
      code: 'CLOCK_DIFFERS',
      path: 'clock',
      message,
      hint: 'Synchronise the clocks (NTP) of this machine and the database server.',
    },
  ];
}
