/** What `apikeys help` explains beside the commands. */
export const TOPIC_NAMES = ['options', 'environment', 'exit-codes'] as const;

export type TopicName = (typeof TOPIC_NAMES)[number];
