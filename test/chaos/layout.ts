/** What the product promises about its outside: stages, topics, groups. Written down here again, on purpose. */
export const STAGES = ['intake', 'triage', 'policy', 'playbook', 'tool', 'feedback'] as const;
export type Stage = (typeof STAGES)[number];

export const topicOf = (stage: Stage): string => (stage === 'intake' ? 'exceptions' : `exceptions.${stage}`);
export const deadLetterTopic = (topic: string): string => `dlq.${topic}`;
export const TOPICS: readonly string[] = STAGES.map(topicOf);
export const DEAD_LETTER_TOPICS: readonly string[] = TOPICS.map(deadLetterTopic);

/** Header of records that were put on a topic by hand: `poison:<name>` or `again`. */
export const BY_HAND = 'x-chaos';
