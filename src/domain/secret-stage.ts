/** Where a secret that is kept stands in its own life, whatever became of its key. */
export const SECRET_STAGES = ['current', 'grace', 'retired'] as const;

export type SecretStage = (typeof SECRET_STAGES)[number];

/** The newest secret has no end of its own; an older one is in its grace period until it does end. */
export function secretStage({
  validUntil,
  retired,
}: {
  readonly validUntil: Date | null;
  readonly retired: boolean;
}): SecretStage {
  if (validUntil === null) return 'current';
  return retired ? 'retired' : 'grace';
}
