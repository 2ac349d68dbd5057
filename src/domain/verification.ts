/** Every answer there is, in the order in which they are decided: the first that applies. */
export const VERIFY_CODES = [
  'MALFORMED',
  'NOT_FOUND',
  'REVOKED',
  'FROZEN',
  'RETIRED',
  'EXPIRED',
  'INSUFFICIENT_SCOPE',
  'VALID',
] as const;

export type VerifyCode = (typeof VERIFY_CODES)[number];
