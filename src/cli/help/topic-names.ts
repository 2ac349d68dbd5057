/** What `apikeys help` explains beside the commands. */
export const TOPIC_NAMES = ['options', 'environment', 'exit-codes', 'incident'] as const;

export type TopicName = (typeof TOPIC_NAMES)[number];
