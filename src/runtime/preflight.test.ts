import { describe, expect, it } from 'vitest';
import { judgeClock, judgePositions, judgeTopics, topicsWanted } from './preflight.js';

describe('before a process works', () => {
  it('a missing topic and a wrong partition count are named, each with what to do', () => {
    const wanted = topicsWanted(6);
    const found = new Map(wanted.map(({ topic, partitions }) => [topic, partitions]));
    expect(judgeTopics(wanted, found)).toEqual([]);
    found.delete('exceptions');
    found.set('exceptions.triage', 3);
    const problems = judgeTopics(wanted, found);
    expect(problems.map(({ code }) => code)).toEqual(['TOPIC_MISSING', 'PARTITIONS_DIFFER']);
    expect(problems[1]?.message).toBe('topic exceptions.triage has 3 partitions, config says 6');
  });

  it('a position beyond the end of its partition says that the topic was recreated', () => {
    const position = { topic: 'exceptions', epoch: 1, partition: 0, next: 10 };
    const marks = (high: number) => new Map([['exceptions', [{ partition: 0, low: 0, high }]]]);
    expect(judgePositions([position], 1, marks(10))).toEqual([]);
    expect(judgePositions([position], 2, marks(3))).toEqual([]);
    expect(judgePositions([position], 1, new Map())).toEqual([]);
    expect(judgePositions([position], 1, marks(3))[0]).toMatchObject({ code: 'TOPIC_RECREATED', path: 'exceptions/0' });
  });

  it('clocks may differ by two seconds, not by five', () => {
    expect(judgeClock(2_000)).toEqual([]);
    expect(judgeClock(-5_000)[0]?.message).toBe("clock differs by 5.0 s from the database's (max 2)");
  });
});
