import { checkScope } from '../../domain/scopes.js';
import { type AskedOfKey, type VerifyCode, verifyCodeOf } from '../../domain/verification.js';
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
}

const NO_SCOPES: readonly string[] = Object.freeze([]);

const noKey = (code: VerifyCode): Verification =>
  Object.freeze({ valid: false, code, key: null, missingScopes: NO_SCOPES, oldSecret: false });

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
  return { valid: code === 'VALID', code, key, missingScopes: missing, oldSecret: isOld };
}
