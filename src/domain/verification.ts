import { hasEnded } from './key.js';
import type { CountedLimit } from './limits.js';
import { checkScope } from './scopes.js';

/** A secret that is known, and all that its answer depends on, as of one reading of the database's clock. */
export interface KnownSecret {
  readonly now: Date;
  readonly revokedAt: Date | null;
  /** The key or its owner is frozen now. */
  readonly frozen: boolean;
  /** When the secret itself ends; null for the newest, which ends with its key. */
  readonly validUntil: Date | null;
  readonly key: {
    readonly tenantId: string;
    readonly scopes: readonly string[];
    readonly expiresAt: Date | null;
  };
}

/** What a caller asks of a key. */
export interface AskedOfKey {
  /** Undefined: the key may be of any tenant. */
  readonly tenant?: string | undefined;
  readonly scopes: readonly string[];
}

interface CheckRule {
  readonly check: string;
  /** What `verify` answers if it fails; null where it decides nothing. */
  readonly code: string | null;
  /** Null where it is answered before there is a known secret to look at, or by what was counted of its limits. */
  readonly fails: ((secret: KnownSecret, asked: AskedOfKey) => boolean) | null;
}

/**
 * Every check, in the order in which they decide: the first that fails is the answer. What is final comes first: no one
 * lifts a revocation. Then the kill switch, which an operator pulled on purpose. Then what time did: to this secret,
 * which is the narrower answer, before to its key. A wrong checksum alone refuses nothing: the key may be an imported one.
 * What uses something up comes last, so that nothing is used up by what is refused for another reason.
 */
export const CHECKS = [
  { check: 'format', code: 'MALFORMED', fails: null },
  { check: 'checksum', code: null, fails: null },
  { check: 'known', code: 'NOT_FOUND', fails: null },
  {
    check: 'tenant',
    code: 'NOT_FOUND',
    fails: ({ key }, { tenant }) => tenant !== undefined && key.tenantId !== tenant,
  },
  { check: 'not-revoked', code: 'REVOKED', fails: ({ revokedAt }) => revokedAt !== null },
  { check: 'not-frozen', code: 'FROZEN', fails: ({ frozen }) => frozen },
  { check: 'not-retired', code: 'RETIRED', fails: ({ validUntil, now }) => hasEnded(validUntil, now) },
  { check: 'not-expired', code: 'EXPIRED', fails: ({ key, now }) => hasEnded(key.expiresAt, now) },
  {
    check: 'scopes',
    code: 'INSUFFICIENT_SCOPE',
    fails: ({ key }, { scopes }) => scopes.length > 0 && !checkScope(key.scopes, scopes).ok,
  },
  { check: 'address', code: 'IP_NOT_ALLOWED', fails: null },
  { check: 'rate', code: 'RATE_LIMITED', fails: null },
  { check: 'quota', code: 'QUOTA_EXCEEDED', fails: null },
  { check: 'budget', code: 'BUDGET_EXCEEDED', fails: null },
] as const satisfies readonly CheckRule[];

export type CheckName = (typeof CHECKS)[number]['check'];

/** The checks of what a key, or its owner, may use: the database decides and counts them at once. */
export type LimitCheck = Extract<CheckName, 'address' | CountedLimit>;

export type VerifyCode = NonNullable<(typeof CHECKS)[number]['code']> | 'VALID';

/** Every answer there is, in the order in which they are decided: the first that applies. */
export const VERIFY_CODES: readonly VerifyCode[] = [
  ...new Set(CHECKS.flatMap(({ code }) => code ?? [])),
  'VALID',
];

const CODE_OF = new Map<string, VerifyCode>(
  CHECKS.flatMap(({ check, code }) => (code === null ? [] : [[check, code]])),
);

/** What `verify` answers where a limit refuses; undefined: it is no check of a limit. */
export const codeOfLimit = (check: string): VerifyCode | undefined => CODE_OF.get(check);

const NOTHING: AskedOfKey = { scopes: [] };

/** What `verify` answers for a secret that is known. */
export function verifyCodeOf(secret: KnownSecret, asked: AskedOfKey = NOTHING): VerifyCode {
  for (const { code, fails } of CHECKS) if (fails?.(secret, asked)) return code;
  return 'VALID';
}
