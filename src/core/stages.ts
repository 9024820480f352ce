/** The six stages in the order in which a case passes through them. */
export const STAGES = ['intake', 'triage', 'policy', 'playbook', 'tool', 'feedback'] as const;
export type StageName = (typeof STAGES)[number];

/** The one input topic of each worker, keyed `tenant:case`. */
export const TOPIC_OF: Readonly<Record<StageName, string>> = {
  intake: 'exceptions',
  triage: 'exceptions.triage',
  policy: 'exceptions.policy',
  playbook: 'exceptions.playbook',
  tool: 'exceptions.tool',
  feedback: 'exceptions.feedback',
};

/** `TriageWorker`, as logs and pages name the worker of a stage. */
export const workerName = (stage: StageName): string => `${stage.charAt(0).toUpperCase()}${stage.slice(1)}Worker`;

const STAGE_OF = new Map(STAGES.map((stage) => [TOPIC_OF[stage], stage]));

/** The stage whose worker consumes `topic`, or undefined for a topic that is not a worker's. */
export const stageOfTopic = (topic: string): StageName | undefined => STAGE_OF.get(topic);

/** The topic for people and replay that holds what the worker of `topic` could not handle. */
export const deadLetterTopic = (topic: string): string => `dlq.${topic}`;
