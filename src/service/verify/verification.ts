import { checkScope } from '../../domain/scopes.js';
import { type LimitUse, limitUses, retryAfter } from '../../domain/standing.js';
import { type AskedOfKey, codeOfLimit, type VerifyCode, verifyCodeOf } from '../../domain/verification.js';
import { invariant } from '../../errors.js';
import type { CountedRequest } from '../../repository/limit-counters.js';
import type { FoundSecret, VerifiedKey } from '../../repository/verify.js';

export interface Verification {
  readonly valid: boolean;
  /** `VALID`, or the first reason why not; see `VERIFY_CODES` for their order. */
  readonly code: VerifyCode;
  /** The key, valid or not; null if there is none that this caller may know of. */
  readonly key: VerifiedKey | null;
  /** With `INSUFFICIENT_SCOPE`, the scopes that the key does not grant, in the order asked; else empty. */
  readonly missingScopes: readonly string[];
  /** True if the secret is not the key's newest: it ends with the grace period of a rotation. */
  readonly oldSecret: boolean;
  /**
   * With `RATE_LIMITED`, `QUOTA_EXCEEDED` and `BUDGET_EXCEEDED`, in how many milliseconds there is room again; null where there
   * never is by itself, and with every other code.
   */
  readonly retryAfterMs: number | null;
  /** The limits of the key and of its owner that were asked, and what remains of them now; empty where there are none. */
  readonly limits: readonly LimitUse[];
}

const NO_SCOPES: readonly string[] = Object.freeze([]);
const NO_LIMITS: readonly LimitUse[] = Object.freeze([]);
const UNLIMITED = Object.freeze({ retryAfterMs: null, limits: NO_LIMITS });

const noKey = (code: VerifyCode): Verification =>
  Object.freeze({ valid: false, code, key: null, missingScopes: NO_SCOPES, oldSecret: false, ...UNLIMITED });

export const MALFORMED = noKey('MALFORMED');
export const NOT_FOUND = noKey('NOT_FOUND');

/** The answer for what the look-up of a secret gave. */
export function verificationOf(found: FoundSecret | undefined, asked: AskedOfKey): Verification {
  if (found === undefined) return NOT_FOUND;
  const code = verifyCodeOf(found, asked);
  // A key of another tenant: nothing of it is told.
  if (code === 'NOT_FOUND') return NOT_FOUND;
  const { key, isOld } = found;
  const missing = code === 'INSUFFICIENT_SCOPE' ? checkScope(key.scopes, asked.scopes).missing : NO_SCOPES;
  return { valid: code === 'VALID', code, key, missingScopes: missing, oldSecret: isOld, ...UNLIMITED };
}

/** The answer for a key that is valid but for its limits, of which a request was counted. */
export function withLimits(
  verification: Verification,
  { refusedBy, key, owner }: CountedRequest,
  spendCents: number,
): Verification {
  const limits = [
    ...(key === null ? [] : limitUses('key', key)),
    ...(owner === null ? [] : limitUses('owner', owner)),
  ];
  if (refusedBy === null) return { ...verification, limits };
  const code = codeOfLimit(refusedBy);
  invariant(code !== undefined, 'a request was refused by no check');
  const retryAfterMs = code === 'IP_NOT_ALLOWED' ? null : retryAfter(limits, spendCents);
  return { ...verification, valid: false, code, limits, retryAfterMs };
}
