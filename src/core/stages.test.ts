import { expect, it } from 'vitest';
import { deadLetterTopic, STAGES, stageOfTopic, TOPIC_OF } from './stages.js';

it('every stage has one topic of its own, and is found by it', () => {
  expect(STAGES.map((stage) => stageOfTopic(TOPIC_OF[stage]))).toEqual(STAGES);
});

it.each(['exceptions.unknown', 'dlq.exceptions', ''])('%j is no topic of a worker', (topic) => {
  expect(stageOfTopic(topic)).toBeUndefined();
});

it('dead letters of a topic are on dlq.<topic>', () => {
  expect(deadLetterTopic('exceptions.triage')).toBe('dlq.exceptions.triage');
});
